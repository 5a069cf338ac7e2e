"""Limits of a message, and the error for one that is refused."""

from __future__ import annotations

__all__ = ["MOST_BYTES", "MOST_LINES", "MOST_OF_HANDSHAKE", "MOST_OF_LINE", "RefusedMessage"]

# Of a head, and of trailers. Every parser here takes as much; where one more would, another would not.
MOST_BYTES = 60_000
MOST_LINES = 100  # the request line included
MOST_OF_LINE = 16_000  # bytes
MOST_OF_HANDSHAKE = 8_000  # bytes of a line, where a WebSocket is opened: what its parser takes


class RefusedMessage(Exception):
    """A message is refused with `status`. The text is the reason, without anything that was sent."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)
