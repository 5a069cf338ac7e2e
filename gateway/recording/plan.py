"""The plan of a recording: which requests, how many, and what is kept of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gateway.routing.table import ANY, TEMPLATE, EndpointPattern, Rule, Table
from gateway.routing.template import TemplateError

__all__ = ["Plan", "RecordingLimits", "Selection", "Target", "plain_template"]


@dataclass(frozen=True, slots=True)
class RecordingLimits:
    """`percent` of the requests are considered; at most `cases` are kept per endpoint, and `size` bytes in total;
    requests or responses with a body longer than `max_body` bytes are left out."""

    percent: float = 100.0
    cases: int = 50
    size: int = 20_000_000
    max_body: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """The requests of a route, by its name; or those for a path template, with one method or all, whoever answers."""

    route: str | None = None
    method: str = ANY
    template: str = ""

    def __str__(self) -> str:
        return self.route or f"{self.method} {self.template}".removeprefix(f"{ANY} ")


@dataclass(frozen=True, slots=True)
class Selection:
    """What an operator requests. `fields` are names whose values distinguish requests, `names` further sensitive names.
    With `lines`, requests are also distinguished by the lines of the project's code that ran."""

    targets: tuple[Target, ...]
    limits: RecordingLimits = RecordingLimits()
    fields: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    lines: bool = False
    redact: bool = True

    def to_json(self) -> dict[str, Any]:
        """The form that is stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Selection:
        """The inverse. Raises ValueError, TypeError or KeyError for invalid documents."""
        return cls(
            targets=tuple(Target(**one) for one in document["targets"]),
            limits=RecordingLimits(**document["limits"]),
            fields=tuple(document["fields"]),
            names=tuple(document["names"]),
            lines=bool(document["lines"]),
            redact=bool(document["redact"]),
        )


class Plan:
    """One recording, for a process that takes part. `until` is in seconds since 1970; `secret` is the key of its
    pseudonyms and fingerprints. Raises TemplateError."""

    __slots__ = ("_table", "id", "routes", "secret", "selection", "until")

    def __init__(self, id: str, until: float, secret: bytes, selection: Selection) -> None:  # noqa: A002 - its name
        self.id = id
        self.until = until
        self.secret = secret
        self.selection = selection
        self.routes = frozenset(one.route for one in selection.targets if one.route)
        self._table = _table(selection.targets)

    def template(self, path: str, method: str) -> str | None:
        """The template among the targets that matches a path; None if none does."""
        match = self._table.match(path, method)
        return None if match is None or match.route is None else match.template


def _table(targets: Sequence[Target]) -> Table:
    rules = []
    for order, target in enumerate(targets):
        if target.template:
            endpoint = EndpointPattern(plain_template(target.template), frozenset((target.method,)))
            rules.append(Rule(str(target), endpoint, TEMPLATE if "{" in target.template else 0, order))
    return Table(rules)


def plain_template(template: str) -> str:
    """A template without Django's converters, which only Django knows: each matches any segment. Raises
    TemplateError."""
    if not template.startswith("/"):
        raise TemplateError(f"{template!r} does not start with /")
    return re.sub(r"{([^}:]*)(:path)?[^}]*}", r"{\1\2}", template)
