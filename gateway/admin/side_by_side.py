"""Two values next to each other, with what differs marked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

__all__ = ["Piece", "ShownExample", "example", "pieces"]

LONGEST = 1000  # characters of a value in which single differences are looked for


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a value; `differs`: the other side has something else there."""

    text: str
    differs: bool


@dataclass(frozen=True, slots=True)
class ShownExample:
    """One request whose responses differed, redacted. `at` is in seconds since 1970."""

    at: float
    target: str
    pointer: str
    legacy: tuple[Piece, ...]
    service: tuple[Piece, ...]


def example(found: Mapping[str, object]) -> ShownExample:
    """An example of a stored difference."""
    legacy, service = pieces(_text(found.get("expected")), _text(found.get("actual")))
    at = float(str(found.get("at", 0)))
    return ShownExample(at, str(found.get("target", "")), str(found.get("pointer", "")), legacy, service)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def pieces(one: str, other: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Both values in pieces. What is very long differs as a whole."""
    if max(len(one), len(other)) > LONGEST:
        return (Piece(one, one != other),), (Piece(other, one != other),)
    left: list[Piece] = []
    right: list[Piece] = []
    for kind, start, end, other_start, other_end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if end > start:
            left.append(Piece(one[start:end], kind != "equal"))
        if other_end > other_start:
            right.append(Piece(other[other_start:other_end], kind != "equal"))
    return tuple(left), tuple(right)
