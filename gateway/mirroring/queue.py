"""The copies that wait to be mirrored, bounded in number and bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from gateway.mirroring.copy import Copy

__all__ = ["MirrorQueue"]


class MirrorQueue:
    """At most `length` copies, of at most `memory` bytes together."""

    def __init__(self, length: int, memory: int) -> None:
        self._length = length
        self._memory = memory
        self._waiting: deque[Copy] = deque()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def first(self) -> Copy:
        """The copy that has waited for longest."""
        return self._waiting[0]

    @property
    def half_full(self) -> bool:
        """Whether more than half of the places are taken."""
        return len(self._waiting) * 2 > self._length

    def full(self, more: int) -> str | None:
        """Why there is no room for a copy of so many bytes, in a word."""
        if len(self._waiting) >= self._length:
            return "queue"
        return "memory" if self.bytes + more > self._memory else None

    def append(self, copy: Copy) -> None:
        """Let one more wait."""
        self._waiting.append(copy)
        self.bytes += copy.size

    def pop(self) -> Copy:
        """The copy that has waited for longest, which waits no more."""
        copy = self._waiting.popleft()
        self.bytes -= copy.size
        return copy

    def drain(self) -> Iterator[Copy]:
        """All of them, which wait no more."""
        while self._waiting:
            yield self.pop()
