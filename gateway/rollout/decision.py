"""Which upstream answers, and why. Pure: everything it depends on is passed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

from gateway.clock import Clock
from gateway.rollout.cohort import Caller, cookie_value
from gateway.rollout.health import Health
from gateway.rollout.plan import Plan
from gateway.rollout.stage import LEGACY_STAGE, LIVE, RETIRED, SHADOW
from gateway.rollout.ticket import Ticket
from gateway.routing.facts import Facts
from gateway.routing.table import Match

__all__ = [
    "LEGACY",
    "NOBODY",
    "SAFE",
    "Choice",
    "Circumstances",
    "Decision",
    "Unavailable",
    "at_stage",
    "decide",
    "taken_over",
]

LEGACY = "legacy"
NOBODY = "-"  # in the place of an upstream's name where a request is refused; no service can be called that
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, section 9.2.1


class Unavailable(Exception):
    """The service can't be asked now, and legacy must not be. The message says why, the answer is 503."""

    status = 503


@dataclass(frozen=True, slots=True)
class Decision:
    """`upstream` answers because of `reason`; `route` is the one that was asked, if any.

    `plan` is that route's: the answer counts, and may fall back. `mirror`: the other
    upstream gets a copy. `ticket` is a cookie for the caller to keep. `bucket` is the caller's, where it was asked for.
    """

    upstream: str
    reason: str
    route: str | None = None
    plan: Plan | None = None
    mirror: bool = False
    ticket: Ticket | None = None
    bucket: int | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision depends on besides the request and the snapshot.

    `health` is that of each service. `random` gives numbers from 0 up to 1, `new_id` identifiers for visitors: 32
    hexadecimal digits. `known` says whether legacy has a path.
    """

    clock: Clock
    health: Mapping[str, Health]
    random: Callable[[], float]
    new_id: Callable[[], str]
    known: Callable[[str], bool | None]


UNCLAIMED = Decision(LEGACY, "no route claims this path")
OTHER_METHOD = Decision(LEGACY, "the path is claimed, but not for this method")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a route decides, made with the snapshot: `fixed` for all callers, or by cohort where it is None."""

    plan: Plan
    fixed: Decision | None
    mirrored: Decision | None


def at_stage(plan: Plan) -> Choice:
    """What a route with this plan decides for every request it claims."""
    route, stage = plan.route, plan.state.stage
    fixed = None
    if stage == LEGACY_STAGE:
        fixed = Decision(LEGACY, f"route {route!r} is at stage legacy", route, plan)
    elif stage == SHADOW:
        fixed = Decision(LEGACY, f"route {route!r} is at stage shadow", route, plan)
    elif stage in (LIVE, RETIRED):
        fixed = Decision(plan.service, f"route {route!r} is {stage}", route, plan)
    return Choice(plan, fixed, replace(fixed, mirror=True) if fixed is not None else None)


def decide(
    match: Match | None,
    choices: Mapping[str, Choice],
    facts: Facts,
    caller: Caller | None,
    circumstances: Circumstances,
) -> Decision:
    """The decision on a request. `caller` is None where the project could not be asked who it is.

    Raises Unavailable when the service must not be asked now and nobody may answer in its place.
    """
    if match is None:
        return UNCLAIMED
    if match.route is None:
        return OTHER_METHOD
    choice = choices[match.route]
    plan = choice.plan
    decision = choice.fixed or _by_cohort(plan, facts, caller, circumstances)
    if decision.upstream != LEGACY:
        health = circumstances.health[plan.service]
        if (refusal := health.refuses(circumstances.clock.monotonic())) is not None:
            if _may_stand_in(plan, facts, circumstances):
                return taken_over(decision, refusal)
            # Where nobody may, a service that has failed often is asked all the same: then even a few answers are
            # better than none. One that has too much to do is not.
            if health.full:
                raise Unavailable(refusal)
    if plan.mirrored and facts.method in plan.mirror.methods and _sampled(plan.mirrored, circumstances):
        return choice.mirrored if decision is choice.fixed and choice.mirrored else replace(decision, mirror=True)
    return decision


def _sampled(percent: float, circumstances: Circumstances) -> bool:
    return percent >= 100 or circumstances.random() * 100 < percent


def _may_stand_in(plan: Plan, facts: Facts, circumstances: Circumstances) -> bool:
    """Whether legacy may answer in the place of the service."""
    if plan.fallback is None or facts.method == "WEBSOCKET":
        return False
    return circumstances.known(facts.path) is not False


