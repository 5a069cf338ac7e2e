"""Decides which upstream answers a request. Pure: everything it depends on is passed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gateway.clock import Clock
from gateway.rollout.affinity import AffinityCookie
from gateway.rollout.breaker import CircuitBreaker
from gateway.rollout.cohort import BUCKETS, Caller, cookie_value
from gateway.rollout.policy import RoutePolicy
from gateway.rollout.stage import LEGACY_STAGE, LIVE, RETIRED, SHADOW
from gateway.routing.request import RequestInfo
from gateway.routing.table import Match
from gateway.wording import Message, message

__all__ = [
    "LEGACY",
    "NOBODY",
    "PROBED",
    "SAFE",
    "CompiledRoute",
    "Decision",
    "DecisionContext",
    "ForStaff",
    "Unavailable",
    "compile_route",
    "decide",
    "decide_page",
    "with_fallback",
]

LEGACY = "legacy"
# Instead of an upstream's name where the gateway itself answers: it refuses, or has the page. No valid service name.
NOBODY = "-"
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, section 9.2.1


class Unavailable(Exception):
    """The service of `policy` can't be called now, and legacy must not be. The message says why; the status is 503."""

    status = 503

    def __init__(self, policy: RoutePolicy, message: str) -> None:
        self.policy = policy
        super().__init__(message)


class ForStaff(Exception):
    """The decision on a page of the gateway's own depends on the caller: `decide_page` makes it.

    An exception, so that no other request is slowed down by the question whether it is for one.
    """

    def __init__(self, info: RequestInfo, match: Match) -> None:
        self.info = info
        self.match = match
        super().__init__(match.template)


class Bucketed(NamedTuple):
    """Why a canary includes or excludes a caller: its bucket, and how that was found. In words on demand."""

    policy: RoutePolicy
    bucket: int
    how: Message

    @property
    def message(self) -> Message:
        """It, in words."""
        threshold = self.policy.threshold
        values = {"where": _where(self.policy), "bucket": self.bucket, "how": self.how, "threshold": threshold}
        if self.bucket < threshold:
            return message("{where}: bucket {bucket}, {how}, is below {threshold}", **values)
        return message("{where}: bucket {bucket}, {how}, is not below {threshold}", **values)


class Placed(NamedTuple):
    """Why a canary includes or excludes a caller, whatever the bucket: `why` says it of `value`, on demand."""

    policy: RoutePolicy
    why: Callable[[str], Message]
    value: str

    @property
    def message(self) -> Message:
        """It, in words."""
        return message("{where}, and {why}", where=_where(self.policy), why=self.why(self.value))


class Diverted(NamedTuple):
    """Why legacy answers instead of a service: what the decision was, and why that can't be. In words on demand."""

    decided: Why
    refusal: str

    @property
    def message(self) -> Message:
        """It, in words."""
        return message("{decided}, but {refusal}", decided=_said(self.decided), refusal=self.refusal)


Why = str | Bucketed | Placed | Diverted


def _said(why: Why) -> str:
    return why if isinstance(why, str) else why.message


class Decision(NamedTuple):
    """`upstream` answers, because of `reason`; `route` is the route that claims the request, if any.

    `policy` is the route's policy, set if a service answers: the outcome counts for it, and legacy may be the
    fallback. `mirror`: the other upstream gets a copy. `cookie` is an affinity cookie to be set for the caller.
    """

    upstream: str
    why: Why
    route: str | None = None
    policy: RoutePolicy | None = None
    mirror: bool = False
    cookie: AffinityCookie | None = None

    @property
    def reason(self) -> str:
        """The reason, in words."""
        return _said(self.why)

    @property
    def bucket(self) -> int | None:
        """The caller's bucket, if the decision used it."""
        return self.why.bucket if isinstance(self.why, Bucketed) else None


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """What a decision depends on besides the request and the snapshot.

    `breakers` has the circuit breaker of each service. `random` returns numbers in [0, 1), `new_id` IDs for visitors:
    32 hexadecimal digits. `known` says whether legacy has a path.
    """

    clock: Clock
    breakers: Mapping[str, CircuitBreaker]
    random: Callable[[], float]
    new_id: Callable[[], str]
    known: Callable[[str], bool | None]


