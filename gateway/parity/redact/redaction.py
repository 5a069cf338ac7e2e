"""Replaces secrets and personal data before anything is stored, so that differences between them stay visible.

Each becomes "[redacted 3f2a91]", whose digits are a keyed hash: equal values are redacted equally, different ones
differently, and without the key values can't be guessed. What remains is cut to a few hundred characters.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import overload

from gateway.parity.answer import Answer, Sql
from gateway.parity.body import form_of
from gateway.parity.decoding import UnreadableBody, decoded, parse_json, text_of
from gateway.parity.difference import Difference, Missing
from gateway.parity.pointer import child, compile_patterns, segments
from gateway.parity.redact.excerpt import excerpts, head, shortened, storable
from gateway.parity.redact.masking import Masker, plain
from gateway.parity.redact.sensitive import Mask, mask_shapes
from gateway.parity.rules import CompareRules

__all__ = ["Redaction", "redact", "redact_target"]

LONGEST_POINTER = 500
LONGEST_TARGET = 500
LOOKED_AT = 1000  # characters of a target; a parameter that is cut there is left out
TEXTS = ("text", "whitespace", "html")
EXPOSED = ("secret", "personal")


@dataclass(frozen=True, slots=True)
class Redaction:
    """How to redact: `key` is a secret of the installation (derived from SECRET_KEY, for instance) with which values
    are hashed; `rules` may name further fields and places. Raises ValueError for an empty key."""

    key: bytes = field(repr=False)
    rules: CompareRules = field(default_factory=CompareRules)
    masker: Masker = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.key:
            raise ValueError("a redaction needs a key: without one, values could be found by trying")
        paths = compile_patterns(self.rules.redact_paths)
        object.__setattr__(self, "masker", Masker(self.key, self.rules.redact_names, paths))


@overload
def redact(thing: Answer, redaction: Redaction) -> Answer: ...
@overload
def redact(thing: Difference, redaction: Redaction) -> Difference: ...
def redact(thing: Answer | Difference, redaction: Redaction) -> Answer | Difference:
    """A copy without secrets and personal data, for storing. A Difference's `expected` and `actual` become short
    strings around the difference (JSON text if they were JSON); an Answer's body becomes the beginning of its text."""
    if isinstance(thing, Answer):
        return _answer(thing, redaction.masker)
    return _difference(thing, redaction.masker)


def redact_target(target: str, redaction: Redaction) -> str:
    """A path with its query ("/reset?token=…"), redacted."""
    if len(target) > LOOKED_AT:
        target = target[: max(target.rfind(end, 0, LOOKED_AT) for end in "/?&")]
    masked = redaction.masker.target(target)
    return storable(masked if len(masked) <= LONGEST_TARGET else masked[:LONGEST_TARGET] + "…")


def _difference(difference: Difference, masker: Masker) -> Difference:
    expected, actual = _sides(difference, masker)
    if expected == actual:  # the difference was cut off
        expected += f" [{masker.digest(plain(difference.expected))}]"
        actual += f" [{masker.digest(plain(difference.actual))}]"
    where = f" ({masker.statement(difference.which[:LONGEST_POINTER])})" if difference.which else ""
    return replace(
        difference,
        pointer=storable(_pointer(difference.pointer, masker) + where),
        expected=storable(expected),
        actual=storable(actual),
        detail=storable(mask_shapes(difference.detail[:200], masker.mask)),
    )


def _sides(difference: Difference, masker: Masker) -> tuple[str, str]:
    sides = difference.expected, difference.actual
    if difference.kind == "header":
        name = difference.pointer.split(":")[1]
        masked = [_text(side, lambda text: masker.header(name, text)) for side in sides]
        return shortened(masked[0], masked[1])
    if difference.kind == "bytes":
        sizes = [f"{len(side)} bytes {masker.mask(side.hex())}" if isinstance(side, bytes) else "" for side in sides]
        return sizes[0], sizes[1]
    was, now = sides
    if difference.kind in TEXTS and isinstance(was, str) and isinstance(now, str):
        return excerpts(was, now, masker.text)
    if difference.kind in (*TEXTS, "cookie", "failed", "sql-tables", "n-plus-one"):
        mask = masker.statement if difference.kind == "n-plus-one" else masker.text
        masked = [_text(side, lambda text: head(text, mask)) for side in sides]
        return shortened(masked[0], masked[1])
    return _json(difference.pointer, was, now, masker, covered=difference.kind in EXPOSED)


def _text(side: object, mask: Mask) -> str:
    return side.value if isinstance(side, Missing) else mask(str(side))


def _json(pointer: str, was: object, now: object, masker: Masker, *, covered: bool) -> tuple[str, str]:
    covered = covered or _covered(pointer, masker)
    if not covered and isinstance(was, str) and isinstance(now, str):
        # Long strings are shown around the difference, not from their beginning.
        before, after = excerpts(was, now, masker.text)
        return json.dumps(before, ensure_ascii=False), json.dumps(after, ensure_ascii=False)
    texts = [masker.value(side, pointer, covered=covered) for side in (was, now)]
    return shortened(texts[0], texts[1])


def _covered(pointer: str, masker: Masker) -> bool:
    """Whether a place is sensitive because of its name, or the name or path of an enclosing value."""
    place = ""
    if pointer.startswith(("row:", "effects:")):
        return any(map(masker.covers, pointer.split(":")[1:]))
    for name in segments(pointer) if pointer.startswith("/") else []:
        place = child(place, name)
        if masker.covers_place(place) or masker.covers(name):
            return True
    return masker.covers_place("") and not pointer.startswith(("header:", "status", "sql"))


def _pointer(pointer: str, masker: Masker) -> str:
    separator = "/" if pointer.startswith("/") else ":"
    masked = separator.join(mask_shapes(part, masker.mask) for part in pointer.split(separator))
    return masked if len(masked) <= LONGEST_POINTER else masked[:LONGEST_POINTER] + "…"


def _answer(answer: Answer, masker: Masker) -> Answer:
    headers = tuple(
        (name, masker.header(name.decode("latin-1"), value.decode("latin-1")).encode("utf-8", "replace"))
        for name, value in answer.headers
        if name not in (b"content-encoding", b"content-length")  # they describe the original body
    )
    sql = answer.sql and Sql(tuple(map(masker.statement, answer.sql.statements)), answer.sql.count)
    failed = answer.failed and head(answer.failed, masker.text)
    return replace(answer, headers=headers, body=_body(answer, masker).encode("utf-8"), sql=sql, failed=failed)


def _body(answer: Answer, masker: Masker) -> str:
    form = form_of(answer.media_type)
    try:
        body = decoded(answer)
        if form == "json":
            return storable(masker.value(parse_json(body, answer.charset), "", covered=masker.covers_place("")))
    except UnreadableBody:
        return f"{len(answer.body)} bytes {masker.mask(answer.body.hex())}"
    if form in ("html", "text") and not masker.covers_place(""):
        return storable(head(text_of(body, answer.charset), masker.text))
    return f"{len(body)} bytes {masker.mask(body.hex())}" if body else ""
