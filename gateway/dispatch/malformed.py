"""Detects responses that no server can send, before their first byte, while legacy can still answer."""

from __future__ import annotations

import re
from functools import lru_cache

from starlette.types import Message

from gateway.types import Header

__all__ = ["Malformed", "check_start", "header_line"]

_token = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch  # RFC 9110, section 5.6.2
_control = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search  # section 5.5


class Malformed(Exception):
    """A service's message is not a valid response."""


def check_start(message: Message) -> None:
    """Raise Malformed unless a server can send this start of a response. It names the header, never its value."""
    try:
        if not 100 <= message["status"] <= 599:
            raise Malformed(f"its answer has the status {message['status']!r:.20}")
        for name, value in message.get("headers", ()):
            if not _is_name(name) or _control(value):
                raise Malformed(f"its answer has a header {name!r:.60} that can't be sent")
    except (KeyError, TypeError, ValueError) as exc:
        raise Malformed(f"its answer begins with what can't be sent ({type(exc).__name__})") from exc


@lru_cache(maxsize=512)  # most lines recur
def header_line(header: Header) -> bytes:
    """A header as HTTP/1.1 has it. Raises Malformed if it can't be sent."""
    name, value = header
    if not _is_name(name) or _control(value):
        raise Malformed(f"its answer has a header {name!r:.60} that can't be sent")
    return b"%s: %s\r\n" % (name.lower(), value)


@lru_cache(maxsize=1024)  # the same few names recur
def _is_name(name: bytes) -> bool:
    return _token(name) is not None