UNCLAIMED = Decision(LEGACY, message("no route claims this path"))
OTHER_METHOD = Decision(LEGACY, message("the path is claimed, but not for this method"))
OWN_PAGE = Decision(NOBODY, message("a page of the gateway's own"))
PROBED = Decision(NOBODY, message("a page of the gateway's own, for probes"))
NOT_STAFF = Decision(LEGACY, message("the gateway's own page on this path is for staff only"))


@dataclass(frozen=True, slots=True)
class CompiledRoute:
    """The decision of a route, compiled with the snapshot: `fixed` for all callers, or by cohort if that is None."""

    policy: RoutePolicy
    fixed: Decision | None
    mirrored: Decision | None


def compile_route(policy: RoutePolicy) -> CompiledRoute:
    """Compile the decision of a route with this policy, for every request that it claims."""
    route, stage = policy.route, policy.state.stage
    fixed = None
    if stage in (LEGACY_STAGE, SHADOW):
        why = message("route {route!r} is at stage {stage}", route=route, stage=stage)
        fixed = Decision(LEGACY, why, route, policy)
    elif stage in (LIVE, RETIRED):
        why = message("route {route!r} is {stage}", route=route, stage=stage)
        fixed = Decision(policy.service, why, route, policy)
    return CompiledRoute(policy, fixed, fixed._replace(mirror=True) if fixed is not None else None)


def decide(
    match: Match | None,
    compiled: Mapping[str, CompiledRoute],
    info: RequestInfo,
    caller: Caller | None,
    context: DecisionContext,
) -> Decision:
    """The decision on a request. `caller` is None if the project could not determine it.

    Raises Unavailable when the service must not be called now and legacy must not answer instead, and ForStaff for a
    page of the gateway's own that is not public.
    """
    if match is None:
        return UNCLAIMED
    if match.route is None:
        if match.audience == "staff":
            raise ForStaff(info, match)
        return OTHER_METHOD if match.audience is None else PROBED if match.audience == "probe" else OWN_PAGE
    route = compiled[match.route]
    policy = route.policy
    decision = route.fixed or _by_cohort(policy, info, caller, context)
    if decision.upstream != LEGACY:
        breaker = context.breakers[policy.service]
        if breaker.may_reject and (refusal := breaker.refuses(context.clock.monotonic())) is not None:
            if _may_stand_in(policy, info, context):
                return with_fallback(decision, refusal)
            # Without a fallback, a service whose breaker is open is called all the same: a few successes are better
            # than none. One that is overloaded is not.
            if breaker.full:
                raise Unavailable(policy, refusal)
    if policy.mirrored and info.method in policy.mirror.methods and _sampled(policy.mirrored, context):
        return route.mirrored if decision is route.fixed and route.mirrored else decision._replace(mirror=True)
    return decision


def decide_page(caller: Caller | None) -> Decision:
    """The decision on a page for staff: for all others it isn't there, and legacy answers as it always did."""
    return OWN_PAGE if caller is not None and caller.staff else NOT_STAFF


def _sampled(percent: float, context: DecisionContext) -> bool:
    return percent >= 100 or context.random() * 100 < percent


def _may_stand_in(policy: RoutePolicy, info: RequestInfo, context: DecisionContext) -> bool:
    """Whether legacy may answer instead of the service."""
    if policy.fallback is None or info.method == "WEBSOCKET":
        return False
    return context.known(info.path) is not False


def with_fallback(decision: Decision, reason: str) -> Decision:
    """`decision` for a service that can't be called, for `reason`: legacy answers, and gets a caller's first write."""
    policy, cookie = decision.policy, decision.cookie
    if cookie is not None and policy is not None and policy.group in cookie.pins:
        cookie = cookie.pinned(policy.group, LEGACY)
    return decision._replace(upstream=LEGACY, why=Diverted(decision.why, reason), mirror=False, cookie=cookie)


# -- by cohort ----------------------------------------------------------------------------------


