"""The body of a response that is held back until an open transaction ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from tempfile import TemporaryFile
from typing import IO

from gateway.legacy.body import BLOCK

__all__ = ["MOST", "Withheld"]

MOST = 2**28  # bytes of one response


class Withheld:
    """Parts of a body, in memory up to `memory` bytes of it, on disk above."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._parts: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._size = 0

    async def add(self, part: bytes) -> None:
        """Add a part. Raises RuntimeError when the body becomes too large."""
        self._size += len(part)
        if self._size > MOST:
            raise RuntimeError(
                f"an answer of more than {MOST >> 20} MB waits for a transaction, which ends after it: give the "
                'dependency that opens the transaction scope="function", or end it before the answer begins'
            )
        self._parts.append(part)
        if self._size > self._memory:
            if self._file is None:
                self._file = TemporaryFile()  # noqa: SIM115 - closed in `close`
            parts, self._parts = self._parts, []
            await asyncio.to_thread(self._file.writelines, parts)  # on a thread: the disk may be slow

    @property
    def content(self) -> bytes | None:
        """The whole body; None when it is on disk."""
        return b"".join(self._parts) if self._file is None else None

    async def chunks(self, *more: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """The whole body, once, followed by `more`."""
        try:
            if self._file is not None:
                await asyncio.to_thread(self._file.seek, 0)
                while block := await asyncio.to_thread(self._file.read, BLOCK):
                    yield block
            for part in self._parts:
                yield part
        finally:
            self.close()
        for source in more:
            async for part in source:
                yield part

    def close(self) -> None:
        """Release the memory, or delete the file."""
        self._parts = []
        if self._file is not None:
            self._file.close()
