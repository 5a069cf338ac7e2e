"""Parses the head of a message (RFC 9112), and refuses what is ambiguous."""

from __future__ import annotations

import re
from typing import NamedTuple

from gateway.http1.refused import MOST_OF_HANDSHAKE, MOST_OF_LINE, RefusedMessage

__all__ = ["TEXT", "TOKEN", "Head", "check_trailers", "read_head"]

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"  # RFC 9110, section 5.6.2
TEXT = rb"[\t -~\x80-\xff]"  # section 5.5
# Those that every parser here takes. Another method would be refused by some, and served by others.
_METHODS = (
    rb"GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|ACL|BIND|CHECKOUT|COPY|LINK|LOCK|MERGE|MKACTIVITY|MKCALENDAR|MKCOL|"
    rb"MOVE|NOTIFY|PROPFIND|PROPPATCH|PURGE|REBIND|REPORT|SEARCH|SUBSCRIBE|UNBIND|UNLINK|UNLOCK|UNSUBSCRIBE"
)

_request_line = re.compile(rb"(" + _METHODS + rb") ([!\"$-~]++) HTTP/1\.([01])").fullmatch
_field = re.compile(rb"(" + TOKEN + rb"++):[ \t]*+((?:" + TEXT + rb"*[!-~\x80-\xff])?)[ \t]*").fullmatch
_absolute = re.compile(rb"https?://([^/?@\\]+)(/[^?]*)?(\?.*)?", re.IGNORECASE).fullmatch
_digits = re.compile(rb"[0-9]{1,15}").fullmatch

HeaderLines = list[tuple[bytes, bytes, bytes]]  # a header's name in lower case, as it was sent, and its value


class Head(NamedTuple):
    """`plain` is the head in a form that every parser reads alike. `length` is that of the body, None if it is chunked.
    `upgraded`: what follows is not HTTP. `asks`: the client may wait for "100 Continue"."""

    plain: bytes
    length: int | None
    upgraded: bool
    asks: bool


def read_head(raw: bytes) -> Head:
    """Parse a head; `raw` includes the empty line at its end. Raises RefusedMessage."""
    line, *fields = raw.split(b"\r\n")[:-2]
    found = _request_line(line)
    if found is None:
        raise RefusedMessage(*_why_not(line))
    method, target, minor = found.groups()
    one_one = minor == b"1"
    lines = _with_host([_line(field) for field in fields], target, one_one=one_one)
    length = _length_of(lines, one_one=one_one)
    lines, upgraded = _connection(lines, method, length, one_one=one_one)
    if upgraded and max(map(len, (line, *fields))) > MOST_OF_HANDSHAKE:
        raise RefusedMessage(431, "a header that is too long for a WebSocket")
    asks = any(name == b"expect" for name, _, _ in lines)
    start = b"%s %s HTTP/1.%s\r\n" % (method, _path(target).replace(b'"', b"%22"), minor)
    plain = b"".join([start, *[b"%s: %s\r\n" % (sent, value) for _, sent, value in lines], b"\r\n"])
    return Head(plain, length, upgraded, asks)


def check_trailers(raw: bytes) -> None:
    """Raises RefusedMessage if one of these lines is not a header."""
    for field in raw.split(b"\r\n")[:-2]:
        _line(field)


def _why_not(line: bytes) -> tuple[int, str]:
    """Status and reason for a line that is no request line."""
    version = line.rpartition(b" ")[2]
    if re.fullmatch(rb"HTTP/[0-9]\.[0-9]", version) and not version.startswith(b"HTTP/1."):
        return 400, "a version of HTTP that isn't spoken here"
    return 400, "the request line is none"


def _line(field: bytes) -> tuple[bytes, bytes, bytes]:
    if len(field) > MOST_OF_LINE:
        raise RefusedMessage(431, "a header that is too long")
    found = _field(field)
    if found is None:  # a space before the colon, a folded line, no name
        raise RefusedMessage(400, "a header line that is none")
    name, value = found.groups()
    return name.lower(), name, value


def _with_host(lines: HeaderLines, target: bytes, *, one_one: bool) -> HeaderLines:
    """The lines, with the host that the target names, if it does (RFC 9112, sections 3.2 and 3.2.2)."""
    hosts = [value for name, _, value in lines if name == b"host"]
    if len(hosts) > 1 or (one_one and not hosts):
        raise RefusedMessage(400, "not one Host header")
    if target.startswith(b"/"):
        return lines
    absolute = _absolute(target)
    if absolute is None:  # of "*" and of what CONNECT has there is nothing here
        raise RefusedMessage(400, "the target is not a path")
    if hosts and hosts[0].lower() != absolute[1].lower():
        raise RefusedMessage(400, "the target names another host than the Host header")
    return lines if hosts else [*lines, (b"host", b"Host", absolute[1])]


def _path(target: bytes) -> bytes:
    if target.startswith(b"/"):
        return target
    absolute = _absolute(target)
    return b"" if absolute is None else (absolute[2] or b"/") + (absolute[3] or b"")


def _length_of(lines: HeaderLines, *, one_one: bool) -> int | None:
    """How long the body is; None for one in chunks (RFC 9112, section 6.3)."""
    codings = [value.lower() for name, _, value in lines if name == b"transfer-encoding"]
    lengths = [value for name, _, value in lines if name == b"content-length"]
    if codings and (codings != [b"chunked"] or lengths or not one_one):
        raise RefusedMessage(400, "a Transfer-Encoding that isn't just chunked, or stands beside a Content-Length")
    if len(lengths) > 1 or (lengths and not _digits(lengths[0])):
        raise RefusedMessage(400, "not one Content-Length, or one that is no number")
    return None if codings else int(lengths[0]) if lengths else 0


def _connection(lines: HeaderLines, method: bytes, length: int | None, *, one_one: bool) -> tuple[HeaderLines, bool]:
    """The lines, with one Connection at most, which says what this server does, and whether it becomes a WebSocket.

    Any other upgrade, and what else can't be met, is declined by doing without (RFC 9110, sections 7.8 and 10.1.1).
    """
    options = dict.fromkeys(
        option.strip() for name, _, value in lines if name == b"connection" for option in value.lower().split(b",")
    )
    upgrades = [value.lower() for name, _, value in lines if name == b"upgrade"]
    socket = one_one and method == b"GET" and length == 0 and b"upgrade" in options and upgrades == [b"websocket"]
    refused = {b""} if socket else {b"", b"upgrade"}
    if not one_one or b"close" in options:
        refused.add(b"keep-alive")
    expected = one_one and length != 0 and [value.lower() for name, _, value in lines if name == b"expect"]
    dropped = {b"connection", b"proxy-connection", b"trailer"}
    dropped |= set() if socket else {b"upgrade"}
    dropped |= set() if expected == [b"100-continue"] else {b"expect"}
    kept = [line for line in lines if line[0] not in dropped]
    if said := b", ".join(option for option in options if option not in refused):
        kept.append((b"connection", b"Connection", said))
    return kept, socket