def _by_cohort(policy: RoutePolicy, info: RequestInfo, caller: Caller | None, context: DecisionContext) -> Decision:
    site = policy.site
    if policy.signed_header and (asked := info.headers.get(site.header)) is not None:
        side = site.signer.side(policy.route, asked, context.clock.time())
        if side is not None:
            return _at(policy, side, _asked_for, side)
    if caller is None:
        return _at(policy, LEGACY, _unknown, "")
    cookie = (
        _affinity_cookie(policy, info) if policy.pins else None
    )  # otherwise it is read only if nothing else identifies the caller
    if cookie is not None and (pin := cookie.pins.get(policy.group)):
        return _at(policy, pin, _written_to, pin)
    if policy.staff and caller.staff:
        decision = _at(policy, "service", _staff, "")
    elif policy.groups and not policy.groups.isdisjoint(caller.groups):
        decision = _at(policy, "service", _in_group, min(policy.groups & caller.groups))
    else:
        decision = _in_or_out(policy, info, caller, cookie, context)
    if policy.pins and info.method not in SAFE:
        cookie = decision.cookie or cookie or AffinityCookie(context.new_id())
        side = LEGACY if decision.upstream == LEGACY else "service"
        return decision._replace(cookie=cookie.pinned(policy.group, side))
    return decision


def _in_or_out(
    policy: RoutePolicy,
    info: RequestInfo,
    caller: Caller,
    cookie: AffinityCookie | None,
    context: DecisionContext,
) -> Decision:
    """Decide by the bucket of the caller's sticky key. A caller without one gets an affinity cookie, if they are
    enabled."""
    new = None
    if policy.key.kind == "none":
        how, bucket = DRAWN, int(context.random() * BUCKETS)
    else:
        how, key = _sticky_key(policy, info, caller)
        if key is None and policy.site.cookie:
            if not policy.pins:
                cookie = _affinity_cookie(policy, info)
            if cookie is None:
                cookie = new = AffinityCookie(context.new_id())
            how, key = BY_OUR_COOKIE, b"ticket:" + cookie.id.encode()
        elif key is None:
            how, key = BY_CLIENT, b"client:" + info.client.encode()
        bucket = policy.cohorts.bucket(key)
    upstream = policy.service if bucket < policy.threshold else LEGACY
    return Decision(upstream, Bucketed(policy, bucket, how), policy.route, policy, False, new)  # by name: 0.1 µs more


def _affinity_cookie(policy: RoutePolicy, info: RequestInfo) -> AffinityCookie | None:
    """The affinity cookie of the request, if its signature is valid."""
    site = policy.site
    cookies = info.headers.get(b"cookie") if site.cookie else None
    return None if cookies is None else site.signer.load_cookie(cookie_value(cookies, site.cookie))


def _sticky_key(policy: RoutePolicy, info: RequestInfo, caller: Caller) -> tuple[Message, bytes | None]:
    """What identifies the caller, and how it was found; None if the request has nothing of that kind."""
    headers, kind = info.headers, policy.key.kind
    if kind == "client":
        return BY_CLIENT, b"client:" + info.client.encode()
    if kind == "header":
        value = headers.get(policy.key.name)
        return policy.key.how, None if value is None else b"header:" + value
    if kind == "user":
        if caller.user is not None:
            return BY_USER, b"user:" + caller.user.encode()
        if (credentials := headers.get(b"authorization")) is not None:
            return BY_CREDENTIALS, b"credentials:" + credentials
    cookies = headers.get(b"cookie", b"")
    if kind == "cookie":
        value = cookie_value(cookies, policy.key.name)
        return policy.key.how, None if value is None else b"cookie:" + value
    session = cookie_value(cookies, policy.site.session_cookie)
    return BY_SESSION, None if session is None else b"session:" + session


def _at(policy: RoutePolicy, side: str, why: Callable[[str], Message], value: str) -> Decision:
    upstream = policy.service if side == "service" else LEGACY
    return Decision(upstream, Placed(policy, why, value), policy.route, policy)


# -- in words -----------------------------------------------------------------------------------

DRAWN = message("drawn")
BY_CLIENT = message("by client address")
BY_CREDENTIALS = message("by credentials")
BY_OUR_COOKIE = message("by the gateway's cookie")
BY_SESSION = message("by session")
BY_USER = message("by user")


def _where(policy: RoutePolicy) -> Message:
    return message("route {route!r} is in canary at {weight:g} %", route=policy.route, weight=policy.state.weight)


def _asked_for(side: str) -> Message:
    return message("a signed header asks for {side}", side=side)


def _written_to(side: str) -> Message:
    return message("the caller wrote to {side} first", side=side)


def _in_group(group: str) -> Message:
    return message("the caller is always in, as one of group {group}", group=group)


def _staff(_: str) -> Message:
    return message("the caller is always in, as staff")


def _unknown(_: str) -> Message:
    return message("the project could not be asked who the caller is")
