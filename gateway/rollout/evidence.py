"""The evidence for a promotion. Pure: takes what was counted, returns what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

from gateway.rollout.guard import Judgement, Verdict
from gateway.rollout.stage import CANARY, LEGACY_STAGE, SHADOW, State
from gateway.wording import Message, joined, message, plural_message

__all__ = ["Evidence", "Replayed", "missing", "too_few"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """The last result of `gateway replay` under the present release of the service: the number of cases, of those with
    a breaking or critical difference, and the methods of those that legacy answered with a status below 400. A replay
    in which legacy refused every request proves nothing about what the service writes."""

    cases: int
    blocking: int
    accepted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a route since its last change, under the present release of its service.

    `verdict` is on all of its traffic since then, `current` on that of the guard's window. `open` is the number of open
    breaking and critical differences. `unmirrored`: its methods are not mirrored, and `methods` are those that a replay
    must prove, empty if any will do. `compared` is the number of compared responses of the release, at any stage, of
    which a canary needs `minimum`; `mirrored`: a canary's requests are mirrored, too. `replayed` is None if the release
    was never replayed.
    """

    verdict: Judgement
    current: Judgement
    open: int = 0
    unmirrored: bool = False
    methods: frozenset[str] = frozenset()
    compared: int = 0
    minimum: int = 0
    mirrored: bool = True
    replayed: Replayed | None = None


def missing(evidence: Evidence, state: State, to: State, route: str) -> tuple[str, ...]:
    """What is missing to promote a route from `state` to `to`, and how to get it, in words; empty if nothing is.
    Promotion to shadow needs no evidence: no caller gets the service's responses there."""
    if to.stage == SHADOW or to.height <= state.height:
        return ()
    return tuple(_missing(evidence, state, route))


def _missing(evidence: Evidence, state: State, route: str) -> Iterator[str]:
    if state.stage == LEGACY_STAGE:
        yield message(
            "nothing was compared: `gateway promote {route} --to shadow` compares, and no caller notices", route=route
        )
        return
    replayed = evidence.replayed
    if evidence.unmirrored and state.stage == SHADOW:
        if replayed is None or not replayed.cases:
            yield UNMIRRORED
        elif words := _unproved(evidence.methods, replayed):
            yield words
    elif evidence.verdict.verdict is not Verdict.HEALTHY:
        yield _not_healthy(evidence.verdict, route)
    elif evidence.current.verdict is Verdict.FAILING:
        yield message("failing now, {reasons}", reasons=joined(evidence.current.reasons))
    elif state.stage == CANARY and (words := _few(evidence)):
        yield words
    if replayed is not None and replayed.blocking:
        yield message(
            "{blocking} of {cases} cases differed in the last replay of this release: fix the service, and "
            "`gateway replay` again",
            blocking=replayed.blocking,
            cases=replayed.cases,
        )
    if evidence.open:
        yield plural_message(
            "{count} breaking difference is open: `gateway diffs {route}` shows what to fix, to accept or to resolve",
            "{count} breaking differences are open: `gateway diffs {route}` shows what to fix, to accept or to resolve",
            evidence.open,
            route=route,
        )


def _not_healthy(verdict: Judgement, route: str) -> Message:
    """What to do about a verdict that is failing or inconclusive."""
    reasons = joined(verdict.reasons)
    if verdict.verdict is Verdict.FAILING:
        return message("failing, {reasons}: fix the service, and restart the servers", reasons=reasons)
    return message(
        "inconclusive, {reasons}: wait for more requests; `gateway status {route}` counts them",
        reasons=reasons,
        route=route,
    )


def _unproved(methods: frozenset[str], replayed: Replayed) -> Message | None:
    """What the replay of a route of writes left out, in words."""
    unproved = sorted(methods - replayed.accepted)
    if unproved:
        first, *others = (message("no {method}", method=method) for method in unproved)
        return _not_accepted(
            reduce(lambda one, other: message("{one} and {other}", one=one, other=other), others, first)
        )
    return None if replayed.accepted else _not_accepted(message("no request"))


def _not_accepted(named: Message) -> Message:
    return message(
        "{named} of the last replay was one that legacy accepts: `gateway record` more, or `gateway replay --generate`",
        named=named,
    )


def _few(evidence: Evidence) -> Message | None:
    words = too_few(evidence.compared, evidence.minimum, mirrored=evidence.mirrored)
    if words is None or not evidence.mirrored:
        return words
    return message("{words}: wait for more, or raise `canary` in [routes.mirror]", words=words)


def too_few(compared: int, minimum: int, *, mirrored: bool) -> Message | None:
    """What is missing if fewer than `minimum` responses of a release were compared, in words. Without comparisons a
    canary is judged by errors and speed only; `mirrored`: some of its requests are compared."""
    if compared >= minimum:
        return None
    words = plural_message(
        "{count} answer of this release compared in the last two hours, {minimum} are needed",
        "{count} answers of this release compared in the last two hours, {minimum} are needed",
        compared,
        minimum=minimum,
    )
    if mirrored:
        return words
    return message("{words}, and nothing is compared in canary: set `canary` in [routes.mirror]", words=words)


UNMIRRORED = message(
    "it takes only writes, and no writes are mirrored: `methods` in [routes.mirror] names those that may be; or "
    "`gateway replay` asks both sides what was recorded"
)
