"""Judges whether a route's service is healthy, and what follows for its ramp. Pure: numbers in, a verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from gateway.config.guard import Guard
from gateway.rollout.significance import beyond_doubt, excess, excess_over
from gateway.stats.tally import FEW, Mirrored, Tally
from gateway.wording import Message, duration, joined, message, plural_message

__all__ = ["HANDFUL", "Hold", "Judgement", "Promote", "RollBack", "Step", "Verdict", "judge", "next_step"]

P95 = 0.95
CHANCE = 0.01  # of judging a service as failing that is just within the allowed rates
EARLY_CHANCE = 0.001  # the same, before the minimum number of requests is reached,
HANDFUL = 5  # when at least so many must have failed: a single caller's retries are no proof
EXPECTED = 5  # callers on each side (Cochran's rule)
CHI_SQUARED = 10.83  # exceeded by chance once in a thousand times
ROUNDING = 1e-9  # equal shares may differ in the last bit


class Verdict(Enum):
    """`INCONCLUSIVE`: not enough is known; it neither promotes nor rolls back."""

    HEALTHY = "healthy"
    FAILING = "failing"
    INCONCLUSIVE = "inconclusive"

    @property
    def message(self) -> Message:
        """It, in words."""
        return _WORDS[self]


_WORDS = {
    Verdict.HEALTHY: message("healthy"),
    Verdict.FAILING: message("failing"),
    Verdict.INCONCLUSIVE: message("inconclusive"),
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and its reasons, in words with the numbers."""

    verdict: Verdict
    reasons: tuple[str, ...]

    @property
    def message(self) -> Message:
        """Both, in words."""
        return message("{verdict}: {reasons}", verdict=self.verdict.message, reasons=joined(self.reasons))

    def __str__(self) -> str:
        return str(self.message)


