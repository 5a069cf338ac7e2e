"""Whether a route does well enough on its service, and what follows for its ramp. Pure: numbers in, a verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from gateway.observability.counters import Mirrored, Tally

__all__ = ["Guard", "Hold", "Judgement", "Promote", "RollBack", "Step", "Verdict", "judge", "next_step"]


@dataclass(frozen=True, slots=True)
class Guard:
    """The conditions under which a route is rolled back by itself."""

    window: float = 60.0  # seconds
    minimum: int = 50  # requests on each side
    error_delta: float = 0.01  # the service's error rate less legacy's, as a share
    p95_delta: float | None = 0.5  # the service's p95 may be so much above legacy's, as a share of it; None: any
    p95_floor: float = 0.005  # seconds; a p95 up to here is never too slow
    parity: float = 99.0  # percent of compared answers without a breaking difference

    def counts_from(self, now: float, since: float) -> float:
        """From when on requests are judged: for a window, but not before the present step began, at `since`."""
        return max(now - self.window, since)


class Verdict(Enum):
    """`INCONCLUSIVE` is what can't be told yet: it neither promotes nor rolls back."""

    HEALTHY = "healthy"
    FAILING = "failing"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and its reasons, in words with the numbers."""

    verdict: Verdict
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.verdict.value}: {'; '.join(self.reasons)}"


@dataclass(frozen=True, slots=True)
class Promote:
    """Move the route on: to `stage` "canary" at `weight` percent, or to "live" (weight None)."""

    stage: str
    weight: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class RollBack:
    """Back to legacy, at once."""

    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Leave the route where it is."""

    reason: str


Step = Promote | RollBack | Hold


def judge(guard: Guard, service: Tally, legacy: Tally, mirrored: Mirrored, *, shadow: bool = False) -> Judgement:
    """The verdict on what both sides did since `guard.counts_from(…)`.

    In `shadow` the service has no callers of its own: what was compared has to reach the sample floor instead.
    """
    raise NotImplementedError


def next_step(
    stage: str,
    weight: float,
    steps: Sequence[float],
    interval: float,
    since: float,
    now: float,
    paused: bool,
    judgement: Judgement,
) -> Step:
    """What becomes of a route now."""
    raise NotImplementedError
