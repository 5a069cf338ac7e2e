"""Two texts side by side, with differences marked. All output is escaped."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from html import escape

__all__ = ["escaped", "side_by_side"]

MOST_LINES = 400  # shown of each side
LONGEST_LINE = 2000  # characters in which words are compared
WORDS = re.compile(r"\w+|\s+|[^\w\s]")
# Characters that change the direction of writing or are invisible: they could make a line look different.
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def escaped(text: str) -> str:
    """A text for HTML, in an element or an attribute's quotes; invisible characters are written out."""
    return escape(HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text), quote=True)


def side_by_side(expected: str, actual: str) -> Iterator[tuple[str, str, bool]]:
    """The lines of both texts as HTML, matching ones next to each other, and whether they differ."""
    was, now = _lines(expected), _lines(actual)
    matcher = difflib.SequenceMatcher(None, was, now, autojunk=False)
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        if kind == "equal":
            yield from ((escaped(line), escaped(line), False) for line in was[start:end])
            continue
        for index in range(max(end - start, other_end - other_start)):
            old = was[start + index] if start + index < end else None
            new = now[other_start + index] if other_start + index < other_end else None
            yield *_marked(old, new), True


def _lines(text: str) -> list[str]:
    """The lines of a text; JSON is formatted over several."""
    with suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    lines = re.split(r"\r\n|\r|\n", text)
    more = len(lines) - MOST_LINES
    return [*lines[:MOST_LINES], f"… and {more} more lines"] if more > 0 else lines


def _marked(old: str | None, new: str | None) -> tuple[str, str]:
    if old is None or new is None or max(len(old), len(new)) > LONGEST_LINE:
        return _whole("del", old), _whole("ins", new)
    was, now = WORDS.findall(old), WORDS.findall(new)
    matcher = difflib.SequenceMatcher(None, was, now, autojunk=False)
    left, right = [], []
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        gone, come = escaped("".join(was[start:end])), escaped("".join(now[other_start:other_end]))
        left.append(gone if kind == "equal" or not gone else f"<del>{gone}</del>")
        right.append(come if kind == "equal" or not come else f"<ins>{come}</ins>")
    return "".join(left), "".join(right)


def _whole(tag: str, line: str | None) -> str:
    return "" if line is None else f"<{tag}>{escaped(line)}</{tag}>"
