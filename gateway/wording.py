"""Counts, durations and names in messages."""

from __future__ import annotations

import re

__all__ = ["counted", "duration", "qualified_name", "visible"]

# What a terminal obeys instead of showing it: control characters but newline and tab, other ends of
# lines, and what reverses the direction of the text around it (https://trojansource.codes).
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def counted(count: int, noun: str) -> str:
    """ "1 request", "2 requests"; for nouns that take an s in the plural."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def duration(seconds: float) -> str:
    """ "12.3 ms" or "1.23 s", with three significant digits."""
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def qualified_name(thing: object) -> str:
    """The module and the qualified name of a function or class; of an instance without a name, those of its class."""
    return f"{thing.__module__}.{getattr(thing, '__qualname__', type(thing).__name__)}"


def visible(text: str) -> str:
    """`text` for a terminal, with its control characters as escapes: it may come from callers or other operators."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
