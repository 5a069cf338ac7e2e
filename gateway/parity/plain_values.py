"""Objects of Python's as `parse_json` would give them, so that two of them are compared as two bodies are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from hashlib import blake2b
from itertools import islice
from typing import Any

from gateway.wording import qualified_name

__all__ = ["plain_bytes", "plain_value"]

MOST = 1000  # values within one
DEEPEST = 20  # levels
LONGEST = 64 * 1024  # bytes that are compared as text


def plain_value(value: object) -> Any:
    """`value` as None, a boolean, a text, a Decimal, a list, or a dict with texts for names. An object of a class is a
    dict of its public attributes, and of its class. What is beyond MOST and DEEPEST is left out."""
    return _Converter().convert(value, 0)


def plain_bytes(value: bytes) -> str:
    """As text where they are short and UTF-8; else a digest of them."""
    if len(value) <= LONGEST:
        try:
            return value.decode()
        except UnicodeDecodeError:
            pass
    return f"{len(value)} bytes {blake2b(value, digest_size=8).hexdigest()}"


class _Converter:
    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MOST

    def convert(self, value: object, depth: int) -> Any:
        self.left -= 1
        if self.left < 0 or depth > DEEPEST:
            return "…"
        if value is None or isinstance(value, bool | Decimal):
            return value
        if isinstance(value, str):
            return str(value)
        if isinstance(value, int | float):
            return Decimal(str(value))
        if isinstance(value, bytes | bytearray | memoryview):
            return plain_bytes(bytes(value))
        if isinstance(value, date | time):
            return value.isoformat()
        return self._many(value, depth + 1)

    def _many(self, value: object, depth: int) -> Any:
        if isinstance(value, Mapping):
            return {str(name): self.convert(item, depth) for name, item in islice(value.items(), MOST)}
        if isinstance(value, list | tuple):
            return [self.convert(item, depth) for item in islice(value, MOST)]
        if isinstance(value, set | frozenset):
            return sorted((self.convert(item, depth) for item in islice(value, MOST)), key=repr)
        return self._object(value, depth)

    def _object(self, value: object, depth: int) -> Any:
        kind = qualified_name(type(value))
        found: dict[str, Any] = {"class": kind}
        if isinstance(content := getattr(value, "content", None), bytes):  # an HttpResponse, say
            found["content"] = plain_bytes(content)
        for name, item in islice(getattr(value, "__dict__", {}).items(), MOST):
            if not name.startswith("_"):
                found[str(name)] = self.convert(item, depth)
        return found if len(found) > 1 else {"class": kind, "text": _text(value)}


def _text(value: object) -> str:
    """What it says of itself, unless that is only where it is in memory."""
    if type(value).__str__ is object.__str__ and type(value).__repr__ is object.__repr__:
        return ""
    try:
        return str(value)[:LONGEST]
    except Exception:  # noqa: BLE001 - it is the project's
        return ""