@dataclass(frozen=True, slots=True)
class Promote:
    """Move the route on: to `stage` "canary" at `weight` percent, or to "live" (weight None)."""

    stage: str
    weight: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class RollBack:
    """Roll the route back to legacy at once."""

    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Leave the route at its stage and weight."""

    reason: str


Step = Promote | RollBack | Hold
ConditionResult = tuple[Verdict, str]  # the result of one condition


def judge(
    guard: Guard,
    service: Tally,
    legacy: Tally,
    mirrored: Mirrored,
    *,
    shadow: bool = False,
    weight: float | None = None,
) -> Judgement:
    """The verdict on what both sides counted since `guard.counts_from(…)`.

    In `shadow` the service has no callers: there the number of comparisons must reach the minimum. `weight` is the
    canary's, in percent: the share of callers that the service should have answered.
    """
    split = None if weight is None else _split(service.buckets, legacy.buckets, weight / 100)
    if not shadow and legacy.requests < HANDFUL and not legacy.errors:
        legacy = Tally()  # at 100 %, legacy has only a few callers left, too few to compare with
    findings = [
        _requests(guard, service, required=not shadow),
        _errors(guard, service, legacy),
        _latency(guard, service, legacy, required=shadow),
        _parity(guard, mirrored, required=shadow),
        split,
    ]
    for verdict in (Verdict.FAILING, Verdict.INCONCLUSIVE, Verdict.HEALTHY):
        reasons = tuple(words for found, words in filter(None, findings) if found is verdict)
        if reasons:
            return Judgement(verdict, reasons)
    return Judgement(Verdict.INCONCLUSIVE, (message("nothing happened in {window:g} s", window=guard.window),))


def _requests(guard: Guard, service: Tally, *, required: bool) -> ConditionResult | None:
    if service.requests >= guard.minimum or not required:
        return None
    return Verdict.INCONCLUSIVE, plural_message(
        "{count} request in {window:g} s, {minimum} are needed",
        "{count} requests in {window:g} s, {minimum} are needed",
        service.requests,
        window=guard.window,
        minimum=guard.minimum,
    )


def _errors(guard: Guard, service: Tally, legacy: Tally) -> ConditionResult | None:
    """The error rate. A request that fell back to legacy counts as an error.

    While legacy has too few requests to know its rate, the service is healthy only if it would be beside a legacy
    without errors.
    """
    if service.requests == 0:
        return None
    known = legacy.requests == 0 or legacy.requests >= guard.minimum
    allowed = guard.error_delta + (legacy.error_rate if known else 0.0)
    words = _error_rates(guard, service, legacy)
    if service.error_rate <= allowed + ROUNDING:
        return Verdict.HEALTHY, words
    if _too_few(service.failing, service.callers):
        only = plural_message("only {count} caller had them", "only {count} callers had them", len(service.failing))
        return Verdict.INCONCLUSIVE, joined((words, only))
    enough = known and service.requests >= guard.minimum
    return _bad(words, excess_over(service, legacy, guard.error_delta), service.errors, enough=enough)


def _error_rates(guard: Guard, service: Tally, legacy: Tally) -> Message:
    numbers = {"rate": service.error_rate * 100, "requests": service.requests, "window": guard.window}
    allowed = guard.error_delta * 100
    if not legacy.requests:
        return message(
            "error rate {rate:.1f} % over {requests} requests in {window:g} s; allowed {allowed:.1f} %",
            **numbers,
            allowed=allowed,
        )
    return message(
        "error rate {rate:.1f} % against legacy's {legacy:.1f} % over {requests} requests in {window:g} s; "
        "allowed {allowed:.1f} points more",
        **numbers,
        legacy=legacy.error_rate * 100,
        allowed=allowed,
    )


def _latency(guard: Guard, service: Tally, legacy: Tally, *, required: bool) -> ConditionResult | None:
    """The 95th percentile. It always waits for the minimum number of requests: the first ones to a service are slow.

    The same number is needed of legacy's only to object. `required`: legacy has requests, which may be in an earlier
    counter window than the mirrors that followed them.
    """
    requests, base = service.histogram.count, legacy.histogram.quantile(P95)
    p95 = service.histogram.quantile(P95)
    if guard.p95_delta is None or p95 is None or requests < guard.minimum:
        return None
    if base is None:
        if p95 <= guard.p95_floor or not required:
            return None
        return Verdict.INCONCLUSIVE, message(
            "p95 {p95} over {requests} requests; no request of legacy's counts yet",
            p95=duration(p95),
            requests=requests,
        )
    words = message(
        "p95 {p95} against legacy's {base} over {requests} requests in {window:g} s; allowed {allowed:.0f} % more",
        p95=duration(p95),
        base=duration(base),
        requests=requests,
        window=guard.window,
        allowed=guard.p95_delta * 100,
    )
    allowed = max(base * (1 + guard.p95_delta), guard.p95_floor)
    if p95 <= allowed:
        return Verdict.HEALTHY, words
    if legacy.histogram.count < guard.minimum:
        lacking = message(
            "legacy had {requests} requests, {minimum} are needed",
            requests=legacy.histogram.count,
            minimum=guard.minimum,
        )
        return Verdict.INCONCLUSIVE, joined((words, lacking))
    slower = service.histogram.above(allowed)
    return _bad(words, excess(slower, requests, 1 - P95), slower, enough=True)


def _parity(guard: Guard, mirrored: Mirrored, *, required: bool) -> ConditionResult | None:
    """Breaking differences. A small sample without any is enough, unless parity is the only condition. A single
    critical difference is failing: somebody saw or did what they must not, or would have.
    """
    compared, allowed = mirrored.compared, 1 - guard.parity / 100
    enough = compared >= guard.minimum
    if mirrored.critical:
        return Verdict.FAILING, plural_message(
            "{count} answer of {compared} compared in {window:g} s differed critically; none may",
            "{count} answers of {compared} compared in {window:g} s differed critically; none may",
            mirrored.critical,
            compared=compared,
            window=guard.window,
        )
    if mirrored.parity is None:
        nothing = message("nothing was compared in {window:g} s", window=guard.window)
        return (Verdict.INCONCLUSIVE, nothing) if required else None
    words = message(
        "parity {parity:.1f} % over {compared} compared answers in {window:g} s; required {required:g} %",
        parity=mirrored.parity,
        compared=compared,
        window=guard.window,
        required=guard.parity,
    )
    if mirrored.different / compared > allowed + ROUNDING and _too_few(mirrored.differing, mirrored.callers):
        concerned = len(mirrored.differing)
        only = plural_message("only {count} caller had differences", "only {count} callers had differences", concerned)
        return Verdict.INCONCLUSIVE, joined((words, only))
    if mirrored.different / compared > allowed + ROUNDING:
        return _bad(words, excess(mirrored.different, compared, allowed), mirrored.different, enough=enough)
    if required and not enough:
        return Verdict.INCONCLUSIVE, joined((words, message("{minimum} are needed", minimum=guard.minimum)))
    return Verdict.HEALTHY, words


def _bad(words: str, evidence: float, bad: float, *, enough: bool) -> ConditionResult:
    """More than allowed is failing if that is significant, and inconclusive otherwise."""
    if beyond_doubt(evidence, CHANCE if enough else EARLY_CHANCE) and (enough or bad >= HANDFUL):
        return Verdict.FAILING, words
    return Verdict.INCONCLUSIVE, joined((words, message("may be chance")))


def _split(service: set[int], legacy: set[int], share: float) -> ConditionResult | None:
    """A sample ratio mismatch: whether the share of callers that the service answered differs from the canary's weight,
    by Pearson's chi-squared test with one degree of freedom. It detects requests that were lost when a process crashed,
    or that something in between answered. Each caller counts once.

    None if there are too few callers (Cochran's rule: five expected on each side).
    """
    seen = len(service) + len(legacy)
    expected = seen * share
    if min(expected, seen - expected) < EXPECTED:
        return None
    off = (len(service) - expected) ** 2
    if off / expected + off / (seen - expected) <= CHI_SQUARED:
        return None
    return Verdict.INCONCLUSIVE, message(
        "sample ratio mismatch: {seen:.1f} % of the callers were answered by the service, where the weight says "
        "{weight:.1f} %",
        seen=len(service) / seen * 100,
        weight=share * 100,
    )


def _too_few(concerned: set[int], callers: set[int]) -> bool:
    """Whether the affected callers are so few that they may have caused it by what they sent, while others were not
    affected. If nothing is known of callers, all count as affected."""
    return len(concerned) < FEW and len(concerned) < len(callers)


def next_step(
    judgement: Judgement,
    *,
    stage: str,
    weight: float,
    steps: Sequence[float],
    interval: float,
    since: float,
    now: float,
    paused: bool = False,
) -> Step:
    """The next step of a route at `stage`, in canary at `weight` percent since `since`.

    `steps` are the weights of the ramp, ascending, each held for `interval` seconds; then the route goes live. Without
    steps there is no ramp, and the guard still applies. A failing verdict rolls back from canary and live, even when
    paused: a pause stops promotions, not the guard. In shadow no caller gets the service's responses, and only
    `promote` leads out of it.
    """
    if judgement.verdict is Verdict.FAILING and stage in ("canary", "live"):
        return RollBack(joined(judgement.reasons))
    if stage != "canary":
        return Hold(message("no ramp leads on from stage {stage}", stage=stage))
    if not steps:
        return Hold(message("no steps are declared"))
    if paused:
        return Hold(message("paused ({judgement})", judgement=judgement.message))
    if judgement.verdict is not Verdict.HEALTHY:
        return Hold(judgement.message)
    if now - since < interval:
        return Hold(message("healthy for {seconds:.0f} of {interval:g} s", seconds=now - since, interval=interval))
    reason = message("healthy after {interval:g} s: {reasons}", interval=interval, reasons=joined(judgement.reasons))
    further = next((step for step in steps if step > weight), None)
    return Promote("live", None, reason) if further is None else Promote("canary", further, reason)
