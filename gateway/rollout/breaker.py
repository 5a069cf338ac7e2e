"""A passive circuit breaker for one service, and a limit on its requests in flight, in one process.

Passive: it only observes callers' requests. The states are Nygard's (Release It!, 2007, "Circuit Breaker"): closed;
open for a cool-down; half-open, when one request at a time tries whether the service has recovered.

Used by the event loop's thread only; `refuses` and `describe` change nothing, and may be called by any thread.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from gateway.config.services import BREAKER, BreakerSettings
from gateway.wording import Message, message, plural_message

__all__ = ["CircuitBreaker"]

PARTS = 10  # the window moves on by a tenth of itself
STALE = 0  # the token of a request that doesn't count for the state


class _Window:
    """The numbers of requests and failures of the last seconds, in tenths of the window: each call takes the same time,
    however many there are."""

    __slots__ = ("_end", "_failed", "_part", "_place", "_seconds", "_total")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds / PARTS
        self._part = self._place = 0
        self._end = 0.0  # of the current part
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
        """Remove the parts that are older than the window."""
        part = int(now / self._seconds)
        for passed in range(self._part + 1, min(part, self._part + PARTS) + 1):
            place = passed % PARTS
            self._total[place] = self._failed[place] = 0
        self._part = max(part, self._part)
        self._place = self._part % PARTS
        self._end = (self._part + 1) * self._seconds

    def within(self, now: float) -> tuple[int, int]:
        """The requests and failures of the window, without changing it."""
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
        """Note that the service is healthy again."""
        self._healthy_since = now


class CircuitBreaker:
    """The state of one service in this process.

    `limit` is the number of requests that may be in flight, None for any; without a `breaker` it never opens. Times are
    seconds of `Clock.monotonic()`. `tell` is called with a message when the breaker opens or closes. If `may_reject` is
    false, `refuses` always returns None and need not be called.
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
        self._busy = _busy(service, limit or 0)
        self._cause: str | None = None  # why it is not closed, in words; None while it is
        self._trial_until = -inf  # while a trial is under way: when it is given up
        # Increases whenever the state changes or a trial begins: requests of earlier epochs don't count.
        self._epoch = STALE + 1

    def refuses(self, now: float) -> str | None:
        """Why the service must not be called now, in words; None if it may be. Changes nothing."""
        if self._cause is not None and (now < self._cooldown.until or now < self._trial_until):
            return self._cause
        return self._busy if self.full else None

    @property
    def cause(self) -> str | None:
        """Why the service isn't called, or is only tried, in words; None while the breaker is closed."""
        return self._cause

    @property
    def full(self) -> bool:
        """Whether as many requests are in flight as the limit allows."""
        return self.limit is not None and self.in_flight >= self.limit

    def acquire(self, now: float) -> int:
        """Note that the service is called. Returns a token for `end`.

        Call it when `refuses` returned None, without an `await` in between: while half-open, this request is the trial.
        A request that starts although `refuses` gave a reason counts as in flight, but not for the state.
        """
        self.in_flight += 1
        if self._cause is None:
            return self._epoch
        return self._try(now)

    def end(self, now: float, failed: bool | None, token: int) -> None:
        """Note that the request has ended: `release` and `record` in one. To be called exactly once for each
        `acquire`."""
        self.release()
        self.record(now, failed, token)

    def release(self) -> None:
        """Note that the request no longer occupies the service. `record` follows."""
        self.in_flight -= 1

    def record(self, now: float, failed: bool | None, token: int) -> None:
        """Note whether the request failed; None if it proves nothing, as when the client disconnected."""
        if token != self._epoch or not self._watched:
            return
        if self._cause is not None:
            self._tried(now, failed)
        elif failed is not None:
            self._window.count(now, failed)
            if failed:
                self._failed(now)

    def describe(self, now: float) -> dict[str, object]:
        """For `gateway status`: the state, its cause, the seconds left of the cool-down, and the numbers of
        the window."""
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
        # A trial that never ends must not block all others: it is given up after one window, and its token is void.
        self._trial_until = now + self._settings.window
        self._cause = message("service {service!r} is tried by one request after failures", service=self.service)
        self._epoch += 1
        return self._epoch

    def _tried(self, now: float, failed: bool | None) -> None:
        self._trial_until = -inf
        if failed:
            self._open(now, message("a request that tried it failed"))
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
            self._open(now, _numbers(failures, requests, settings.window))

    def _open(self, now: float, why: Message) -> None:
        self._cooldown.begin(now)
        self.may_reject = True
        self._cause = _resting(self.service, self._cooldown.seconds, why)
        self._epoch += 1
        self.openings += 1
        self.tell(self._cause)


def _busy(service: str, limit: int) -> Message:
    return plural_message(
        "service {service!r} has {count} request in flight",
        "service {service!r} has {count} requests in flight",
        limit,
        service=service,
    )


def _resting(service: str, seconds: float, why: Message) -> Message:
    values = {"service": service, "seconds": seconds, "why": why}
    return message("service {service!r} rests for {seconds:g} s after failures ({why})", **values)


def _numbers(failures: int, requests: int, window: float) -> Message:
    values = {"failures": failures, "requests": requests, "window": window}
    return message("{failures} of {requests} in {window:g} s", **values)


def _tell_nobody(_: str) -> None:
    """Default callback: does nothing."""
