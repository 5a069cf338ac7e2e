"""Short excerpts of long texts, without parts of secrets at their edges."""

from __future__ import annotations

import re

from gateway.parity.redact.sensitive import Mask

__all__ = ["excerpts", "head", "shortened", "storable"]

LONGEST = 240  # characters of an example
BEFORE = 80  # characters before the first difference
WINDOW = 1500  # characters on either side of a difference that are searched for secrets
EDGE = 4  # words dropped at a cut, since they may be part of a secret, or one without its name

# Control characters (C0, C1), other line breaks, and characters that change the direction of writing.
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
BOUNDARY = re.compile(r"[\s<>&,;]+")


def head(text: str, mask: Mask) -> str:
    """The beginning of a text, masked."""
    return mask(_cut(text, 0, WINDOW))


def excerpts(expected: str, actual: str, mask: Mask) -> tuple[str, str]:
    """Both texts, masked, around the first difference that remains. They may be equal if the difference is cut off."""
    start = max(0, _first_difference(expected, actual) - WINDOW)
    masked = [mask(_cut(text, start, start + 2 * WINDOW)) for text in (expected, actual)]
    return shortened(masked[0], masked[1])


def shortened(expected: str, actual: str) -> tuple[str, str]:
    """Two masked texts, each at most LONGEST characters around their first difference."""
    start = max(0, _first_difference(expected, actual) - BEFORE)
    if max(len(expected), len(actual)) <= LONGEST:
        start = 0
    return _piece(expected, start), _piece(actual, start)


def storable(text: str) -> str:
    """The text without what a database may refuse (lone surrogates, NUL), and without control characters and line
    breaks for terminals and logs: callers choose some of it."""
    written = text.encode("utf-8", "backslashreplace").decode()
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), written)


def _piece(text: str, start: int) -> str:
    end = start + LONGEST
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


def _cut(text: str, start: int, end: int) -> str:
    """The words between two positions; words at an edge that cuts the text are dropped."""
    cut_end = end < len(text)
    piece = text[start:end]
    if start:
        piece = _without_words(piece, EDGE)
    if cut_end:
        edges = [found.start() for found in BOUNDARY.finditer(piece)]
        # Groups of digits may belong to one card number.
        piece = re.sub(r"[\d\s-]+$", "", piece[: edges[-1]]) if edges else ""
    return piece


def _without_words(piece: str, count: int) -> str:
    end = 0
    for _ in range(count):
        found = BOUNDARY.search(piece, end)
        if found is None:
            return ""
        end = found.end()
    return re.sub(r"^[\d\s-]+", "", piece[end:])


def _first_difference(one: str, other: str) -> int:
    """By bisection, since slices are compared faster than characters."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
