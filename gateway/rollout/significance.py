"""The statistical significance of one side failing more often than the other."""

from __future__ import annotations

from math import inf, log

from gateway.stats.tally import Tally

__all__ = ["beyond_doubt", "excess", "excess_over"]

HALVINGS = 60  # a float has 53 bits


def beyond_doubt(evidence: float, chance: float) -> bool:
    """Whether evidence this strong arises by chance less often than `chance` (0.01: once in a hundred)."""
    return evidence > -log(chance)


def excess(failed: float, of: float, allowed: float) -> float:
    """The evidence, in nats, that `failed` of `of` is more than the share `allowed`, known beforehand; 0 is none.

    By Chernoff's bound (1952) a share of at most `allowed` gives so many failures with a probability of at most
    e^-evidence. That holds for every number of requests, unlike Wilson's interval, by which one failure in one request
    would prove a rate above 10 %.
    """
    share = failed / of if of else 0.0
    return of * _divergence(share, allowed) if share > allowed else 0.0


def excess_over(service: Tally, legacy: Tally, delta: float) -> float:
    """The evidence that the service's error rate is more than `delta` above legacy's, where legacy's is uncertain too.

    A generalised likelihood ratio: what both sides showed against the likeliest pair of rates within `delta`. Without
    any request to legacy it is `excess` over `delta`.
    """
    if legacy.requests == 0:
        return excess(service.errors, service.requests, delta)
    lower, upper = legacy.error_rate, service.error_rate - delta
    if upper <= lower:
        return 0.0
    for _ in range(HALVINGS):  # bisection for legacy's rate: the sum is convex in it, so its slope changes sign once
        rate = (lower + upper) / 2
        if _slope(service, rate + delta) + _slope(legacy, rate) < 0:
            lower = rate
        else:
            upper = rate
    of_service = service.requests * _divergence(service.error_rate, lower + delta)
    return of_service + legacy.requests * _divergence(legacy.error_rate, lower)


def _slope(side: Tally, rate: float) -> float:
    """The derivative of the side's evidence against `rate`."""
    off = rate - side.error_rate
    return side.requests * off / (rate * (1 - rate)) if off else 0.0


def _divergence(share: float, rate: float) -> float:
    """The Kullback–Leibler divergence of a coin that showed `share` from one of `rate`, in nats per throw."""
    return _term(share, rate) + _term(1 - share, 1 - rate)


def _term(share: float, rate: float) -> float:
    if share <= 0:
        return 0.0
    return share * log(share / rate) if rate > 0 else inf
