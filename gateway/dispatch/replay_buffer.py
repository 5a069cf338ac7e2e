"""Keeps a request's body while it is read, so that another upstream can read it again."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import Message, Receive

from gateway.dispatch.bodies import Bodies, Body

__all__ = ["ReplayBuffer"]

GONE = frozenset({"http.disconnect", "websocket.disconnect"})


class ReplayBuffer:
    """A `receive` that keeps what it returned, up to `limit` bytes of body, as long as `bodies` has room.

    `whole`: everything that was read is kept. `gone`: the client has disconnected. `waits`: it waits for a part of the
    body that the client has not sent; `when_read` is called after each part.
    """

    __slots__ = (
        "_asked",
        "_bodies",
        "_body",
        "_limit",
        "_receive",
        "_shared",
        "_size",
        "ended",
        "gone",
        "when_read",
        "whole",
    )

    def __init__(self, receive: Receive, limit: int, bodies: Bodies) -> None:
        self._receive = receive
        self._limit = limit
        self._bodies = bodies
        self._body: Body | None = None  # None before the first part
        self._shared = False
        self._size = 0
        self._asked = False  # and not returned yet
        self.when_read: Callable[[], None] | None = None
        self.ended = False  # the body was read to its end
        self.gone = False
        self.whole = True

    async def __call__(self) -> Message:
        """The next message."""
        self._asked = True
        message = await self._receive()
        self._asked = False
        if message["type"] in GONE:
            self.gone = True
        elif not self.ended:
            self.ended = not message.get("more_body", False)
            if self.whole:
                self._keep(message)
            if self.when_read is not None:
                self.when_read()
        return message

    def share(self, body: Body) -> None:
        """Keep what was read in `body`, which another reader holds too, instead of a second copy."""
        if self.whole:
            self._body, self._shared = body, True

    def _keep(self, message: Message) -> None:
        chunk: bytes = message.get("body", b"")
        if not chunk:
            return
        self._size += len(chunk)
        if self._body is None:
            self._body = Body(self._bodies, self._limit)
        if self._size > self._limit or not (self._shared or self._body.keep(chunk)):
            self.whole = False
            self._body = None

    @property
    def waits(self) -> bool:
        """Whether it waits, or waited when it was cancelled, for a part of the body."""
        return self._asked and not self.ended

    @property
    def body(self) -> bytes:
        """The part of the body that is kept."""
        return b"" if self._body is None else self._body.content or b""

    def again(self) -> Receive:
        """A `receive` that gives what was kept, then what is still to come. Only while it is `whole`."""
        body = Body(self._bodies, 0) if self._body is None else self._body
        return body.again(self._receive, more=not self.ended)
