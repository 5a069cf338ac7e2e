"""What a promotion rests on. Pure: what was seen in, what is missing out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.rollout.guard import Judgement, Verdict
from gateway.rollout.stage import CANARY, LEGACY_STAGE, SHADOW, State

__all__ = ["Evidence", "Replayed", "missing", "too_few"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What `gateway replay` found last, under the present release of the service: how many cases it compared, how many
    of them had a breaking or critical difference, and the methods of those that legacy answered with a status below
    400. A replay in which legacy refused every request says nothing about what the service writes."""

    cases: int
    blocking: int
    accepted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a route since it stands where it does, under the present release of its service.

    `verdict` is on all of its traffic since then, `current` on that of the guard's window. `open` is how many breaking
    and critical differences are open. `unmirrored`: it takes only methods that are not mirrored, and `methods` are
    those that a replay has to prove, empty where it may be any. `compared` is how many answers of the release were
    compared, at whatever stage, of which a canary needs `minimum`; `mirrored`: some of its requests are mirrored in
    canary. `replayed` is None where the release was never replayed.
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
    """What keeps a route at `state` from being promoted `to` another, and how to get it, in words; nothing where the
    evidence is there. To be compared needs no evidence: nobody gets an answer of the service's."""
    if to.stage == SHADOW or to.height <= state.height:
        return ()
    return tuple(_missing(evidence, state, route))


def _missing(evidence: Evidence, state: State, route: str) -> Iterator[str]:
    if state.stage == LEGACY_STAGE:
        yield f"nothing was compared: `gateway promote {route} --to shadow` compares, and no caller notices"
        return
    replayed = evidence.replayed
    if evidence.unmirrored and state.stage == SHADOW:
        if replayed is None or not replayed.cases:
            yield UNMIRRORED
        elif words := _unproved(evidence.methods, replayed):
            yield words
    elif evidence.verdict.verdict is not Verdict.HEALTHY:
        how = _HOW[evidence.verdict.verdict].format(route=route)
        yield f"{evidence.verdict.verdict.value}, {'; '.join(evidence.verdict.reasons)}: {how}"
    elif evidence.current.verdict is Verdict.FAILING:
        yield f"failing now, {'; '.join(evidence.current.reasons)}"
    elif state.stage == CANARY and (words := _few(evidence)):
        yield words
    if replayed is not None and replayed.blocking:
        count = f"{replayed.blocking} of {replayed.cases} cases"
        yield f"{count} differed in the last replay of this release: mend the service, and `gateway replay` again"
    if evidence.open:
        count = "1 breaking difference is" if evidence.open == 1 else f"{evidence.open} breaking differences are"
        yield f"{count} open: `gateway diffs {route}` shows what to mend, to accept or to resolve"


def _unproved(methods: frozenset[str], replayed: Replayed) -> str | None:
    """What the replay of a route of writes left out, in words."""
    unproved = sorted(methods - replayed.accepted)
    if not unproved and replayed.accepted:
        return None
    named = f"no {' and no '.join(unproved)}" if unproved else "no request"
    return (
        f"{named} of the last replay was one that legacy accepts: `gateway record` more, or `gateway replay --generate`"
    )


def _few(evidence: Evidence) -> str | None:
    words = too_few(evidence.compared, evidence.minimum, mirrored=evidence.mirrored)
    if words is None or not evidence.mirrored:
        return words
    return f"{words}: wait for more, or raise `canary` in [routes.mirror]"


def too_few(compared: int, minimum: int, *, mirrored: bool) -> str | None:
    """What is missing where fewer than `minimum` answers of a release were compared, in words. A canary that nobody
    compares is healthy by its errors and its speed, whatever it answers; `mirrored`: some of it is compared."""
    if compared >= minimum:
        return None
    answers = "1 answer" if compared == 1 else f"{compared} answers"
    words = f"{answers} of this release compared in the last two hours, {minimum} are needed"
    return words if mirrored else f"{words}, and nothing is compared in canary: set `canary` in [routes.mirror]"


UNMIRRORED = (
    "it takes only writes, and no writes are mirrored: `methods` in [routes.mirror] names those that may be; or "
    "`gateway replay` asks both sides what was recorded"
)
_HOW = {
    Verdict.FAILING: "mend the service, and restart the servers",
    Verdict.INCONCLUSIVE: "wait for more requests; `gateway status {route}` counts them",
}
