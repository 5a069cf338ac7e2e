"""Splits a regular expression of `re_path` into plain text and groups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Group", "pieces"]

_open = re.compile(r"\((?:\?P<(?P<name>\w+)>|(?P<plain>\?:)|(?P<other>\?[^)]))?")
_quantifier = re.compile(r"(?:[*+?]|{\d*,?\d*})[?+]?")
_anchors = re.compile(r"[\^$]|\\[AZbB]")


class Group(NamedTuple):
    """A part that isn't plain text; `name` is empty if it has none."""

    name: str
    regex: str


def pieces(text: str) -> Iterator[str | Group]:
    """The parts of `text` from left to right: plain text and groups. Optional parts count as present, as in DRF's own
    documents; anchors, flags and lookarounds are left out. An expression with alternatives is one group."""
    if len(_alternatives(text)) > 1:
        yield Group("", text)
        return
    at = 0
    while at < len(text):
        end = _end_of_atom(text, at)
        atom, after = text[at:end], _quantifier.match(text, end)
        at = after.end() if after else end
        yield from _piece(atom, after[0] if after else "")


def _piece(atom: str, quantifier: str) -> Iterator[str | Group]:
    if (found := _open.match(atom)) and found.end() > 0 and atom.startswith("("):
        yield from _group(atom, found, quantifier)
    elif _anchors.fullmatch(atom):
        return
    elif atom[0] in ".[" or (atom[0] == "\\" and atom[1:].isalnum()):
        yield Group("", atom + quantifier)
    else:
        yield atom.removeprefix("\\")


def _group(atom: str, opened: re.Match[str], quantifier: str) -> Iterator[str | Group]:
    inner = atom[opened.end() : -1]
    if opened["name"]:
        yield Group(opened["name"], inner)
    elif opened["plain"]:
        if quantifier[:1] in ("*", "+", "{") or len(_alternatives(inner)) > 1:
            yield Group("", f"(?:{inner}){quantifier}")
        else:
            yield from pieces(inner)
    elif not opened["other"]:
        yield Group("", inner)


def _end_of_atom(text: str, at: int) -> int:
    """The index after the character, set or group that begins at `at`."""
    if text[at] == "\\":
        return at + 2
    if text[at] == "[":
        return _end_of_set(text, at)
    if text[at] != "(":
        return at + 1
    at += 1
    while at < len(text) and text[at] != ")":
        at = _end_of_atom(text, at)
    return at + 1


def _end_of_set(text: str, at: int) -> int:
    at += 2 if text[at + 1 : at + 2] == "^" else 1
    at += text[at : at + 1] == "]"  # in first place, it is a character of the set
    while at < len(text) and text[at] != "]":
        at += 2 if text[at] == "\\" else 1
    return at + 1


def _alternatives(text: str) -> list[str]:
    """`text`, split at those `|` that are outside of groups and sets."""
    found, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "|":
            found.append(text[start:at])
            start = at + 1
        at = _end_of_atom(text, at)
    return [*found, text[start:]]
