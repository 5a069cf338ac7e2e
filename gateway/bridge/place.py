"""The place of an endpoint in the project's URLconf."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings

from gateway.compat.starlette import path_pattern
from gateway.legacy.branch import Branch
from gateway.legacy.patterns import patterns_of
from gateway.legacy.replaced import meant_by

__all__ = ["Place"]


class Place:
    """The path template of an endpoint; "" if the service doesn't declare its endpoints.

    `convertors` are those that are not Starlette's own. One of `dependencies` may name the view that it replaces.
    """

    __slots__ = ("_convertors", "_pattern", "_view", "template")

    def __init__(
        self,
        template: str,
        convertors: tuple[tuple[str, str], ...] = (),
        dependencies: Sequence[Callable[..., Any]] = (),
    ) -> None:
        self.template = template
        self._convertors = convertors
        self._view = meant_by(dependencies)
        self._pattern = path_pattern(template) if "{" in template else None

    def branch(self, urlconf: Any = None) -> Branch:
        """The part of the project's URLconf, or of `urlconf`, that the template replaces."""
        return patterns_of(urlconf or settings.ROOT_URLCONF).branch(self.template, self._convertors, self._view)

    def arguments(self, path: str) -> dict[str, Any]:
        """The path parameters of `path`, converted."""
        if self._pattern is None:
            return {}
        regex, convertors = self._pattern
        found = regex.match(path)
        if found is None:  # the template has a prefix that this application doesn't know
            return {}
        return {name: convertors[name].convert(value) for name, value in found.groupdict().items()}
