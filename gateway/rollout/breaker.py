"""Whether a service should be asked now: a passive circuit breaker and a limit on requests in flight, per process.

Passive: only the requests of callers are watched. The states are Nygard's (Release It!, 2007, "Circuit Breaker"):
closed, open for a cool-down, half-open while one request at a time tries whether the service is back.

Called by the event loop's thread only; `refuses` and `describe` change nothing and may be called by any.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from gateway.config.services import BREAKER, BreakerSettings
from gateway.wording import counted

__all__ = ["CircuitBreaker"]

PARTS = 10  # the window moves on by a tenth of itself
STALE = 0  # the token of a request whose end says nothing


class _Window:
    """Requests and failures of the last while, in tenths of it, so that no call takes longer for there being many."""

    __slots__ = ("_end", "_failed", "_part", "_place", "_seconds", "_total")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds / PARTS
        self._part = self._place = 0
        self._end = 0.0  # of the part
        self.clear()

    def clear(self) -> None:
        self._total = [0] * PARTS
        self._failed = [0] * PARTS

    @property
    def requests(self) -> int:
        return sum(self._total)

    @property
    def failures(self) -> int:
        return sum(self._failed)

    def count(self, now: float, failed: bool) -> None:
        if now >= self._end:
            self.slide(now)
        self._total[self._place] += 1
        if failed:
            self._failed[self._place] += 1

    def slide(self, now: float) -> None:
        """Leave out what is too long ago."""
        part = int(now / self._seconds)
        for passed in range(self._part + 1, min(part, self._part + PARTS) + 1):
            place = passed % PARTS
            self._total[place] = self._failed[place] = 0
        self._part = max(part, self._part)
        self._place = self._part % PARTS
        self._end = (self._part + 1) * self._seconds

    def within(self, now: float) -> tuple[int, int]:
        """Requests and failures that `slide` would leave."""
        first = int(now / self._seconds) - PARTS + 1
        places = [part % PARTS for part in range(max(first, self._part - PARTS + 1), self._part + 1)]
        return sum(self._total[place] for place in places), sum(self._failed[place] for place in places)


class _Cooldown:
    """How long the breaker stays open: twice as long each time, unless the service was healthy for a while."""

    __slots__ = ("_healthy_since", "_settings", "seconds", "until")

    def __init__(self, settings: BreakerSettings) -> None:
        self._settings = settings
        self._healthy_since = -inf  # inf while it is not healthy
        self.seconds = 0.0  # of the last one
        self.until = -inf

    def begin(self, now: float) -> None:
        settings = self._settings
        settled = now - self._healthy_since >= max(self.seconds, settings.window)
        self.seconds = settings.cooldown if settled else min(self.seconds * 2, settings.max_cooldown)
        self.until = now + self.seconds
        self._healthy_since = inf

    def end(self, now: float) -> None:
        """The service is healthy again."""
        self._healthy_since = now


class CircuitBreaker:
    """What this process knows of one service.

    `limit` is how many requests it may have in flight, None for any number; `breaker` None never opens. Times are
    seconds of `Clock.monotonic()`. `tell` is told in words when the breaker opens or closes. Unless
    `may_reject`, `refuses` says None at any time and need not be asked.
    """

    __slots__ = (
        "_busy",
        "_cause",
        "_cooldown",
        "_epoch",
        "_settings",
        "_trial_until",
        "_watched",
        "_window",
        "in_flight",
        "limit",
        "may_reject",
        "openings",
        "service",
        "tell",
    )  # fmt: skip

    def __init__(self, service: str, limit: int | None = None, breaker: BreakerSettings | None = BREAKER) -> None:
        self.service = service
        self.tell: Callable[[str], None] = _tell_nobody
        self.limit = limit
        self.may_reject = limit is not None
        self.in_flight = 0
        self.openings = 0  # since the process started
        self._watched = breaker is not None
        self._settings = breaker or BreakerSettings()
        self._window = _Window(self._settings.window)
        self._cooldown = _Cooldown(self._settings)
        self._busy = f"service {service!r} has {counted(limit or 0, 'request')} in flight"
        self._cause: str | None = None  # why it is not closed, in words; None while it is
        self._trial_until = -inf  # while a trial is under way, when it is given up for lost
        # Goes up whenever the state changes or a trial begins: the end of a request from an earlier one is old news.
        self._epoch = STALE + 1

    def refuses(self, now: float) -> str | None:
        """Why the service should not be asked now, in words; None when it may be. Changes nothing."""
        if self._cause is not None and (now < self._cooldown.until or now < self._trial_until):
            return self._cause
        return self._busy if self.full else None

    @property
    def cause(self) -> str | None:
        """Why the service is left alone or only tried, in words; None while the breaker is closed."""
        return self._cause

    @property
    def full(self) -> bool:
        """Whether it has as many requests in flight as it may have."""
        return self.limit is not None and self.in_flight >= self.limit

    def acquire(self, now: float) -> int:
        """The service is asked. Returns the token that `end` wants back.

        Call it when `refuses` said None, without an `await` in between: while half-open, this request is the trial. One
        that begins against a refusal is counted in flight, and its end says nothing.
        """
        self.in_flight += 1
        if self._cause is None:
            return self._epoch
        return self._try(now)

    def end(self, now: float, failed: bool | None, token: int) -> None:
        """It has ended, however: to be called exactly once for each `acquire`. It is `release` and `record` at once."""
        self.release()
        self.record(now, failed, token)

    def release(self) -> None:
        """It keeps the service no longer; what it says of it is not known yet."""
        self.in_flight -= 1

    def record(self, now: float, failed: bool | None, token: int) -> None:
        """What it says of the service: None where that is nothing, as when the client left."""
        if token != self._epoch or not self._watched:
            return
        if self._cause is not None:
            self._tried(now, failed)
        elif failed is not None:
            self._window.count(now, failed)
            if failed:
                self._failed(now)

    def describe(self, now: float) -> dict[str, object]:
        """For status: state, why, seconds left of the cool-down, and the numbers of the window."""
        requests, failures = self._window.within(now)
        is_open = self._cause is not None and now < self._cooldown.until
        return {
            "state": "closed" if self._cause is None else "open" if is_open else "half-open",
            "reason": self.refuses(now),
            "cooldown": self._cooldown.until - now if is_open else 0.0,
            "in_flight": self.in_flight,
            "limit": self.limit,
            "requests": requests,
            "failures": failures,
            "openings": self.openings,
        }

    def _try(self, now: float) -> int:
        if now < self._cooldown.until or now < self._trial_until:
            return STALE
        # One that never ends must not keep all others out: after a window it is given up, and its token is void.
        self._trial_until = now + self._settings.window
        self._cause = f"service {self.service!r} is tried by one request after failures"
        self._epoch += 1
        return self._epoch

    def _tried(self, now: float, failed: bool | None) -> None:
        self._trial_until = -inf
        if failed:
            self._open(now, "a request that tried it failed")
        elif failed is not None:
            self._cause = None
            self.may_reject = self.limit is not None
            self._cooldown.end(now)
            self._epoch += 1
            self._window.clear()
            self.tell(f"service {self.service!r} is asked again: a request that tried it was answered")

    def _failed(self, now: float) -> None:
        settings = self._settings
        requests, failures = self._window.requests, self._window.failures
        if requests >= settings.minimum and failures >= settings.failure_rate * requests:
            self._open(now, f"{failures} of {requests} in {settings.window:g} s")

    def _open(self, now: float, numbers: str) -> None:
        self._cooldown.begin(now)
        self.may_reject = True
        self._cause = f"service {self.service!r} rests for {self._cooldown.seconds:g} s after failures ({numbers})"
        self._epoch += 1
        self.openings += 1
        self.tell(self._cause)


def _tell_nobody(_: str) -> None:
    """Where nobody wants to know."""
