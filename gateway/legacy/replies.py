"""Django's responses for the event loop: status and headers, and a body in one of three forms."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import lru_cache
from typing import IO

from django.http.response import HttpResponseBase
from starlette.types import Message, Receive, Send

from gateway.compat.asgiref import adopt
from gateway.dispatch.disconnect import until_gone
from gateway.legacy.body import BLOCK, Pipe
from gateway.types import Header

__all__ = [
    "AsyncReply",
    "BufferedReply",
    "Reply",
    "StreamingReply",
    "file_chunks",
    "send_reply",
    "start_message",
    "started",
]


@lru_cache(maxsize=1024)
def _header_name(name: str) -> bytes:
    return name.lower().encode("ascii")


@lru_cache(maxsize=512)  # most lines recur
def _encoded(header: tuple[str, str]) -> Header:
    name, value = header
    return _header_name(name), value.encode("latin1")


def start_message(response: HttpResponseBase) -> Message:
    """`http.response.start` for a Django response."""
    headers = [(_header_name(name), value.encode("latin1")) for name, value in response.items()]
    if response.cookies:
        headers += [
            (b"set-cookie", cookie.output(header="").strip().encode("ascii")) for cookie in response.cookies.values()
        ]
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}


def started(status: str, headers: Sequence[tuple[str, str]]) -> Message:
    """`http.response.start` for what a WSGI application passed to `start_response`."""
    lines = [*map(_encoded, headers)]
    if "Set-Cookie" in dict(headers):  # Django puts a space before each
        lines = [(name, value.strip()) for name, value in lines]
    return {"type": "http.response.start", "status": int(status[:3]), "headers": lines}


class BufferedReply:
    """A response whose content is in memory."""

    __slots__ = ("content", "start")

    def __init__(self, start: Message, content: bytes) -> None:
        self.start = start
        self.content = content

    def abandon(self) -> None:
        """No effect: there is nothing to release."""

    async def send_body(self, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as the other kinds
        """Send it, until the client disconnects."""
        content = self.content
        for position in range(0, len(content) - BLOCK, BLOCK):
            chunk = content[position : position + BLOCK]
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if len(content) > BLOCK:
            content = content[(len(content) - 1) // BLOCK * BLOCK :]
        await send({"type": "http.response.body", "body": content, "more_body": False})


class StreamingReply:
    """A response whose iterator runs on its thread and fills a pipe."""

    __slots__ = ("pipe", "start")
    content = None

    def __init__(self, start: Message, pipe: Pipe) -> None:
        self.start = start
        self.pipe = pipe

    def abandon(self) -> None:
        """Free the thread: the reply will not be sent."""
        self.pipe.break_off()

    async def send_body(self, receive: Receive, send: Send) -> None:
        """Send it, until the client disconnects."""
        try:
            complete = await until_gone(receive, self.pipe.drain(send))
        finally:
            self.pipe.break_off()  # frees the thread if it hasn't finished
        if complete:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class AsyncReply:
    """A response that the event loop sends without a thread; `close` then runs on the thread that made it.

    `context` is the context in which the chunks are made: the thread's, or None if it doesn't matter.
    """

    __slots__ = ("chunks", "close", "context", "start")
    content = None

    def __init__(
        self,
        start: Message,
        chunks: AsyncGenerator[bytes],
        close: Callable[[], None],
        context: contextvars.Context | None = None,
    ) -> None:
        self.start = start
        self.chunks = chunks
        self.close = close
        self.context = context

    def abandon(self) -> None:
        """Close the response: it will not be sent."""
        self.close()

    async def send_body(self, receive: Receive, send: Send) -> None:
        """Send it, until the client disconnects."""
        context = None if self.context is None else _moved(self.context)
        try:
            complete = await until_gone(receive, self._send_chunks(send), context=context)
        finally:
            self.close()
        if complete:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_chunks(self, send: Send) -> None:
        async with aclosing(self.chunks) as chunks:
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def file_chunks(file: IO[bytes]) -> AsyncGenerator[bytes]:
    """`file` in blocks."""
    while chunk := await asyncio.to_thread(file.read, BLOCK):
        yield chunk


def _moved(context: contextvars.Context) -> contextvars.Context:
    """A copy of a thread's `context` for use on the event loop."""
    moved = context.copy()
    moved.run(adopt, moved)
    return moved


Reply = BufferedReply | StreamingReply | AsyncReply


async def send_reply(reply: Reply, receive: Receive, send: Send) -> None:
    """Send `reply`, until the client disconnects."""
    try:
        await send(reply.start)
    except BaseException:
        reply.abandon()
        raise
    await reply.send_body(receive, send)
