"""Which statuses a view's method responds with, and whether it reads the body, according to its source."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["SourceOutcome", "outcome_of"]

_status = re.compile(r"HTTP_(\d{3})(?:_|$)")
BODY = frozenset({"data", "POST", "FILES", "body", "stream"})  # attributes of a request


@dataclass(frozen=True, slots=True)
class SourceOutcome:
    """`statuses` are those of its responses, empty when unknown; `reads_body`: it may read the body; `serializes`: it
    may use the view's serializer."""

    statuses: frozenset[int] = frozenset()
    reads_body: bool = True
    serializes: bool = True

    @property
    def success(self) -> int | None:
        """The status of a successful response; None when it is unknown, or there are several."""
        good = [status for status in self.statuses if 200 <= status < 300]
        return good[0] if len(good) == 1 else None


def outcome_of(kind: type[Any], name: str, deep: int = 3) -> SourceOutcome:
    """The outcome of method `name` of `kind`, and of the methods to which it delegates: `return
    self.create(request)`."""
    tree = _tree(getattr(kind, name, None))
    if tree is None:
        return SourceOutcome()
    handed = [*_handed_on(tree)] if deep else []
    others = [outcome_of(kind, other, deep - 1) for other in handed if other != name]
    statuses = frozenset(_statuses(tree)).union(*(other.statuses for other in others))
    return SourceOutcome(
        statuses,
        _reads_body(tree, {*handed}) or any(other.reads_body for other in others),
        _serializes(tree) or any(other.serializes for other in others),
    )


def _tree(function: Any) -> ast.AST | None:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError, ValueError):  # it has no source, or the source can't be parsed by itself
        return None


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _statuses(tree: ast.AST) -> Iterator[int]:
    for call in _calls(tree):
        if not _name(call.func).endswith("Response"):
            continue
        given = next((keyword.value for keyword in call.keywords if keyword.arg == "status"), None)
        if given is None and len(call.args) > 1:
            given = call.args[1]
        if given is None:
            yield 200
        elif (status := _constant(given)) is not None:
            yield status


def _constant(node: ast.expr) -> int | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    found = _status.match(_name(node))
    return int(found[1]) if found else None


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _handed_on(tree: ast.AST) -> Iterator[str]:
    """The methods of the same object whose response is returned."""
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Return) else None
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and _is_self(value.func.value):
            yield value.func.attr


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _is_request(node: ast.expr) -> bool:
    return _name(node) in ("request", "_request")


def _reads_body(tree: ast.AST, followed: set[str]) -> bool:
    """Whether it reads the body, or passes the request to code that isn't examined here."""
    if any(
        isinstance(node, ast.Attribute) and node.attr in BODY and _is_request(node.value) for node in ast.walk(tree)
    ):
        return True
    calls = [call for call in _calls(tree) if not (isinstance(call.func, ast.Attribute) and call.func.attr in followed)]
    handed = (one for call in calls for one in (*call.args, *(keyword.value for keyword in call.keywords)))
    return any(isinstance(one, ast.Name) and one.id == "request" for one in handed)


def _serializes(tree: ast.AST) -> bool:
    names = (_name(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return any(name.startswith("get_serializer") or name == "serializer_class" for name in names)
