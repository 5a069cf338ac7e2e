"""A request's body, kept while it is read, so that another upstream can be given it again."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import Message, Receive

from gateway.dispatch.bodies import Bodies, Body

__all__ = ["ReplayBuffer"]

GONE = frozenset({"http.disconnect", "websocket.disconnect"})


class ReplayBuffer:
    """A `receive` that remembers what it gave, up to `limit` bytes of body, while `bodies` have room.

    `whole`: what was read so far is all remembered. `gone`: the client has left. `waits`: for more of the body, which
    the client has not sent; `when_read` is called whenever it has sent some.
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
        self._body: Body | None = None  # while there is none
        self._shared = False
        self._size = 0
        self._asked = False  # and not answered
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
        """Somebody else holds what is read in `body`: one copy will do."""
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
        """Whether it waits, or did when it was cancelled, for a part of the body."""
        return self._asked and not self.ended

    @property
    def body(self) -> bytes:
        """What is remembered of the body."""
        return b"" if self._body is None else self._body.content or b""

    def again(self) -> Receive:
        """A `receive` that gives what is remembered, and then what is still to come. Only while it is `whole`."""
        body = Body(self._bodies, 0) if self._body is None else self._body
        return body.again(self._receive, more=not self.ended)
