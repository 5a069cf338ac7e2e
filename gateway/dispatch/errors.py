"""What an upstream, or its caller, fails with."""

from __future__ import annotations

__all__ = ["ClientGone", "Overloaded", "UpstreamError"]


class ClientGone(Exception):
    """The client left before its request was complete, so nobody waits for an answer."""


class UpstreamError(Exception):
    """An upstream gave no usable answer; `status` is what to tell the caller, `headers` are for that answer."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.headers: list[tuple[bytes, bytes]] = []
        super().__init__(message)


class Overloaded(UpstreamError):
    """The gateway itself has no room for one more request: 503, and no failure of the upstream's."""

    def __init__(self, message: str) -> None:
        super().__init__(503, message)
        self.headers = [(b"retry-after", b"1")]
