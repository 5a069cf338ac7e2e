"""Splits regular expressions into elements, as far as routing needs to know."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["MalformedRegex", "alternatives", "elements", "takes_slash"]

_quantifier = re.compile(r"(?:[*+?]|\{\d*,?\d*\})[?+]?")
_anchors = ("^", "$", r"\A", r"\Z", r"\z", r"\b", r"\B")


class MalformedRegex(ValueError):
    """Not a valid regular expression."""


def elements(regex: str) -> Iterator[tuple[str, str]]:
    """Each character, escape, set or group of `regex`, and its quantifier; without anchors. Raises Malformed."""
    index = 0
    while index < len(regex):
        end = _end(regex, index)
        element = regex[index:end]
        found = _quantifier.match(regex, end)
        index = end
        if element in _anchors:
            continue
        quantifier = found[0] if found else ""
        yield element, quantifier
        index += len(quantifier)


def alternatives(regex: str) -> list[str]:
    """The alternatives that `|` separates outside of groups. Raises Malformed."""
    found, index = [""], 0
    while index < len(regex):
        end = _end(regex, index)
        if regex[index] == "|":
            found.append("")
        else:
            found[-1] += regex[index:end]
        index = end
    return found


def takes_slash(regex: str) -> bool:
    """Whether `regex` may match a slash; True when that can't be determined."""
    try:
        return any(_may_be_slash(element) for one in alternatives(regex) for element, _ in elements(one))
    except (MalformedRegex, re.error):
        return True


def _may_be_slash(element: str) -> bool:
    if element.startswith(("(?=", "(?!", "(?<=", "(?<!")):
        return False  # it consumes nothing
    if element[0] != "(":
        return re.fullmatch(element, "/", re.DOTALL) is not None
    head = re.match(r"\((?:\?:|\?P<\w+>|(?!\?))", element)
    return head is None or takes_slash(element[head.end() : -1])


def _end(text: str, start: int) -> int:
    """The index after the element that begins at `start`."""
    if text[start] == "\\":
        return start + 2
    if text[start] == "[":
        return _end_of_set(text, start)
    return _end_of_group(text, start) if text[start] == "(" else start + 1


def _end_of_group(text: str, start: int) -> int:
    depth, index = 0, start
    while index < len(text):
        if text[index] in "\\[":
            index = _end(text, index)
            continue
        depth += (text[index] == "(") - (text[index] == ")")
        index += 1
        if depth == 0:
            return index
    raise MalformedRegex(f"a group in {text} has no end")


def _end_of_set(text: str, start: int) -> int:
    index = start + 1
    index += text[index : index + 1] == "^"
    index += text[index : index + 1] == "]"  # a `]` in first place is a character of the set
    while index < len(text):
        if text[index] == "]":
            return index + 1
        index += 1 + (text[index] == "\\")
    raise MalformedRegex(f"a set in {text} has no end")
