"""How sure it is that one side fails more often than the other, and not by chance."""

from __future__ import annotations

from math import inf, log

from gateway.stats.tally import Tally

__all__ = ["beyond_doubt", "excess", "excess_over"]

HALVINGS = 60  # a float has 53 bits


def beyond_doubt(evidence: float, chance: float) -> bool:
    """Whether evidence so strong comes about by chance less often than `chance` (0.01: once in a hundred)."""
    return evidence > -log(chance)


def excess(failed: float, of: float, allowed: float) -> float:
    """The evidence that `failed` of `of` is more than the share `allowed`, known beforehand, in nats; 0 is none.

    By Chernoff's bound (1952) a share of at most `allowed` shows so many failures with probability e^-evidence at most.
    It holds for every number of requests, which Wilson's interval does not: there, one failure in one request would be
    proof enough of a rate above 10 %.
    """
    share = failed / of if of else 0.0
    return of * _divergence(share, allowed) if share > allowed else 0.0


def excess_over(service: Tally, legacy: Tally, delta: float) -> float:
    """The evidence that the service's error rate is more than `delta` above legacy's, where legacy's is uncertain too.

    What both sides showed is weighed against the likeliest pair of rates that is within `delta`: a generalised
    likelihood ratio. Without any request to legacy it is `excess` over `delta` alone.
    """
    if legacy.requests == 0:
        return excess(service.errors, service.requests, delta)
    lower, upper = legacy.error_rate, service.error_rate - delta
    if upper <= lower:
        return 0.0
    for _ in range(HALVINGS):  # for legacy's rate: the sum is convex in it, so its slope changes sign once
        rate = (lower + upper) / 2
        if _slope(service, rate + delta) + _slope(legacy, rate) < 0:
            lower = rate
        else:
            upper = rate
    of_service = service.requests * _divergence(service.error_rate, lower + delta)
    return of_service + legacy.requests * _divergence(legacy.error_rate, lower)


def _slope(side: Tally, rate: float) -> float:
    """How the side's evidence against `rate` grows with it."""
    off = rate - side.error_rate
    return side.requests * off / (rate * (1 - rate)) if off else 0.0


def _divergence(share: float, rate: float) -> float:
    """Kullback and Leibler's, of a coin that showed `share` from one of `rate`, in nats for each throw."""
    return _term(share, rate) + _term(1 - share, 1 - rate)


def _term(share: float, rate: float) -> float:
    if share <= 0:
        return 0.0
    return share * log(share / rate) if rate > 0 else inf
