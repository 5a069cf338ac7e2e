"""A clock, draws and identifiers that a test controls."""

from __future__ import annotations

import itertools
import random  # noqa: TID251 - this is such a source
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from gateway.clock import SYSTEM, Clock
from gateway.randomness import RANDOMNESS, Randomness

__all__ = ["CountedRandomness", "FrozenClock", "SwitchedClock", "SwitchedRandomness"]


class FrozenClock:
    """A `gateway.clock.Clock` that a test moves. It starts at `start`, by default the first day of 2025, UTC."""

    def __init__(self, start: datetime = datetime(2025, 1, 1, tzinfo=UTC)) -> None:
        self._start = start.timestamp()
        self._passed = 0.0

    def __repr__(self) -> str:
        return f"FrozenClock({datetime.fromtimestamp(self.time(), UTC).isoformat()})"

    def monotonic(self) -> float:
        """The seconds passed to `advance` so far."""
        return self._passed

    def time(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return self._start + self._passed

    def advance(self, seconds: float) -> None:
        """Let time pass. Raises ValueError for a negative number: a clock doesn't go back."""
        if seconds < 0:
            raise ValueError(f"a clock can't be turned back by {-seconds} seconds")
        self._passed += seconds


class CountedRandomness:
    """A deterministic `gateway.randomness.Randomness`: draws from a generator with `seed`, and IDs that count from
    1."""

    def __init__(self, seed: int = 0) -> None:
        generator = random.Random(seed)  # noqa: S311 - nobody is to be kept from guessing
        self.random = generator.random
        self.bits = generator.getrandbits
        self._numbers = itertools.count(1)

    def key(self) -> bytes:
        """32 bytes."""
        return b"%032x" % next(self._numbers)

    def visitor_id(self) -> str:
        """32 hexadecimal digits."""
        return f"{next(self._numbers):032x}"

    def request_id(self) -> bytes:
        """32 hexadecimal digits."""
        return b"%032x" % next(self._numbers)


class SwitchedClock:
    """The system's clock, which can be replaced by another one for a while. `monotonic` never goes back."""

    def __init__(self) -> None:
        self._clock: Clock = SYSTEM
        self._ahead = 0.0

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment."""
        return self._clock.monotonic() + self._ahead

    def time(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return self._clock.time()

    @contextmanager
    def switched(self, clock: Clock) -> Iterator[None]:
        """Use `clock` in this block."""
        before = self._clock
        self._switch(clock)
        try:
            yield
        finally:
            self._switch(before)

    def _switch(self, clock: Clock) -> None:
        self._ahead += self._clock.monotonic() - clock.monotonic()
        self._clock = clock


class SwitchedRandomness:
    """The system's randomness, which can be replaced by another one for a while."""

    def __init__(self) -> None:
        self._source: Randomness = RANDOMNESS

    def random(self) -> float:
        """A number in the interval [0, 1)."""
        return self._source.random()

    def bits(self, count: int) -> int:
        """A number of `count` bits."""
        return self._source.bits(count)

    def key(self) -> bytes:
        """32 bytes."""
        return self._source.key()

    def visitor_id(self) -> str:
        """32 hexadecimal digits."""
        return self._source.visitor_id()

    def request_id(self) -> bytes:
        """32 hexadecimal digits."""
        return self._source.request_id()

    @contextmanager
    def switched(self, source: Randomness) -> Iterator[None]:
        """Use `source` in this block."""
        before, self._source = self._source, source
        try:
            yield
        finally:
            self._source = before
