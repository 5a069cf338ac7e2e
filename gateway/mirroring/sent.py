"""The copies that were sent to the process for mirrors, and are not acknowledged yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway.mirroring.wire import DONE

__all__ = ["SentCopies"]


class SentCopies:
    """Keeps them by number. `lost` is called with the route of each lost one, and the reason: "away" or "stopped"."""

    __slots__ = ("_lost", "_number", "_part", "_waiting")

    def __init__(self, lost: Callable[[str, str], None]) -> None:
        self._lost = lost
        self._number = 0
        self._part = b""  # of a number
        self._waiting: dict[int, tuple[str, int]] = {}  # the route and the size in bytes of each

    def __iter__(self) -> Iterator[int]:
        return iter(self._waiting)

    def next_number(self) -> int:
        """A number for the next copy, whether or not it is sent."""
        self._number = (self._number + 1) % 2**32
        return self._number

    def add(self, number: int, route: str, length: int) -> None:
        """Note that a copy was written, in `length` bytes."""
        self._waiting[number] = route, length

    def note_done(self, data: bytes) -> None:
        """Take acknowledged numbers; `data` may end within one."""
        data = self._part + data
        whole = len(data) - len(data) % DONE.size
        for (number,) in DONE.iter_unpack(data[:whole]):
            self._waiting.pop(number, None)
        self._part = data[whole:]

    def stop(self, unwritten: int) -> None:
        """Forget all. The last `unwritten` bytes won't be sent: their copies are lost. The others will be mirrored."""
        while unwritten > 0 and self._waiting:
            _, (route, length) = self._waiting.popitem()  # the last that was written
            unwritten -= length
            self._lost(route, "stopped")
        self._waiting.clear()

    def lose(self) -> None:
        """The other process is away: all are lost."""
        for route, _ in self._waiting.values():
            self._lost(route, "away")
        self._waiting.clear()
        self._part = b""
