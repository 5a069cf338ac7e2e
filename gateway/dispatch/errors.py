"""Exceptions for failures of an upstream or of its caller."""

from __future__ import annotations

__all__ = ["ClientGone", "Overloaded", "UpstreamError"]


class ClientGone(Exception):
    """The client disconnected before its request was complete."""


class UpstreamError(Exception):
    """An upstream gave no usable response; `status` and `headers` are those of the response to send instead."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.headers: list[tuple[bytes, bytes]] = []
        super().__init__(message)


class Overloaded(UpstreamError):
    """The gateway has no room for another request: 503, which doesn't count as a failure of the upstream."""

    def __init__(self, message: str) -> None:
        super().__init__(503, message)
        self.headers = [(b"retry-after", b"1")]
