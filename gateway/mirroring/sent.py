"""The copies that were sent to the process that mirrors, and that it has not said to be done."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway.mirroring.wire import DONE

__all__ = ["SentCopies"]


class SentCopies:
    """By number. `lost` is told the route of each that is not made, and why, in a word: "away" or "stopped"."""

    __slots__ = ("_lost", "_number", "_part", "_waiting")

    def __init__(self, lost: Callable[[str, str], None]) -> None:
        self._lost = lost
        self._number = 0
        self._part = b""  # of a number
        self._waiting: dict[int, tuple[str, int]] = {}  # the route and the bytes of each

    def __iter__(self) -> Iterator[int]:
        return iter(self._waiting)

    def next_number(self) -> int:
        """One for the next copy, whether or not it is sent."""
        self._number = (self._number + 1) % 2**32
        return self._number

    def add(self, number: int, route: str, length: int) -> None:
        """One was written, in so many bytes."""
        self._waiting[number] = route, length

    def note_done(self, data: bytes) -> None:
        """These are the numbers of some that are done, or a part of that."""
        data = self._part + data
        whole = len(data) - len(data) % DONE.size
        for (number,) in DONE.iter_unpack(data[:whole]):
            self._waiting.pop(number, None)
        self._part = data[whole:]

    def stop(self, unwritten: int) -> None:
        """So many bytes are not sent any more. The others are made, and nobody will say so."""
        while unwritten > 0 and self._waiting:
            _, (route, length) = self._waiting.popitem()  # the last that was written
            unwritten -= length
            self._lost(route, "stopped")
        self._waiting.clear()

    def lose(self) -> None:
        """Who had them is away."""
        for route, _ in self._waiting.values():
            self._lost(route, "away")
        self._waiting.clear()
        self._part = b""
