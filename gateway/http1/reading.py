"""What a connection receives, cut into messages, each of which has one reading only (RFC 9112).

Parsers differ in what they let pass, and an attacker lives on such differences: what one server takes for a body is
the next one's request. So this comes before the parser, takes what RFC 9112 says a message is, refuses all else, and
hands the parser what every parser reads alike: no repeated, folded or empty framing, no chunk extensions, no trailers.
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["MOST_BYTES", "MOST_LINES", "MOST_OF_LINE", "Reading", "RefusedMessage"]

# Of a head, and of trailers. Every parser here takes as much; where one more would, another would not.
MOST_BYTES = 60_000
MOST_LINES = 100  # the request line included
MOST_OF_LINE = 16_000  # bytes
MOST_OF_HANDSHAKE = 8_000  # bytes of a line, where a WebSocket is opened: what its parser takes
_MOST_SIZE = 256  # bytes of the line before a chunk, its extensions included

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"  # RFC 9110, section 5.6.2
_TEXT = rb"[\t -~\x80-\xff]"  # section 5.5
# Those that every parser here takes. Another method would be refused by some, and served by others.
_METHODS = (
    rb"GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|ACL|BIND|CHECKOUT|COPY|LINK|LOCK|MERGE|MKACTIVITY|MKCALENDAR|MKCOL|"
    rb"MOVE|NOTIFY|PROPFIND|PROPPATCH|PURGE|REBIND|REPORT|SEARCH|SUBSCRIBE|UNBIND|UNLINK|UNLOCK|UNSUBSCRIBE"
)
_TARGET = rb"[!$-~]"  # visible characters, but "#", which is never sent, and a quote, which one parser refuses

# Nearly every request is like this, and found to be so by one match. Host is there once, Content-Length once at most;
# of the others that have a say in how a message is read, there is none that says anything.
_ORDINARY = (
    rb"(?:(?!(?i:host|content-length|transfer-encoding|upgrade|expect|trailer|proxy-connection):"
    rb"|(?i:connection):(?! ?(?i:keep-alive|close)\r))" + _TOKEN + rb"++:" + _TEXT + rb"*+(?<![ \t])\r\n)*+"
)
_HOST = rb"(?i:host): ?[!-~]++\r\n"
_LENGTH = rb"(?i:content-length): ?([0-9]{1,15}+)\r\n"
_plain = re.compile(
    rb"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /"
    + _TARGET
    + rb"*+ HTTP/1\.1\r\n"
    + _ORDINARY
    + rb"(?:"
    + (_HOST + _ORDINARY + rb"(?:" + _LENGTH + _ORDINARY + rb")?+")
    + rb"|"
    + (_LENGTH + _ORDINARY + _HOST + _ORDINARY)
    + rb")\r\n"
).match

_request_line = re.compile(rb"(" + _METHODS + rb") ([!\"$-~]++) HTTP/1\.([01])").fullmatch
_field = re.compile(rb"(" + _TOKEN + rb"++):[ \t]*+((?:" + _TEXT + rb"*[!-~\x80-\xff])?)[ \t]*").fullmatch
_absolute = re.compile(rb"https?://([^/?@\\]+)(/[^?]*)?(\?.*)?", re.IGNORECASE).fullmatch
_size = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;" + _TEXT + rb"*)?\r\n").fullmatch
_empty_lines = re.compile(rb"(?:\r\n)++").match
_digits = re.compile(rb"[0-9]{1,15}").fullmatch
_never = re.compile(rb"(?<!\r)\n|\r(?=[^\n])|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").search  # in no head

Lines = list[tuple[bytes, bytes, bytes]]  # a header's name in lower case, as it was sent, and its value


class RefusedMessage(Exception):
    """A message that isn't taken. `status` is the answer; the text says why, and nothing that was sent."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Reading:
    """Cuts what one connection receives into messages, one after the other.

    `take` is given what was received, and gives what may be parsed: of one message at most. `whole`: that message was
    given to its end; what has come after it is `held`, until `begin`. `upgraded`: what follows is no HTTP. `asks`: the
    client may wait for "100 Continue", as nothing of the body has come.
    """

    __slots__ = ("_buffer", "_fresh", "_left", "_lines", "_seen", "_step", "asks", "upgraded", "whole")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._left = 0  # bytes of the body, or of the chunk
        self._lines = self._seen = 0
        self._step: Callable[[], bytes | None] = self._head
        self._fresh = True  # nothing of the message has come
        self.asks = self.whole = self.upgraded = False

    @property
    def held(self) -> int:
        """How many bytes are here that were not given on."""
        return len(self._buffer)

    @property
    def starting(self) -> bool:
        """Whether a part of a head has come, and no more."""
        return bool(self._buffer) and self._step == self._head

    @property
    def left(self) -> bool:
        """Whether no further message is read here."""
        return self._step == self._drop

    def begin(self) -> None:
        """The message was dealt with: the next one may be read."""
        self.whole = False
        self._fresh = True
        self._step = self._head

    def leave(self) -> None:
        """No further message is read here."""
        self._buffer.clear()
        self._step = self._drop
        self._fresh = self.whole = False

    def take(self, data: bytes) -> bytes:
        """What of the current message can be parsed, now that `data` has come too. Raises RefusedMessage."""
        if self._buffer:
            return self._take(data)
        if self._fresh:
            if (plain := _plain(data)) is not None:
                end = plain.end()
                left = end - len(data)
                if (length := plain.lastindex) is not None:
                    left += int(plain[length])
                if left >= 0 and end <= MOST_OF_LINE and data.count(b"\n", 0, end) <= MOST_LINES:
                    self._fresh = False
                    if left:
                        self._expect(left)
                    else:
                        self.whole = True
                    return data
        elif self._step == self._body and len(data) <= self._left:
            self.asks = False
            self._expect(self._left - len(data))
            return data
        return self._take(data)

    def _take(self, data: bytes) -> bytes:
        self._fresh = False
        self._buffer += data
        pieces = []
        while not self.whole and (piece := self._step()) is not None:
            pieces.append(piece)
        return b"".join(pieces)

    def _expect(self, left: int) -> None:
        self._left = left
        self.whole = not left
        self._step = self._body

    # -- steps: each gives what it has dealt with, or None where more has to come -----------------

    def _drop(self) -> None:
        self._buffer.clear()

    def _head(self) -> bytes | None:
        raw = self._until_empty_line()
        if raw is None:
            return None
        line, *fields = raw.split(b"\r\n")[:-2]
        found = _request_line(line)
        if found is None:
            raise RefusedMessage(*_why_not(line))
        method, target, minor = found.groups()
        lines = [_line(field) for field in fields]
        one_one = minor == b"1"
        lines = _with_host(lines, target, one_one=one_one)
        length = _length_of(lines, one_one=one_one)
        lines, self.upgraded = _connection(lines, method, length, one_one=one_one)
        if self.upgraded and max(map(len, (line, *fields))) > MOST_OF_HANDSHAKE:
            raise RefusedMessage(431, "a header that is too long for a WebSocket")
        self.asks = any(name == b"expect" for name, _, _ in lines)
        target = _path(target).replace(b'"', b"%22")
        return self._begun(b"%s %s HTTP/1.%s" % (method, target, minor), lines, length)

    def _begun(self, line: bytes, lines: Lines, length: int | None) -> bytes:
        if self.upgraded:
            self._step = self._drop
        elif length is None:
            self._step = self._chunk_size
        else:
            self._expect(length)
        fields = b"".join([b"%s: %s\r\n" % (sent, value) for _, sent, value in lines])
        return b"%s\r\n%s\r\n" % (line, fields)

    def _until_empty_line(self) -> bytes | None:
        """A head or trailers, with the empty line that ends them."""
        buffer = self._buffer
        if self._step == self._head:
            if (empty := _empty_lines(buffer)) is not None:  # passed over (RFC 9112, section 2.2)
                self._cut(empty.end())
        elif buffer.startswith(b"\r\n"):
            return self._cut(2)
        since = max(self._seen - 3, 0)
        end = buffer.find(b"\r\n\r\n", since)
        if _never(buffer, since, min(len(buffer), MOST_BYTES) if end < 0 else end):
            raise RefusedMessage(400, "a line that doesn't end with CRLF, or a control character")
        self._lines += buffer.count(b"\n", self._seen)
        self._seen = len(buffer)
        lines = self._lines if end < 0 else buffer.count(b"\n", 0, end) + 1
        if self._step == self._head and len(buffer) > MOST_OF_LINE and buffer.find(b"\n", 0, MOST_OF_LINE) < 0:
            raise RefusedMessage(414, "the target is too long")
        if (len(buffer) if end < 0 else end) > MOST_BYTES or lines > MOST_LINES:
            raise RefusedMessage(431, "too many headers, or too long ones")
        return None if end < 0 else self._cut(end + 4)

    def _cut(self, end: int) -> bytes:
        cut = bytes(self._buffer[:end])
        del self._buffer[:end]
        self._lines = self._seen = 0
        return cut

    def _body(self) -> bytes | None:
        if not self._buffer:
            return None
        self.asks = False
        piece = self._cut(self._left)
        self._expect(self._left - len(piece))
        return piece

    def _chunk_size(self) -> bytes | None:
        end = self._buffer.find(b"\n", 0, _MOST_SIZE) + 1
        if not end and len(self._buffer) < _MOST_SIZE:
            return None
        found = _size(self._buffer, 0, end)
        if found is None:
            raise RefusedMessage(400, "a chunk's size that is none")
        self.asks = False
        self._left = int(found[1], 16)
        self._cut(end)
        self._step = self._chunk if self._left else self._trailers
        return b"%x\r\n" % self._left if self._left else b""

    def _chunk(self) -> bytes | None:
        if not self._buffer:
            return None
        piece = self._cut(self._left)
        self._left -= len(piece)
        if not self._left:
            self._step = self._chunk_end
        return piece

    def _chunk_end(self) -> bytes | None:
        if len(self._buffer) < len(b"\r\n"):
            return None
        if self._cut(2) != b"\r\n":
            raise RefusedMessage(400, "a chunk that is longer than its size")
        self._step = self._chunk_size
        return b"\r\n"

    def _trailers(self) -> bytes | None:
        """Left out: they were not there when the headers were checked (RFC 9110, section 6.5.1)."""
        raw = self._until_empty_line()
        if raw is None:
            return None
        for field in raw.split(b"\r\n")[:-2]:
            _line(field)
        self._expect(0)
        return b"0\r\n\r\n"


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


def _with_host(lines: Lines, target: bytes, *, one_one: bool) -> Lines:
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


def _length_of(lines: Lines, *, one_one: bool) -> int | None:
    """How long the body is; None for one in chunks (RFC 9112, section 6.3)."""
    codings = [value.lower() for name, _, value in lines if name == b"transfer-encoding"]
    lengths = [value for name, _, value in lines if name == b"content-length"]
    if codings and (codings != [b"chunked"] or lengths or not one_one):
        raise RefusedMessage(400, "a Transfer-Encoding that isn't just chunked, or stands beside a Content-Length")
    if len(lengths) > 1 or (lengths and not _digits(lengths[0])):
        raise RefusedMessage(400, "not one Content-Length, or one that is no number")
    return None if codings else int(lengths[0]) if lengths else 0


def _connection(lines: Lines, method: bytes, length: int | None, *, one_one: bool) -> tuple[Lines, bool]:
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