def taken_over(decision: Decision, reason: str) -> Decision:
    """`decision` for a service that can't answer, for `reason`: legacy does, and a caller's first write is there."""
    plan, ticket = decision.plan, decision.ticket
    if ticket is not None and plan is not None and plan.group in ticket.pins:
        ticket = ticket.pinned(plan.group, LEGACY)
    return replace(decision, upstream=LEGACY, reason=f"{decision.reason}, but {reason}", mirror=False, ticket=ticket)


# -- by cohort ----------------------------------------------------------------------------------


def _by_cohort(plan: Plan, facts: Facts, caller: Caller | None, circumstances: Circumstances) -> Decision:
    site = plan.site
    where = f"route {plan.route!r} is in canary at {plan.state.weight:g} %"
    asked = facts.headers.get(site.header) if plan.signed_header else None
    if asked is not None and (side := site.signer.side(plan.route, asked, circumstances.clock.time())):
        return _at(plan, side, f"{where}, and a signed header asks for {side}")
    if caller is None:
        return _at(plan, "legacy", f"{where}, and the project could not be asked who the caller is")
    cookies = facts.headers.get(b"cookie", b"")
    ticket = site.signer.ticket(cookie_value(cookies, site.cookie)) if site.cookie and cookies else None
    if plan.pins and ticket is not None and (side := ticket.pins.get(plan.group)):
        return _at(plan, side, f"{where}, and the caller wrote to {side} first")
    if (plan.staff and caller.staff) or not plan.groups.isdisjoint(caller.groups):
        decision = _at(plan, "service", f"{where}, and the caller is always in, as {_always(plan, caller)}")
    else:
        decision, ticket = _in_or_out(plan, where, facts, caller, ticket, circumstances)
    if plan.pins and facts.method not in SAFE:
        side = "legacy" if decision.upstream == LEGACY else "service"
        ticket = (ticket or Ticket(circumstances.new_id())).pinned(plan.group, side)
        return replace(decision, ticket=ticket)
    return decision


def _in_or_out(
    plan: Plan,
    where: str,
    facts: Facts,
    caller: Caller,
    ticket: Ticket | None,
    circumstances: Circumstances,
) -> tuple[Decision, Ticket | None]:
    """By the bucket of the caller's sticky key; and its ticket, which may be a new one."""
    if plan.key.kind == "none":
        drawn = int(circumstances.random() * 10_000)
        return _at(plan, *_compared(plan, where, drawn, "drawn"), drawn), ticket
    new = None
    kind, key = _sticky_key(plan, facts, caller)
    if key is None and plan.site.cookie:
        if ticket is None:
            ticket = new = Ticket(circumstances.new_id())
        kind, key = "cookie of the gateway", b"ticket:" + ticket.id.encode()
    elif key is None:
        kind, key = "client address", b"client:" + facts.client.encode()
    bucket = plan.cohorts.bucket(key)
    decision = _at(plan, *_compared(plan, where, bucket, f"by {kind}"), bucket)
    return (replace(decision, ticket=new) if new else decision), ticket


def _sticky_key(plan: Plan, facts: Facts, caller: Caller) -> tuple[str, bytes | None]:
    """What identifies the caller, and of what kind that is; None where the request has nothing of that kind."""
    headers, kind, name = facts.headers, plan.key.kind, plan.key.name
    if kind == "client":
        return "client address", b"client:" + facts.client.encode()
    if kind == "header":
        value = headers.get(name)
        return f"header {name.decode()}", None if value is None else b"header:" + value
    cookies = headers.get(b"cookie", b"")
    if kind == "cookie":
        value = cookie_value(cookies, name)
        return f"cookie {name.decode()}", None if value is None else b"cookie:" + value
    if kind == "user":
        if caller.user is not None:
            return "user", b"user:" + caller.user.encode()
        if (credentials := headers.get(b"authorization")) is not None:
            return "credentials", b"credentials:" + blake2b(credentials, digest_size=16).digest()
    session = cookie_value(cookies, plan.site.session_cookie)
    return "session", None if session is None else b"session:" + session


def _compared(plan: Plan, where: str, bucket: int, how: str) -> tuple[str, str]:
    if bucket < plan.threshold:
        return "service", f"{where}: bucket {bucket}, {how}, is below {plan.threshold}"
    return "legacy", f"{where}: bucket {bucket}, {how}, is not below {plan.threshold}"


def _at(plan: Plan, side: str, reason: str, bucket: int | None = None) -> Decision:
    upstream = plan.service if side == "service" else LEGACY
    return Decision(upstream, reason, plan.route, plan, bucket=bucket)


def _always(plan: Plan, caller: Caller) -> str:
    shared = sorted(plan.groups & caller.groups)
    return "staff" if plan.staff and caller.staff else f"one of group {shared[0]}"
