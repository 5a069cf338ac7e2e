"""The queue of copies to be mirrored, limited in number and bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from gateway.mirroring.copy import Copy

__all__ = ["MirrorQueue"]


class MirrorQueue:
    """At most `length` copies, with at most `memory` bytes in total."""

    def __init__(self, length: int, memory: int) -> None:
        self._length = length
        self._memory = memory
        self._waiting: deque[Copy] = deque()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def first(self) -> Copy:
        """The oldest copy."""
        return self._waiting[0]

    @property
    def half_full(self) -> bool:
        """Whether it has more than half of `length` copies."""
        return len(self._waiting) * 2 > self._length

    def full(self, more: int) -> str | None:
        """Why there is no room for a copy of `more` bytes, in a word; None if there is."""
        if len(self._waiting) >= self._length:
            return "queue"
        return "memory" if self.bytes + more > self._memory else None

    def append(self, copy: Copy) -> None:
        """Add a copy."""
        self._waiting.append(copy)
        self.bytes += copy.size

    def pop(self) -> Copy:
        """Remove and return the oldest copy."""
        copy = self._waiting.popleft()
        self.bytes -= copy.size
        return copy

    def drain(self) -> Iterator[Copy]:
        """Remove and return all copies."""
        while self._waiting:
            yield self.pop()
