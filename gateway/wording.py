"""Counts, durations and names in messages."""

from __future__ import annotations

__all__ = ["counted", "duration", "qualified_name"]


def counted(count: int, noun: str) -> str:
    """ "1 request", "2 requests"; for nouns that take an s in the plural."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def duration(seconds: float) -> str:
    """ "12.3 ms" or "1.23 s", with three significant digits."""
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def qualified_name(thing: object) -> str:
    """The module and the qualified name of a function or class; of an instance without a name, those of its class."""
    return f"{thing.__module__}.{getattr(thing, '__qualname__', type(thing).__name__)}"
