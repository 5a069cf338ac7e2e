"""Pairs the fields of two serializers, including nested ones, and makes a body that both accept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers
from rest_framework.serializers import ListSerializer

from gateway.workbench.drf.contract.inputs import MISSING, candidates
from gateway.workbench.drf.contract.readers import Path
from gateway.workbench.drf.contract.serializers import fields_below

__all__ = ["Pair", "dotted", "pairs", "usual_body", "with_value"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A field of the same name in both; None where one lacks it. `place` is its place in a body."""

    place: Path
    legacy: Any
    service: Any

    @property
    def name(self) -> str:
        """The path, for messages."""
        return dotted(self.place)


def dotted(place: Path) -> str:
    """A place in text form; `[]` for a list."""
    text = ""
    for step in place:
        text += "[]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def pairs(legacy: Any, service: Any, place: Path = ()) -> Iterator[Pair]:
    """Every field that callers may write in either serializer, outer fields first."""
    if isinstance(legacy, ListSerializer) and isinstance(service, ListSerializer):
        place = (*place, 0)
    ours, theirs = fields_below(legacy) or {}, fields_below(service) or {}
    for name in dict.fromkeys([*ours, *theirs]):
        pair = Pair((*place, name), ours.get(name), theirs.get(name))
        if (pair.legacy is None or pair.legacy.read_only) and pair.service is None:
            continue
        yield pair
        if fields_below(pair.legacy) is not None and fields_below(pair.service) is not None:
            yield from pairs(pair.legacy, pair.service, pair.place)


def usual_body(legacy: Any, service: Any, accepts: Callable[[Any, Any], bool]) -> Any:
    """A body with a valid value in every field, where one can be found.

    `accepts(field, value)` says whether a field accepts a value.
    """
    ours, theirs = fields_below(legacy), fields_below(service)
    if ours is None and theirs is None:
        return _valid(legacy, service, accepts)
    body: dict[str, Any] = {}
    for name in dict.fromkeys([*(ours or {}), *(theirs or {})]):
        mine, other = (ours or {}).get(name), (theirs or {}).get(name)
        if mine is not None and mine.read_only:
            mine = None
        if (value := _value(mine, other, accepts)) is not MISSING:
            body[name] = value
    return [body] if isinstance(legacy or service, ListSerializer) else body


def _value(legacy: Any, service: Any, accepts: Callable[[Any, Any], bool]) -> Any:
    if legacy is None and service is None:
        return MISSING
    if isinstance(legacy or service, serializers.BaseSerializer):
        return usual_body(legacy, service, accepts)
    return _valid(legacy, service, accepts)


def _valid(legacy: Any, service: Any, accepts: Callable[[Any, Any], bool]) -> Any:
    """A value that both fields accept, or else the project's field."""
    second = MISSING
    for value in candidates(legacy, service):
        if value is MISSING or value is None or value == "":
            continue
        mine = legacy is None or accepts(legacy, value)
        if mine and (service is None or accepts(service, value)):
            return value
        if mine and second is MISSING:
            second = value
    return second


def with_value(body: Any, place: Path, value: Any) -> Any:
    """`body` with `value` at `place`; if it is MISSING, without the value there."""
    if not place:
        return value
    step, rest = place[0], place[1:]
    if isinstance(body, list):
        return [with_value(one, rest, value) if index == step else one for index, one in enumerate(body)]
    changed = dict(body) if isinstance(body, dict) else {}
    if not rest and value is MISSING:
        changed.pop(step, None)
    else:
        changed[step] = with_value(changed.get(step), rest, value)
    return changed
