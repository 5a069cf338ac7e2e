"""JSON Pointers (RFC 6901), and patterns of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["PATTERN", "child", "compile_patterns", "is_pattern", "segments"]

PATTERN = '"" or a JSON Pointer such as "/results/*/price"; * is one segment, ** any number of them'
PLACE = '"status", "sql", "effects", "effects:KIND:NAME", "header:NAME", "row:TABLE", "row:TABLE:COLUMN", or ' + PATTERN

_NEVER = re.compile(r"(?!)")
_ESCAPES = re.compile(r"~(?![01])")


def child(pointer: str, key: str | int) -> str:
    """The pointer to a member or an item of the value at `pointer`."""
    if isinstance(key, str) and ("~" in key or "/" in key):
        key = key.replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{key}"


def segments(pointer: str) -> list[str]:
    """The names and indexes of a pointer, unescaped."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def is_pattern(text: str) -> bool:
    """Whether `text` is a pattern of pointers into a body: empty or starting with a slash, with ~ only in ~0 and ~1."""
    return (not text or text.startswith("/")) and not _ESCAPES.search(text)


def compile_patterns(patterns: Iterable[str]) -> re.Pattern[str]:
    """One regular expression whose `fullmatch` says whether a pointer matches any of the patterns. A pattern that
    doesn't start with a slash is a name ("header:x-*"), in which * matches any characters but slashes, and ** any."""
    expressions = [_expression(pattern) for pattern in patterns]
    return re.compile("|".join(expressions)) if expressions else _NEVER


def _expression(pattern: str) -> str:
    if pattern and not pattern.startswith("/"):
        return ".*".join("[^/]*".join(map(re.escape, part.split("*"))) for part in pattern.split("**"))
    return "".join(_segment(part) for part in pattern.split("/")[1:])


def _segment(part: str) -> str:
    if part == "**":
        return "(?:/[^/]*)*"
    return "/" + "[^/]*".join(map(re.escape, part.split("*")))
