"""Finds the valid part of a table of gateway.toml, and every mistake in it, without mistakes that follow from others.

Pydantic reports all wrong fields at once, but checks rules between fields only when all are valid, and then stops at
the first that is broken. So invalid values are removed, and the rest is validated again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

__all__ = ["KeyConflict", "KeyConflicts", "Salvaged", "salvage"]

ModelT = TypeVar("ModelT", bound=BaseModel)
KeyPath = tuple[str | int, ...]


class KeyConflict(ValueError):
    """A broken rule between `keys` of one table; the first of them is kept for now."""

    def __init__(self, message: str, *keys: str) -> None:
        super().__init__(message)
        self.keys = keys


class KeyConflicts(ValueError):
    """All broken rules of one table."""

    def __init__(self, found: Sequence[KeyConflict]) -> None:
        super().__init__("; ".join(map(str, found)))
        self.found = found


class Salvaged(NamedTuple, Generic[ModelT]):
    """`section` is the valid part, or None if that isn't enough; `errors` are Pydantic's; `doubtful` are the keys whose
    value is unknown, because it was wrong or missing."""

    section: ModelT | None
    errors: list[Any]
    doubtful: frozenset[KeyPath]


def salvage(model: type[ModelT], table: Mapping[str, Any]) -> Salvaged[ModelT]:
    """Validate `table` as a `model`, without its invalid values."""
    rest: dict[str, Any] = _copied(table)
    found: list[Any] = []
    doubtful: set[KeyPath] = set()
    while True:
        try:
            return Salvaged(model.model_validate(rest), found, frozenset(doubtful))
        except ValidationError as exc:
            errors = [one for error in exc.errors() for one in _apart(error)]
        before = len(doubtful)
        for error in errors:
            at = _place(rest, error["loc"])
            if not _follows(error, at, doubtful):
                found.append(error)
            doubtful |= _doubts(error, at)
        for place in doubtful:
            _remove(rest, place)
        if len(doubtful) == before:
            return Salvaged(None, found, frozenset(doubtful))


def _copied(value: Any) -> Any:
    """`value` with tables and arrays of its own. Anything else is a value, or a mistake that Pydantic names: a FastAPI
    application in the place of its import string can't be copied, for one."""
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _apart(error: Any) -> list[Any]:
    """One of Pydantic's errors, or one for each broken rule."""
    together = error.get("ctx", {}).get("error")
    if not isinstance(together, KeyConflicts):
        return [error]
    return [{**error, "msg": str(conflict), "ctx": {"error": conflict}} for conflict in together.found]


def _place(table: Any, location: Iterable[str | int]) -> KeyPath:
    """The part of `location` that exists in `table`. Besides keys, Pydantic names the members of unions there."""
    at: list[str | int] = []
    node: Any = table
    for part in location:
        leads = part in node if isinstance(node, dict) else isinstance(node, list | tuple) and isinstance(part, int)
        if leads:
            node = node[part]
            at.append(part)
    return tuple(at)


def _follows(error: Any, at: KeyPath, doubtful: set[KeyPath]) -> bool:
    """Whether `error` only follows from one that was found before."""
    conflict = _conflict(error)
    if conflict is not None:
        return any((*at, key) in doubtful for key in conflict.keys)
    return error["type"] == "missing" and (*at, error["loc"][-1]) in doubtful


def _doubts(error: Any, at: KeyPath) -> set[KeyPath]:
    """The keys whose value is unknown because of `error`."""
    conflict = _conflict(error)
    if conflict is not None:
        return {(*at, key) for key in conflict.keys[1:]}
    if error["type"] == "missing":
        at = (*at, error["loc"][-1])
    # If one item of a list is wrong, the whole list counts as wrong: without the item it would be a different list.
    first = next((index for index, part in enumerate(at) if isinstance(part, int)), len(at))
    return {at[:first]} if at[:first] else set()


def _conflict(error: Any) -> KeyConflict | None:
    found = error.get("ctx", {}).get("error")
    return found if isinstance(found, KeyConflict) else None


def _remove(table: dict[str, Any], place: KeyPath) -> None:
    node: Any = table
    for part in place[:-1]:
        node = node.get(part) if isinstance(node, dict) else None
    if isinstance(node, dict):
        node.pop(place[-1], None)
