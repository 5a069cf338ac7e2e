"""Where an endpoint stands among the project's URLs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings

from gateway.compat.starlette import path_pattern
from gateway.legacy.patterns import Branch, meant_by, patterns_of

__all__ = ["Place"]


class Place:
    """The template of an endpoint's path, "" where the service can't be asked what it has.

    `convertors` are those that Starlette doesn't bring. One of `dependencies` may name the view that it stands for.
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
        """What of the project's URLconf, or of `urlconf`, stood there."""
        return patterns_of(urlconf or settings.ROOT_URLCONF).branch(self.template, self._convertors, self._view)

    def arguments(self, path: str) -> dict[str, Any]:
        """The parameters that `path` has by the template, converted."""
        if self._pattern is None:
            return {}
        regex, convertors = self._pattern
        found = regex.match(path)
        if found is None:  # the template has a prefix this application doesn't know of
            return {}
        return {name: convertors[name].convert(value) for name, value in found.groupdict().items()}
