"""Replaces the socket of `http.client`: it takes a request, and returns its response."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any

__all__ = ["PlayedSocket"]


class PlayedSocket:
    """A socket without a connection. `answer` is called with the bytes of the request, and returns those of the
    response; it raises what the client should see."""

    def __init__(self, answer: Callable[[bytes], IO[bytes]]) -> None:
        self._answer = answer
        self._sent = bytearray()

    def sendall(self, data: Any, _flags: int = 0) -> None:
        """Take a part of the request."""
        self._sent += data

    def makefile(self, *_: object, **__: object) -> IO[bytes]:
        """The response, as a file."""
        sent, self._sent = bytes(self._sent), bytearray()
        return self._answer(sent)

    def settimeout(self, _seconds: float | None) -> None:
        """Does nothing."""

    def setsockopt(self, *_: object) -> None:
        """Does nothing."""

    def shutdown(self, _how: int) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""
