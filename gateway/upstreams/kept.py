"""A request's body, kept while it is read, so that another upstream can be given it again."""

from __future__ import annotations

from starlette.types import Message, Receive

__all__ = ["Kept"]

GONE = frozenset({"http.disconnect", "websocket.disconnect"})


class Kept:
    """A `receive` that remembers what it gave, up to `limit` bytes of body.

    `whole`: what was read so far is all remembered. `gone`: the client has left.
    """

    __slots__ = ("_limit", "_messages", "_receive", "_size", "ended", "gone", "whole")

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._messages: list[Message] = []
        self._size = 0
        self.ended = False  # the body was read to its end
        self.gone = False
        self.whole = True

    async def __call__(self) -> Message:
        """The next message."""
        message = await self._receive()
        if message["type"] in GONE:
            self.gone = True
        elif self.whole and not self.ended:
            self.ended = not message.get("more_body", False)
            self._size += len(message.get("body", b""))
            if self._size <= self._limit:
                self._messages.append(message)
            else:
                self.whole = False
                self._messages.clear()
        return message

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
