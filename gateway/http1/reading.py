"""Splits what a connection receives into messages, each of which can be read in one way only (RFC 9112).

Parsers differ in what they accept, and attackers use such differences: what is the body for one server is the next
request for another (request smuggling). So this precedes the parser: it accepts only messages by RFC 9112, and passes
them on in a form that all parsers read alike: without repeated, folded or empty framing headers, chunk extensions and
trailers.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.http1.head import TEXT, TOKEN, check_trailers, read_head
from gateway.http1.received import Received
from gateway.http1.refused import MOST_LINES, MOST_OF_LINE, RefusedMessage

__all__ = ["Reading"]

_MOST_SIZE = 256  # bytes of the line before a chunk, with its extensions

_TARGET = rb"[!$-~]"  # visible characters, but "#", which is never sent, and a quote, which one parser refuses

# Nearly every request has this form, which one match recognises: Host occurs once, Content-Length at most once, and no
# other header changes how the message is read.
_ORDINARY = (
    rb"(?:(?!(?i:host|content-length|transfer-encoding|upgrade|expect|trailer|proxy-connection):"
    rb"|(?i:connection):(?! ?(?i:keep-alive|close)\r))" + TOKEN + rb"++:" + TEXT + rb"*+(?<![ \t])\r\n)*+"
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

_size = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;" + TEXT + rb"*)?\r\n").fullmatch


class Reading:
    """Splits what one connection receives into messages, one after the other.

    `take` is called with received bytes, and returns those to be parsed, of one message at most. `whole`: the message
    is complete; bytes that follow it are `held` until `begin`. `upgraded`: no HTTP follows. `asks`: the client may wait
    for "100 Continue", since nothing of the body has arrived.
    """

    __slots__ = ("_buffer", "_fresh", "_left", "_step", "asks", "upgraded", "whole")

    def __init__(self) -> None:
        self._buffer = Received()
        self._left = 0  # bytes that are missing of the body or the chunk
        self._step: Callable[[], bytes | None] = self._head
        self._fresh = True  # nothing of the message has arrived
        self.asks = self.whole = self.upgraded = False

    @property
    def held(self) -> int:
        """The number of received bytes that were not passed on."""
        return len(self._buffer)

    @property
    def starting(self) -> bool:
        """Whether only a part of a head has arrived."""
        return bool(self._buffer) and self._step == self._head

    @property
    def left(self) -> bool:
        """Whether no further message is read here."""
        return self._step == self._drop

    def begin(self) -> None:
        """The message was handled: read the next one."""
        self.whole = False
        self._fresh = True
        self._step = self._head

    def leave(self) -> None:
        """Read no further message."""
        self._buffer.clear()
        self._step = self._drop
        self._fresh = self.whole = False

    def take(self, data: bytes) -> bytes:
        """The bytes of the current message that can be parsed, now that `data` has arrived too. Raises
        RefusedMessage."""
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

    # -- steps: each returns what it has processed, or None if more bytes are needed --------------

    def _drop(self) -> None:
        self._buffer.clear()

    def _head(self) -> bytes | None:
        raw = self._buffer.cut_head()
        if raw is None:
            return None
        head = read_head(raw)
        self.upgraded, self.asks = head.upgraded, head.asks
        if head.upgraded:
            self._step = self._drop
        elif head.length is None:
            self._step = self._chunk_size
        else:
            self._expect(head.length)
        return head.plain

    def _body(self) -> bytes | None:
        if not self._buffer:
            return None
        self.asks = False
        piece = self._buffer.cut(self._left)
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
        self._buffer.cut(end)
        self._step = self._chunk if self._left else self._trailers
        return b"%x\r\n" % self._left if self._left else b""

    def _chunk(self) -> bytes | None:
        if not self._buffer:
            return None
        piece = self._buffer.cut(self._left)
        self._left -= len(piece)
        if not self._left:
            self._step = self._chunk_end
        return piece

    def _chunk_end(self) -> bytes | None:
        if len(self._buffer) < len(b"\r\n"):
            return None
        if self._buffer.cut(2) != b"\r\n":
            raise RefusedMessage(400, "a chunk that is longer than its size")
        self._step = self._chunk_size
        return b"\r\n"

    def _trailers(self) -> bytes | None:
        """Remove the trailers: they were missing when headers were checked (RFC 9110, section 6.5.1)."""
        raw = self._buffer.cut_trailers()
        if raw is None:
            return None
        check_trailers(raw)
        self._expect(0)
        return b"0\r\n\r\n"
