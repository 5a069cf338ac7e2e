"""A request's body, kept while it is read, so that another upstream can be given it again."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import Message, Receive

__all__ = ["Kept"]

GONE = frozenset({"http.disconnect", "websocket.disconnect"})


class Kept:
    """A `receive` that remembers what it gave, up to `limit` bytes of body.

    `whole`: what was read so far is all remembered. `gone`: the client has left. `waits`: for more of the body, which
    the client has not sent; `when_read` is called whenever it has sent some.
    """

    __slots__ = ("_asked", "_limit", "_messages", "_receive", "_size", "ended", "gone", "when_read", "whole")

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._messages: list[Message] = []
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

    def _keep(self, message: Message) -> None:
        self._size += len(message.get("body", b""))
        if self._size <= self._limit:
            self._messages.append(message)
        else:
            self.whole = False
            self._messages.clear()

    @property
    def waits(self) -> bool:
        """Whether it waits, or did when it was cancelled, for a part of the body."""
        return self._asked and not self.ended

    @property
    def body(self) -> bytes:
        """What is remembered of the body."""
        return b"".join(message.get("body", b"") for message in self._messages)

    def again(self) -> Receive:
        """A `receive` that gives what is remembered, and then what is still to come. Only while it is `whole`."""
        remembered = iter(self._messages)

        async def receive() -> Message:
            for message in remembered:
                return message
            return await self._receive()

        return receive
