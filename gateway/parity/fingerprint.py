"""Fingerprints of differences: the template, the place without identifiers, and the kind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from gateway.parity.difference import Difference
from gateway.parity.redact.excerpt import storable
from gateway.parity.redact.sensitive import mask_shapes

__all__ = ["Fingerprint", "fingerprint", "generalised"]

# Names of fields that are identifiers, as in {"by_id": {"17": …}}: numbers, UUIDs and other hexadecimal digits, dates,
# e-mail addresses, and redacted names.
IDENTIFIER = re.compile(
    r"-?\d+|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?=.*\d)[0-9a-f]{12,}|\d{4}-\d\d-\d\d.{0,40}|.*@.*|.*\[redacted.*"
    r"|(?=.*\d)[0-9a-z]{20,}",
    re.IGNORECASE | re.DOTALL,
)
SUMMARIES = {
    "failed": "no answer from the service, {detail}",
    "type": "type of {place} changed, {detail}",
    "primitive": "value of {place} changed",
    "class": "{place} is no {detail}",
    "missing": "{place} is missing",
    "extra": "{place} is new",
    "items": "{place} has other items: {detail}",
    "secret": "{place} shows a secret, {detail}",
    "personal": "{place} shows personal data, {detail}",
    "access": "the service answers what legacy refuses: {detail}",
    "length": "{place} has another length",
    "order": "{place} is in another order",
    "duplicate": "{place} stands twice",
    "number-format": "{place} is the same number, written in another way",
    "date-format": "{place} is the same moment, written in another way",
    "whitespace": "{place} differs in white space",
    "write": "the service writes to {detail}, legacy doesn't",
    "row": "row of {place} {detail}",
    "row-way": "rows of {place}: {detail}",
    "effect": "{detail}",
    "sql-count": "{detail} SQL statements",
    "sql-tables": "other tables: {detail}",
    "n-plus-one": "a statement is repeated (N+1): {detail}",
}
LONGEST = 200
REDACTED = re.compile(r"\[redacted [0-9a-f]{6}\]")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`key` is short and equal in every process; `summary` is for humans, without any value."""

    key: str
    summary: str
    template: str
    kind: str
    pointer: str


def fingerprint(template: str, difference: Difference) -> Fingerprint:
    """The fingerprint of a difference found for a URL of `template` ("GET /api/products/{id}/"). Never pass the URL
    itself, whose identifiers would make each request a group of its own (a known complaint of Diffy's users). It is the
    same before and after redaction."""
    kind, pointer, detail = difference.kind, difference.pointer, difference.detail[:LONGEST]
    if len(pointer) <= LONGEST:
        return _remembered(template, kind, pointer, detail)
    return _fingerprint(template, kind, pointer, detail)


def _fingerprint(template: str, kind: str, place: str, text: str) -> Fingerprint:
    pointer = generalised(place)
    detail = REDACTED.sub("[redacted]", mask_shapes(storable(text), lambda _value: "[redacted]"))
    identity = f"{template}\0{kind}\0{pointer}\0{detail}"
    key = sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return Fingerprint(key, _summary(kind, detail, pointer), template, kind, pointer)


# A cache: the same differences recur with every request, and are used several times. Long ones are not cached.
_remembered = lru_cache(maxsize=2048)(_fingerprint)


def _summary(kind: str, detail: str, pointer: str) -> str:
    place = pointer or "the body"
    if kind in ("row", "row-way"):
        table, _, column = pointer.removeprefix("row").removeprefix(":").partition(":")
        place = f"{table}: column {column}" if column else f"{table}:" if kind == "row" else table or "all tables"
    if detail in ("missing", "extra"):
        return f"{place} is {'missing' if detail == 'missing' else 'new'}"
    default = "{place} changed" if detail in ("", "changed") else "{place} changed, {detail}"
    return SUMMARIES.get(kind, default).format(place=place, detail=detail).removesuffix(", ")


def generalised(pointer: str) -> str:
    """A pointer with * for indexes and for names that are identifiers."""
    separator = "/" if pointer.startswith("/") else ":"
    parts = [mask_shapes(part, lambda _value: "[redacted]") for part in storable(pointer).split(separator)]
    return separator.join(["*" if IDENTIFIER.fullmatch(part) else part for part in parts])[:LONGEST]
