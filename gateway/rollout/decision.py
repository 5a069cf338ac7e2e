"""Which upstream answers, and why. Pure: everything it depends on is passed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gateway.clock import Clock
from gateway.rollout.cohort import BUCKETS, Caller, cookie_value
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
    """The service of `plan` can't be asked now, and legacy must not be. The message says why, the answer is 503."""

    status = 503

    def __init__(self, plan: Plan, message: str) -> None:
        self.plan = plan
        super().__init__(message)


class Bucketed(NamedTuple):
    """Why a canary takes a caller in or leaves it out: its bucket, and how that was found. In words when asked for."""

    plan: Plan
    bucket: int
    how: str

    def __str__(self) -> str:
        threshold = self.plan.threshold
        side = "below" if self.bucket < threshold else "not below"
        return f"{_where(self.plan)}: bucket {self.bucket}, {self.how}, is {side} {threshold}"


class Decision(NamedTuple):
    """`upstream` answers because of `reason`; `route` is the one that was asked, if any.

    `plan` is that route's: the answer counts, and may fall back. `mirror`: the other upstream gets a copy. `ticket` is
    a cookie for the caller to keep.
    """

    upstream: str
    why: str | Bucketed
    route: str | None = None
    plan: Plan | None = None
    mirror: bool = False
    ticket: Ticket | None = None

    @property
    def reason(self) -> str:
        """Why, in words."""
        return str(self.why)

    @property
    def bucket(self) -> int | None:
        """The caller's bucket, where it was asked for."""
        return self.why.bucket if isinstance(self.why, Bucketed) else None


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
    return Choice(plan, fixed, fixed._replace(mirror=True) if fixed is not None else None)


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
        if health.doubtful and (refusal := health.refuses(circumstances.clock.monotonic())) is not None:
            if _may_stand_in(plan, facts, circumstances):
                return taken_over(decision, refusal)
            # Where nobody may, a service that has failed often is asked all the same: then even a few answers are
            # better than none. One that has too much to do is not.
            if health.full:
                raise Unavailable(plan, refusal)
    if plan.mirrored and facts.method in plan.mirror.methods and _sampled(plan.mirrored, circumstances):
        return choice.mirrored if decision is choice.fixed and choice.mirrored else decision._replace(mirror=True)
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
    return decision._replace(upstream=LEGACY, why=f"{decision.reason}, but {reason}", mirror=False, ticket=ticket)


# -- by cohort ----------------------------------------------------------------------------------


def _by_cohort(plan: Plan, facts: Facts, caller: Caller | None, circumstances: Circumstances) -> Decision:
    site = plan.site
    if plan.signed_header and (asked := facts.headers.get(site.header)) is not None:
        side = site.signer.side(plan.route, asked, circumstances.clock.time())
        if side is not None:
            return _at(plan, side, f"a signed header asks for {side}")
    if caller is None:
        return _at(plan, LEGACY, "the project could not be asked who the caller is")
    ticket = _ticket(plan, facts) if plan.pins else None  # else it is read only where nothing else tells who calls
    if ticket is not None and (pin := ticket.pins.get(plan.group)):
        return _at(plan, pin, f"the caller wrote to {pin} first")
    if (plan.staff and caller.staff) or (plan.groups and not plan.groups.isdisjoint(caller.groups)):
        decision = _at(plan, "service", f"the caller is always in, as {_always(plan, caller)}")
    else:
        decision = _in_or_out(plan, facts, caller, ticket, circumstances)
    if plan.pins and facts.method not in SAFE:
        ticket = decision.ticket or ticket or Ticket(circumstances.new_id())
        side = LEGACY if decision.upstream == LEGACY else "service"
        return decision._replace(ticket=ticket.pinned(plan.group, side))
    return decision


def _in_or_out(
    plan: Plan, facts: Facts, caller: Caller, ticket: Ticket | None, circumstances: Circumstances
) -> Decision:
    """By the bucket of the caller's sticky key. Who has none gets a ticket, where the project has a cookie for it."""
    new = None
    if plan.key.kind == "none":
        how, bucket = "drawn", int(circumstances.random() * BUCKETS)
    else:
        how, key = _sticky_key(plan, facts, caller)
        if key is None and plan.site.cookie:
            if not plan.pins:
                ticket = _ticket(plan, facts)
            if ticket is None:
                ticket = new = Ticket(circumstances.new_id())
            how, key = "by the gateway's cookie", b"ticket:" + ticket.id.encode()
        elif key is None:
            how, key = "by client address", b"client:" + facts.client.encode()
        bucket = plan.cohorts.bucket(key)
    upstream = plan.service if bucket < plan.threshold else LEGACY
    return Decision(upstream, Bucketed(plan, bucket, how), plan.route, plan, False, new)  # by name: 0.1 µs more


def _ticket(plan: Plan, facts: Facts) -> Ticket | None:
    """The one that the caller's cookie has, if it is ours."""
    site = plan.site
    cookies = facts.headers.get(b"cookie") if site.cookie else None
    return None if cookies is None else site.signer.ticket(cookie_value(cookies, site.cookie))


def _sticky_key(plan: Plan, facts: Facts, caller: Caller) -> tuple[str, bytes | None]:
    """What identifies the caller, and how it was found; None where the request has nothing of that kind."""
    headers, kind = facts.headers, plan.key.kind
    if kind == "client":
        return "by client address", b"client:" + facts.client.encode()
    if kind == "header":
        value = headers.get(plan.key.name)
        return plan.key.how, None if value is None else b"header:" + value
    if kind == "user":
        if caller.user is not None:
            return "by user", b"user:" + caller.user.encode()
        if (credentials := headers.get(b"authorization")) is not None:
            return "by credentials", b"credentials:" + credentials
    cookies = headers.get(b"cookie", b"")
    if kind == "cookie":
        value = cookie_value(cookies, plan.key.name)
        return plan.key.how, None if value is None else b"cookie:" + value
    session = cookie_value(cookies, plan.site.session_cookie)
    return "by session", None if session is None else b"session:" + session


def _where(plan: Plan) -> str:
    return f"route {plan.route!r} is in canary at {plan.state.weight:g} %"


def _at(plan: Plan, side: str, why: str) -> Decision:
    upstream = plan.service if side == "service" else LEGACY
    return Decision(upstream, f"{_where(plan)}, and {why}", plan.route, plan)


def _always(plan: Plan, caller: Caller) -> str:
    if plan.staff and caller.staff:
        return "staff"
    return f"one of group {min(plan.groups & caller.groups)}"
