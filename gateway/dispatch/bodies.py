"""Request bodies: each is held once, and all together within a bound."""

from __future__ import annotations

import asyncio
import io
import os
from collections import deque
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, Any

from starlette.types import Message, Receive

from gateway.config.legacy import DISK, MEMORY
from gateway.dispatch.errors import ClientGone, Overloaded, UpstreamError

__all__ = ["Bodies", "Body", "is_small"]

BLOCK = 2**18  # bytes per read from disk
SMALL = 2**12  # bytes: smaller parts are joined, since each costs a hundred bytes of overhead
JOINED = 2**16


class _Room:
    """A budget of bytes. `take` is called on the event loop, `give` on any thread and without a lock: the garbage
    collector may call it while the thread holds one."""

    __slots__ = ("_given", "most", "used")

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0
        self._given: deque[int] = deque()

    def take(self, size: int) -> bool:
        """Take `size` bytes; False when fewer are left."""
        while self._given:
            self.used -= self._given.popleft()
        if self.used + size > self.most:
            return False
        self.used += size
        return True

    def give(self, size: int) -> None:
        if size:
            self._given.append(size)


class Bodies:
    """The request bodies of one process: at most `memory` bytes in memory, and beyond that at most `disk` bytes on
    disk. Not counted are the parser's own buffers, up to 320 KB for each request."""

    __slots__ = ("disk", "memory")

    def __init__(self, memory: int = MEMORY, disk: int = DISK) -> None:
        self.memory = _Room(memory)
        self.disk = _Room(disk)

    async def read(self, receive: Receive, memory: int, most: int | None = None) -> IO[bytes]:
        """The whole body as a file at position 0. See `read_on`."""
        message = await receive()
        if is_small(message):
            return BytesIO(message.get("body", b""))
        return (await self.read_on(Body(self, memory), message, receive, most)).file()

    async def read_on(self, body: Body, message: Message, receive: Receive, most: int | None = None) -> Body:
        """Read the rest of the request's body, of which `message` is the first part, into `body`. Blocks no thread.

        Raises ClientGone when the client disconnects before the end, UpstreamError with status 413 for more than `most`
        bytes, and Overloaded when memory and disk are full.
        """
        try:
            while True:
                if message["type"] == "http.disconnect":
                    raise ClientGone
                chunk: bytes = message.get("body", b"")
                if most is not None and body.size + len(chunk) > most:
                    raise UpstreamError(413, f"a body of more than {most} bytes")
                await body.add(chunk)
                if not message.get("more_body", False):
                    return body
                message = await receive()
        except BaseException:
            body.forget()  # now, and not when the exception's traceback is freed
            raise


def is_small(message: Message) -> bool:
    """Whether `message` is a whole body that is small enough not to be counted."""
    if message["type"] != "http.request" or message.get("more_body", False):
        return False
    return len(message.get("body", b"")) <= SMALL


class Body:
    """One body, as far as it was read: in memory up to `memory` bytes; beyond that, or when memory is full, on disk.

    Each reader has its own position. Memory and disk are given back when the last reader is gone.
    """

    __slots__ = ("_bodies", "_chunks", "_file", "_memory", "_on_disk", "_tail", "_taken", "size")

    def __init__(self, bodies: Bodies, memory: int) -> None:
        self._bodies = bodies
        self._memory = memory
        self._chunks: list[bytes] = []
        self._tail = bytearray()
        self._taken = self._on_disk = 0
        self._file: IO[bytes] | None = None
        self.size = 0

    def __del__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Release the bytes. No reader may be used after that."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
        self._chunks, self._tail = [], bytearray()
        self._bodies.memory.give(self._taken)
        self._bodies.disk.give(self._on_disk)
        self._taken = self._on_disk = self.size = 0

    def keep(self, chunk: bytes) -> bool:
        """Add a part in memory. Returns False when there is no room."""
        if self.size + len(chunk) > self._memory or not self._bodies.memory.take(len(chunk)):
            return False
        self._taken += len(chunk)
        self.size += len(chunk)
        if len(chunk) >= SMALL:
            self._end_tail()
            self._chunks.append(chunk)
        else:
            self._tail += chunk
            if len(self._tail) >= JOINED:
                self._end_tail()
        return True

    async def add(self, chunk: bytes) -> None:
        """Add a part. Raises Overloaded when there is no room on disk either, or writing fails."""
        if self._file is None and self.keep(chunk):
            return
        self._end_tail()
        parts, self._chunks = [*self._chunks, chunk], []
        size = sum(map(len, parts))
        if not self._bodies.disk.take(size):
            raise Overloaded("there is no room on disk for one more body")
        self._on_disk += size
        self.size += len(chunk)
        try:
            if self._file is None:
                self._file = TemporaryFile(buffering=0)  # noqa: SIM115 - closed in `forget`
            await self._written(self._file, parts)
        except OSError as exc:
            raise Overloaded(f"a body can't be held on disk: {exc}") from exc
        self._bodies.memory.give(self._taken)
        self._taken = 0

    async def _written(self, file: IO[bytes], parts: list[bytes]) -> None:
        """Write on a thread, so that a slow disk doesn't block other requests."""
        writing = asyncio.ensure_future(asyncio.to_thread(_write, file, parts))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            # The thread still writes. If the file were closed now, its descriptor could be reused by another request.
            self._file = None
            writing.add_done_callback(lambda done: (done.exception(), file.close()))
            raise

    def _end_tail(self) -> None:
        if self._tail:
            self._chunks.append(bytes(self._tail))
            self._tail = bytearray()

    @property
    def content(self) -> bytes | None:
        """The whole body if it is in memory (the same object each time), else None."""
        if self._file is not None:
            return None
        self._end_tail()
        if len(self._chunks) != 1:
            self._chunks = [b"".join(self._chunks)]
        return self._chunks[0]

    def file(self) -> IO[bytes]:
        """The body as a file, at position 0."""
        content = self.content
        if content is None:
            return io.BufferedReader(_OnDisk(self), BLOCK)
        file = _InMemory(content)
        file.body = self
        return file

    def block(self, position: int) -> bytes:
        """Some bytes from `position` on. Call it on a thread when the body is on disk."""
        if self._file is None:
            return (self.content or b"")[position:] if position else self.content or b""
        return os.pread(self._file.fileno(), BLOCK, position)

    def again(self, then: Receive, *, more: bool) -> Receive:
        """A `receive` that gives the held body, then the messages of `then`. `more`: those continue the body."""
        position = 0
        ended = False

        async def receive() -> Message:
            nonlocal position, ended
            if ended or (more and position == self.size):
                return await then()
            on_disk = self._file is not None
            block = await asyncio.to_thread(self.block, position) if on_disk else self.block(position)
            position += len(block)
            going_on = more or position < self.size
            ended = not going_on
            return {"type": "http.request", "body": block, "more_body": going_on}

        return receive


class _InMemory(BytesIO):
    """A file over bytes in memory, without a copy; it keeps their body alive."""

    body: Body


class _OnDisk(io.RawIOBase):
    """A reader of a body on disk."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._body.size}[whence]
        self._position = max(base + offset, 0)
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        block = self._body.block(self._position)[: len(view)]
        view[: len(block)] = block
        self._position += len(block)
        return len(block)


def _write(file: IO[bytes], parts: list[bytes]) -> None:
    for part in parts:
        view = memoryview(part)
        while view:
            view = view[file.write(view) :]
