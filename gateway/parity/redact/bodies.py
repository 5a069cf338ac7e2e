"""Redacts whole bodies, according to their form: JSON, forms, uploads and text."""

from __future__ import annotations

import re
from base64 import b64decode
from contextlib import suppress

from gateway.parity.decoding import text_of
from gateway.parity.redact.json_text import redacted_json
from gateway.parity.redact.pseudonyms import Pseudonyms

__all__ = ["redacted_body"]

FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
TEXTS = ("text/", "application/xml", "application/javascript", "image/svg")
BOUNDARY = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)
NAME = re.compile(rb'\bname="([^"]*)"')
FILENAME = re.compile(rb'\bfilename="([^"]*)"')
# The smallest valid files of these types: one pixel.
FILES = {
    "image/png": b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
    ),
    "image/gif": b64decode("R0lGODdhAQABAIEAAAAAAAAAAAAAAAAAACwAAAAAAQABAAAIBAABBAQAOw=="),
    "image/webp": b64decode("UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEADMDOJaQAA3AA/uxnAAA="),
    "image/jpeg": b64decode(
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP///////////////////////////////////////////////////////////////////////"
        "///////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AN//Z"
    ),
}
REPLACED = b"redacted"


def redacted_body(body: bytes, content_type: str, pseudonyms: Pseudonyms) -> bytes | None:
    """`body` with pseudonyms; None if it can't be read, and so has to be left out."""
    if not body:
        return body
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == MULTIPART:
        return _multipart(body, content_type, pseudonyms)
    charset = _charset(content_type)
    text = text_of(body, charset)
    if media_type == "application/json" or media_type.endswith("+json"):
        with suppress(ValueError, RecursionError):
            return _bytes_of(redacted_json(text, pseudonyms), charset)
    elif media_type == FORM:
        return _bytes_of(pseudonyms.query(text), charset)
    elif not media_type.startswith(TEXTS) and not media_type.endswith("+xml"):
        return None
    return _bytes_of(pseudonyms.text(text), charset)


def _charset(content_type: str) -> str:
    found = re.search(r'charset="?([\w.:-]+)', content_type, re.IGNORECASE)
    return found[1] if found else "utf-8"


def _bytes_of(text: str, charset: str) -> bytes:
    """Encode what `text_of` has decoded."""
    with suppress(LookupError, UnicodeError, ValueError):
        return text.encode(charset, "surrogateescape")
    return text.encode("utf-8", "surrogateescape")


def _multipart(body: bytes, content_type: str, pseudonyms: Pseudonyms) -> bytes | None:
    """RFC 7578. Forms that browsers and clients don't write are left out."""
    found = BOUNDARY.search(content_type)
    if found is None:
        return None
    mark = b"--" + found[1].encode("latin-1", "replace")
    first, *parts = body.split(mark)
    if first.strip() or not parts or not parts[-1].startswith(b"--"):
        return None
    made = [_part(part, pseudonyms) for part in parts[:-1]]
    if None in made:
        return None
    return mark.join([first, *(part for part in made if part is not None), parts[-1]])


def _part(part: bytes, pseudonyms: Pseudonyms) -> bytes | None:
    head, gap, content = part.partition(b"\r\n\r\n")
    named = NAME.search(head)
    if not gap or named is None or not content.endswith(b"\r\n"):
        return None
    file = FILENAME.search(head)
    if file is not None:
        stem, dot, ending = file[1].rpartition(b".")
        kept = (pseudonyms.mask(stem.decode("utf-8", "replace")).encode() + dot + ending) if dot else REPLACED
        head = head[: file.start(1)] + kept + head[file.end(1) :]
        return head + gap + _file(head, content[:-2]) + b"\r\n"
    name, value = named[1].decode("utf-8", "replace"), content[:-2].decode("utf-8", "surrogateescape")
    if pseudonyms.covers(name) and not pseudonyms.is_reference(name, value):
        value = pseudonyms.secret(name, value)
    else:
        value = pseudonyms.text(value)
    return head + gap + value.encode("utf-8", "surrogateescape") + b"\r\n"


def _file(head: bytes, content: bytes) -> bytes:
    """The replacement for an uploaded file, whose content can't be checked."""
    said = re.search(rb"^content-type:\s*([\w/+.-]+)", head, re.IGNORECASE | re.MULTILINE)
    return FILES.get(said[1].decode().lower() if said else "", REPLACED) if content else content
