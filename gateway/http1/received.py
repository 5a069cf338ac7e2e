"""A buffer for what a connection has received and its parser was not given yet."""

from __future__ import annotations

import re

from gateway.http1.refused import MOST_BYTES, MOST_LINES, MOST_OF_LINE, RefusedMessage

__all__ = ["Received"]

_empty_lines = re.compile(rb"(?:\r\n)++").match
_never = re.compile(rb"(?<!\r)\n|\r(?=[^\n])|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").search  # in no head


class Received(bytearray):
    """The received bytes. Those of a head or of trailers are scanned once, however they are split."""

    __slots__ = ("_lines", "_seen")

    def __init__(self) -> None:
        super().__init__()
        self._lines = self._seen = 0

    def cut(self, end: int) -> bytes:
        """Remove the first `end` bytes, and return them."""
        cut = bytes(self[:end])
        del self[:end]
        self._lines = self._seen = 0
        return cut

    def cut_head(self) -> bytes | None:
        """Remove and return a head, with the empty line at its end; None if it is incomplete. Raises RefusedMessage."""
        if (empty := _empty_lines(self)) is not None:  # ignored (RFC 9112, section 2.2)
            self.cut(empty.end())
        return self._cut_lines(MOST_OF_LINE)

    def cut_trailers(self) -> bytes | None:
        """As `cut_head`, for the trailers after the last chunk."""
        return self.cut(2) if self.startswith(b"\r\n") else self._cut_lines(None)

    def _cut_lines(self, most_of_first: int | None) -> bytes | None:
        since = max(self._seen - 3, 0)
        end = self.find(b"\r\n\r\n", since)
        if _never(self, since, min(len(self), MOST_BYTES) if end < 0 else end):
            raise RefusedMessage(400, "a line that doesn't end with CRLF, or a control character")
        self._lines += self.count(b"\n", self._seen)
        self._seen = len(self)
        lines = self._lines if end < 0 else self.count(b"\n", 0, end) + 1
        if most_of_first is not None and len(self) > most_of_first and self.find(b"\n", 0, most_of_first) < 0:
            raise RefusedMessage(414, "the target is too long")
        if (len(self) if end < 0 else end) > MOST_BYTES or lines > MOST_LINES:
            raise RefusedMessage(431, "too many headers, or too long ones")
        return None if end < 0 else self.cut(end + 4)
