"""What `http.client` has in the place of a socket: it takes a request, and has its answer to be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any

__all__ = ["PlayedSocket"]


class PlayedSocket:
    """`answer` is given the bytes of a request once its answer is to be read, and gives those of the answer. It raises
    what the client is to see."""

    def __init__(self, answer: Callable[[bytes], IO[bytes]]) -> None:
        self._answer = answer
        self._sent = bytearray()

    def sendall(self, data: Any, _flags: int = 0) -> None:
        """Take a part of the request."""
        self._sent += data

    def makefile(self, *_: object, **__: object) -> IO[bytes]:
        """The answer."""
        sent, self._sent = bytes(self._sent), bytearray()
        return self._answer(sent)

    def settimeout(self, _seconds: float | None) -> None:
        """Nothing is waited for."""

    def setsockopt(self, *_: object) -> None:
        """There is nothing to be set."""

    def shutdown(self, _how: int) -> None:
        """There is nobody at the other end."""

    def close(self) -> None:
        """There is nothing to be closed."""
