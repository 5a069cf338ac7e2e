"""Whether a service should be asked now: a passive circuit breaker and a limit on requests in flight, per process.

Passive: only the requests of callers are watched. The states are Nygard's (Release It!, 2007, "Circuit Breaker"):
closed, open for a cool-down, half-open while one request at a time tries whether the service is back.

Called by the event loop's thread only; `refuses` and `describe` change nothing and may be called by any.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

__all__ = ["BreakerSettings", "Health"]

PARTS = 10  # the window moves on by a tenth of itself
STALE = 0  # the ticket of a request whose end says nothing


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a service is left alone, and for how long. Raises ValueError where the numbers make no sense.

    It opens when, within `window` seconds, at least `minimum` requests ended and a share of at least `failure_rate` of
    them failed: the defaults of YARP's TransportFailureRate policy. It then rests for `cooldown` seconds, and twice as
    long each time it opens again, up to `longest`, which is Envoy's `max_ejection_time`. The doubling starts over once
    the service stayed closed for as long as it last rested, and for a whole window at least: trust comes back no faster
    than it went.
    """

    window: float = 60.0
    minimum: int = 10
    failure_rate: float = 0.3
    cooldown: float = 5.0
    longest: float = 300.0

    def __post_init__(self) -> None:
        if self.window <= 0 or self.minimum < 1 or not 0 < self.failure_rate <= 1:
            raise ValueError(f"window > 0, minimum ≥ 1 and 0 < failure_rate ≤ 1, not {self}")
        if not 0 < self.cooldown <= self.longest:
            raise ValueError(f"0 < cooldown ≤ longest, not {self}")


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


class Health:
    """What this process knows of one service.

    `limit` is how many requests it may have in flight, None for any number; `breaker` None never opens. Times are
    seconds of `Clock.monotonic()`. Unless it is `doubtful`, `refuses` says None at any time and need not be asked.
    """

    __slots__ = (
        "_breaker",
        "_busy",
        "_cause",
        "_closed_since",
        "_epoch",
        "_rest",
        "_resting_until",
        "_trial_until",
        "_watched",
        "_window",
        "doubtful",
        "in_flight",
        "limit",
        "openings",
        "service",
    )  # fmt: skip

    def __init__(
        self, service: str, limit: int | None = None, breaker: BreakerSettings | None = BreakerSettings()
    ) -> None:
        self.service = service
        self.limit = limit
        self.doubtful = limit is not None
        self.in_flight = 0
        self.openings = 0  # since the process started
        self._watched = breaker is not None
        self._breaker = breaker or BreakerSettings()
        self._window = _Window(self._breaker.window)
        self._busy = f"service {service!r} has {limit} request{'' if limit == 1 else 's'} in flight"
        self._cause: str | None = None  # why it is not closed, in words; None while it is
        self._rest = 0.0  # seconds, of the last cool-down
        self._resting_until = -inf
        self._closed_since = -inf
        self._trial_until = -inf  # while a trial is under way, when it is given up for lost
        # Goes up whenever the state changes or a trial begins: the end of a request from an earlier one is old news.
        self._epoch = STALE + 1

    def refuses(self, now: float) -> str | None:
        """Why the service should not be asked now, in words; None when it may be. Changes nothing."""
        if self._cause is not None and (now < self._resting_until or now < self._trial_until):
            return self._cause
        return self._busy if self.full else None

    @property
    def full(self) -> bool:
        """Whether it has as many requests in flight as it may have."""
        return self.limit is not None and self.in_flight >= self.limit

    def begin(self, now: float) -> int:
        """The service is asked. Returns the ticket that `end` wants back.

        Call it when `refuses` said None, without an `await` in between: while half-open, this request is the trial. One
        that begins against a refusal is counted in flight, and its end says nothing.
        """
        self.in_flight += 1
        if self._cause is None:
            return self._epoch
        return self._try(now)

    def end(self, now: float, failed: bool | None, ticket: int) -> None:
        """It has ended, however: to be called exactly once for each `begin`.

        `failed` is None when it says nothing of the service, as when the client left.
        """
        self.in_flight -= 1
        if ticket != self._epoch or not self._watched:
            return
        if self._cause is not None:
            self._tried(now, failed)
        elif failed is not None:
            self._window.count(now, failed)
            if failed:
                self._failed(now)

    def describe(self, now: float) -> dict[str, object]:
        """For status: state, why, seconds left to rest, and the numbers of the window."""
        requests, failures = self._window.within(now)
        resting = self._cause is not None and now < self._resting_until
        return {
            "state": "closed" if self._cause is None else "open" if resting else "half-open",
            "reason": self.refuses(now),
            "rest": self._resting_until - now if resting else 0.0,
            "in_flight": self.in_flight,
            "limit": self.limit,
            "requests": requests,
            "failures": failures,
            "openings": self.openings,
        }

    def _try(self, now: float) -> int:
        if now < self._resting_until or now < self._trial_until:
            return STALE
        # One that never ends must not keep all others out: after a window it is given up, and its ticket is void.
        self._trial_until = now + self._breaker.window
        self._cause = f"service {self.service!r} is tried by one request after failures"
        self._epoch += 1
        return self._epoch

    def _tried(self, now: float, failed: bool | None) -> None:
        self._trial_until = -inf
        if failed:
            self._open(now, "a request that tried it failed")
        elif failed is not None:
            self._cause = None
            self.doubtful = self.limit is not None
            self._closed_since = now
            self._epoch += 1
            self._window.clear()

    def _failed(self, now: float) -> None:
        breaker = self._breaker
        requests, failures = self._window.requests, self._window.failures
        if requests >= breaker.minimum and failures >= breaker.failure_rate * requests:
            self._open(now, f"{failures} of {requests} in {breaker.window:g} s")

    def _open(self, now: float, numbers: str) -> None:
        breaker = self._breaker
        settled = self._cause is None and now - self._closed_since >= max(self._rest, breaker.window)
        self._rest = breaker.cooldown if settled else min(self._rest * 2, breaker.longest)
        self._resting_until = now + self._rest
        self.doubtful = True
        self._cause = f"service {self.service!r} rests for {self._rest:g} s after failures ({numbers})"
        self._epoch += 1
        self.openings += 1
