"""Decodes bodies: content-encoding, charset, JSON. Limited in size, whatever the bytes are."""

from __future__ import annotations

import json
import re
import zlib
from decimal import Decimal
from typing import Any

from gateway.parity.answer import Answer

__all__ = [
    "LARGEST",
    "DuplicateKeys",
    "UnreadableBody",
    "decoded",
    "encodings",
    "parse_json",
    "same_tokens",
    "text_of",
]

LARGEST = 10 * 1024 * 1024  # bytes of a body after decoding
WINDOW = {"gzip": 47, "x-gzip": 47, "deflate": 47}  # zlib's "gzip or zlib, whichever header is there"


class UnreadableBody(Exception):
    """A body that doesn't match its headers (`broken`), or is too large. The message doesn't quote it."""

    def __init__(self, reason: str, *, broken: bool = True) -> None:
        super().__init__(reason)
        self.broken = broken


class DuplicateKeys(tuple[Any, ...]):
    """The values of a name that occurs more than once in a JSON object, in order."""

    __slots__ = ()


def encodings(answer: Answer) -> list[str]:
    """The content codings, in the order in which they were applied, without identity."""
    named = answer.fields.get("content-encoding")
    if named is None:
        return []
    return [coding for coding in map(str.strip, named.lower().split(",")) if coding not in ("", "identity")]


def decoded(answer: Answer) -> bytes:
    """The body without its content-encoding.

    Raises UnreadableBody for codings other than gzip and deflate, for invalid bytes, and for more than LARGEST bytes.
    """
    body = answer.body
    for coding in reversed(encodings(answer)):
        if coding not in WINDOW:
            raise UnreadableBody(f"content-encoding {coding[:20]!r} can't be decoded here", broken=False)
        try:
            body = _inflated(body, WINDOW[coding])
        except zlib.error:
            if coding != "deflate":
                raise UnreadableBody(f"the body isn't {coding}") from None
            body = _raw_deflate(body)
    if len(body) > LARGEST:
        raise UnreadableBody(f"the body has more than {LARGEST} bytes", broken=False)
    return body


def _raw_deflate(body: bytes) -> bytes:
    # "deflate" means zlib's format, but some servers omit its header (RFC 9110 §8.4.1.2, note).
    try:
        return _inflated(body, -15)
    except zlib.error:
        raise UnreadableBody("the body isn't deflate") from None


def _inflated(body: bytes, window: int) -> bytes:
    whole = b""
    while body:  # gzip may have several members
        stream = zlib.decompressobj(window)
        whole += stream.decompress(body, LARGEST + 1 - len(whole))
        if len(whole) > LARGEST:
            raise UnreadableBody(f"the body has more than {LARGEST} bytes when decoded", broken=False)
        if not stream.eof:
            raise UnreadableBody("the compressed body is cut off")
        body = stream.unused_data
    return whole


def text_of(body: bytes, encoding: str) -> str:
    """The text; invalid bytes become lone surrogates, so that they stay distinguishable."""
    try:
        return body.decode(encoding, "surrogateescape")
    except (LookupError, UnicodeError, ValueError):
        return body.decode("utf-8", "surrogateescape")


def parse_json(body: bytes, encoding: str) -> Any:
    """The JSON value without loss: numbers are Decimals as written, repeated names have DuplicateKeys.

    Raises UnreadableBody for anything else, NaN and Infinity included (RFC 8259 §6).
    """
    text = _strict_text(body, encoding)
    if text.startswith("\ufeff"):  # as json.loads; the decoder's own message is unclear
        raise UnreadableBody("the body isn't JSON: Unexpected UTF-8 BOM (decode using utf-8-sig) at character 0")
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as exc:
        raise UnreadableBody(f"the body isn't JSON: {exc.msg} at character {exc.pos}") from None
    except RecursionError:
        raise UnreadableBody("the JSON is nested too deeply", broken=False) from None
    except ArithmeticError:
        raise UnreadableBody("the JSON has a number too large to compare", broken=False) from None


# A string, or a run of other characters without white space.
WRITTEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[^" \t\n\r]+')


def same_tokens(one: bytes, other: bytes, encoding: str) -> bool:
    """Whether two bodies that `parse_json` can read are equal except for white space between tokens: names in the same
    order, numbers written alike. Django writes spaces where FastAPI writes none. Only for valid JSON: elsewhere, the
    end of an open string would be searched again and again.
    """
    first, second = ("".join(WRITTEN.findall(body.decode(encoding))) for body in (one, other))
    return first == second


def _strict_text(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding)
    except UnicodeError:
        raise UnreadableBody(f"the body isn't {encoding[:20]}") from None
    except (LookupError, ValueError):  # ValueError: an encoding's name with a NUL
        raise UnreadableBody(f"the charset {encoding[:20]!r} is unknown") from None


def _no_number(name: str) -> Any:
    raise UnreadableBody(f"the body isn't JSON: it has {name}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    grouped: dict[str, list[Any]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else DuplicateKeys(values) for name, values in grouped.items()}


_DECODER = json.JSONDecoder(
    parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number, object_pairs_hook=_object
)
