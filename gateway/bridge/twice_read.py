"""Reads a request's body for both Django and the service: CsrfViewMiddleware looks for a token in forms."""

from __future__ import annotations

from io import BytesIO
from typing import IO

from starlette.types import Message, Receive, Scope

from gateway.dispatch.bodies import Bodies, Body, is_small
from gateway.dispatch.scope import ATTEMPT, Attempt

__all__ = ["TwiceRead"]


class TwiceRead:
    """Reads bodies of at most `most` bytes; up to `memory` bytes of each stay in memory, if `bodies` have room."""

    __slots__ = ("_bodies", "_memory", "_most")

    def __init__(self, bodies: Bodies, memory: int, most: int | None) -> None:
        self._bodies = bodies
        self._memory = memory
        self._most = most

    async def read(self, scope: Scope, receive: Receive) -> tuple[IO[bytes], Receive]:
        """The request's body for Django, and a `receive` that gives it to the service again. It is stored once.

        Raises as `Bodies.read_on`.
        """
        message = await receive()
        if is_small(message):
            return BytesIO(message.get("body", b"")), _once(message, receive)
        body = Body(self._bodies, self._memory)
        attempt: Attempt | None = scope.get(ATTEMPT)
        if attempt is not None:
            attempt.share(body)
        await self._bodies.read_on(body, message, receive, self._most)
        return body.file(), body.again(receive, more=False)


def _once(message: Message, receive: Receive) -> Receive:
    """`receive`, preceded by `message`."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return message

    return receive_again
