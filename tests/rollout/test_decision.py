"""Which upstream answers, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.routes import RouteConfig
from gateway.rollout.affinity import AffinityCookie, Signer
from gateway.rollout.breaker import CircuitBreaker
from gateway.rollout.cohort import NOBODY_KNOWN, Caller
from gateway.rollout.decision import (
    LEGACY,
    NOBODY,
    Decision,
    DecisionContext,
    ForStaff,
    Unavailable,
    compile_route,
    decide,
    decide_page,
)
from gateway.rollout.policy import AffinitySettings, compile_policy, declared_state
from gateway.rollout.stage import State
from gateway.routing.request import RequestInfo, read_request
from gateway.routing.table import PARTIAL, Match
from tests.support.asgi import scope

SIGNER = Signer(["secret"])
SITE = AffinitySettings(SIGNER)
WITH_COOKIE = AffinitySettings(SIGNER, cookie=b"gateway")
VISITOR = "0123456789abcdef" * 2
MATCH = Match("items")


class Still:
    """A clock that stands."""

    def monotonic(self) -> float:
        return 100.0

    def time(self) -> float:
        return 1000.0


class Sick(CircuitBreaker):
    """A service that should not be asked."""

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self.may_reject = True

    def refuses(self, now: float) -> str | None:
        return "service 'catalog' rests"


def context(
    *, breaker: CircuitBreaker | None = None, random: float = 0.5, known: Callable[[str], bool | None] = lambda _: True
) -> DecisionContext:
    return DecisionContext(
        Still(), {"catalog": breaker or CircuitBreaker("catalog")}, lambda: random, lambda: VISITOR, known
    )


def info(method: str = "GET", *, client: str = "192.0.2.1", **headers: str) -> RequestInfo:
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_request(scope("/items/", method, headers=lines, client=(client, 1)), "", None)


def route(**keys: Any) -> RouteConfig:
    return RouteConfig.model_validate({"name": "items", "prefix": "/items", "service": "catalog"} | keys)


def decided(
    asked: RequestInfo | None = None,
    *,
    caller: Caller | None = NOBODY_KNOWN,
    site: AffinitySettings = SITE,
    around: DecisionContext | None = None,
    state: State | None = None,
    **keys: Any,
) -> Decision:
    """What a route decides that stands at `state`, or where `keys`, which are its table, say."""
    config = route(**keys)
    made = compile_route(compile_policy(config, state or declared_state(config), site))
    return decide(MATCH, {"items": made}, asked or info(), caller, around or context())


def canary(weight: float, asked: RequestInfo | None = None, **more: Any) -> Decision:
    return decided(asked, stage="canary", weight=weight, **more)


# -- by stage -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "reason"),
    [(None, "no route claims this path"), (PARTIAL, "the path is claimed, but not for this method")],
)
def test_what_no_route_claims_is_legacys(match, reason):
    found = decide(match, {}, info(), NOBODY_KNOWN, context())
    assert (found.upstream, found.route, found.reason) == (LEGACY, None, reason)


@pytest.mark.parametrize(
    ("stage", "upstream", "mirror", "reason"),
    [
        ("legacy", LEGACY, False, "route 'items' is at stage legacy"),
        ("shadow", LEGACY, True, "route 'items' is at stage shadow"),
        ("live", "catalog", False, "route 'items' is live"),
        ("retired", "catalog", False, "route 'items' is retired"),
    ],
)
def test_a_stage_says_who_answers_and_who_gets_mirrors(stage, upstream, mirror, reason):
    found = decided(stage=stage)
    assert (found.upstream, found.mirror, found.route, found.reason) == (upstream, mirror, "items", reason)


def test_the_same_match_gets_the_same_decision():
    compiled = {"items": compile_route(compile_policy(route(), State("live"), SITE))}
    first, second = (decide(MATCH, compiled, info(), NOBODY_KNOWN, context()) for _ in range(2))
    assert first is second


@pytest.mark.parametrize(("stage", "key"), [("shadow", "shadow"), ("canary", "canary"), ("live", "live")])
def test_mirrors_are_sampled_by_the_percentage_of_the_stage(stage, key):
    drawn = [0.0, 0.299, 0.3, 0.9]
    found = [decided(stage=stage, mirror={key: 30}, around=context(random=number)).mirror for number in drawn]
    assert found == [True, True, False, False]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_safe_methods_are_mirrored_unless_the_route_says_otherwise(method):
    assert not decided(info(method), stage="shadow").mirror
    assert decided(info(method), stage="shadow", mirror={"methods": [method]}).mirror


def test_a_retired_route_is_mirrored_nowhere():
    assert not decided(stage="retired", mirror={"live": 100}).mirror


# -- by cohort ----------------------------------------------------------------------------------


def test_a_canary_says_the_bucket_and_what_it_was_compared_with():
    found = canary(30, info(), caller=Caller("7"))
    assert found.bucket is not None
    side = "below" if found.bucket < 3000 else "not below"
    assert found.reason == f"route 'items' is in canary at 30 %: bucket {found.bucket}, by user, is {side} 3000"


@pytest.mark.parametrize(
    ("key", "asked", "caller", "how"),
    [
        ("user", {"authorization": "Token t", "cookie": "sessionid=s"}, Caller("7"), "user"),
        ("user", {"authorization": "Token t", "cookie": "sessionid=s"}, NOBODY_KNOWN, "credentials"),
        ("user", {"cookie": "sessionid=s"}, NOBODY_KNOWN, "session"),
        ("user", {}, NOBODY_KNOWN, "client address"),
        ("session", {"cookie": "sessionid=s"}, Caller("7"), "session"),
        ("session", {}, NOBODY_KNOWN, "client address"),
        ("header:X-Tenant", {"x-tenant": "a"}, NOBODY_KNOWN, "header x-tenant"),
        ("header:X-Tenant", {}, NOBODY_KNOWN, "client address"),
        ("cookie:Tenant", {"cookie": "Tenant=a"}, NOBODY_KNOWN, "cookie Tenant"),
        ("cookie:Tenant", {"cookie": "tenant=a"}, NOBODY_KNOWN, "client address"),
        ("client", {"cookie": "sessionid=s"}, Caller("7"), "client address"),
    ],
)
def test_a_sticky_key_falls_back_to_what_the_request_has(key, asked, caller, how):
    assert f", by {how}, is" in canary(30, info(**asked), caller=caller, key=key).reason


def test_without_a_key_every_request_is_drawn_anew():
    found = [canary(30, key="none", around=context(random=number)).upstream for number in (0.0, 0.2999, 0.3)]
    assert found == ["catalog", "catalog", LEGACY]


@pytest.mark.parametrize("key", ["user", "session", "client", "header:X-Tenant"])
def test_the_same_caller_stays_on_its_side(key):
    asked = info(cookie="sessionid=abc", x_tenant="a")
    found = {canary(50, asked, caller=Caller("7"), key=key, around=context(random=n / 9)).upstream for n in range(9)}
    assert len(found) == 1


@given(st.text(min_size=1, max_size=20), st.integers(0, 10_000), st.integers(0, 10_000))
def test_raising_the_weight_only_adds_callers(user, one, other):
    lower, higher = sorted((one / 100, other / 100))
    if canary(lower, caller=Caller(user)).upstream == "catalog":
        assert canary(higher, caller=Caller(user)).upstream == "catalog"


@given(st.text(min_size=1, max_size=20))
def test_at_nothing_nobody_is_in_and_at_a_hundred_everybody(user):
    assert canary(0, caller=Caller(user)).upstream == LEGACY
    assert canary(100, caller=Caller(user)).upstream == "catalog"


@given(st.text(min_size=1, max_size=20), st.integers(0, 10_000))
def test_routes_of_a_group_flip_together(user, weight):
    one = canary(weight / 100, caller=Caller(user), group="shop")
    other = canary(weight / 100, caller=Caller(user), group="shop", name="cart")
    assert (one.upstream, one.bucket) == (other.upstream, other.bucket)


def test_where_the_project_can_not_be_asked_legacy_answers():
    found = canary(100, caller=None)
    assert (found.upstream, found.bucket) == (LEGACY, None)
    assert "could not be asked who the caller is" in found.reason


# -- always in, and asked for -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("always", "caller", "upstream"),
    [
        (["staff"], Caller("7", staff=True), "catalog"),
        (["staff"], Caller("7"), LEGACY),
        (["group:beta"], Caller("7", groups=frozenset({"beta", "other"})), "catalog"),
        (["group:beta"], Caller("7", groups=frozenset({"other"})), LEGACY),
        ([], Caller("7", staff=True, groups=frozenset({"beta"})), LEGACY),
    ],
)
def test_staff_and_groups_are_always_in_where_the_route_says_so(always, caller, upstream):
    assert canary(0, caller=caller, always=always).upstream == upstream


@pytest.mark.parametrize(("weight", "side", "upstream"), [(0, "service", "catalog"), (100, "legacy", LEGACY)])
def test_a_signed_header_chooses_a_side(weight, side, upstream):
    asked = info(x_gateway_upstream=SIGNER.signed_side("items", side, 2000))
    assert canary(weight, asked, always=["signed-header"]).upstream == upstream
    assert canary(weight, asked).upstream != upstream  # unless the route allows it


@pytest.mark.parametrize(
    "value",
    [
        "service",
        "service.2000",
        SIGNER.signed_side("items", "service", 999),
        SIGNER.signed_side("cart", "service", 2000),
    ],
)
def test_an_unsigned_expired_or_borrowed_header_chooses_nothing(value):
    found = canary(0, info(x_gateway_upstream=value), always=["signed-header"])
    assert (found.upstream, "signed header" in found.reason) == (LEGACY, False)


# -- the gateway's own cookie -------------------------------------------------------------------


def test_a_first_visit_gets_a_cookie_only_where_the_project_has_one():
    assert canary(50).cookie is None
    assert canary(50, site=WITH_COOKIE).cookie == AffinityCookie(VISITOR)


def test_a_visitor_that_came_back_is_known_by_its_cookie_and_gets_no_other():
    asked = info(cookie=f"gateway={SIGNER.dump_cookie(AffinityCookie(VISITOR)).decode()}")
    first, again = canary(50, site=WITH_COOKIE), canary(50, asked, site=WITH_COOKIE)
    assert (again.bucket, again.upstream, again.cookie) == (first.bucket, first.upstream, None)


def test_a_cookie_that_somebody_wrote_is_none():
    assert canary(50, info(cookie=f"gateway={VISITOR}"), site=WITH_COOKIE).cookie == AffinityCookie(VISITOR)


@pytest.mark.parametrize("caller", [Caller("7"), NOBODY_KNOWN])
def test_who_is_told_apart_otherwise_needs_no_cookie(caller):
    assert canary(50, info(cookie="sessionid=s"), caller=caller, site=WITH_COOKIE).cookie is None


# -- pinned by the first write ------------------------------------------------------------------


def pinned(side: str) -> dict[str, str]:
    return {"cookie": f"gateway={SIGNER.dump_cookie(AffinityCookie(VISITOR, {'items': side})).decode()}"}


@pytest.mark.parametrize(("weight", "side"), [(0, "legacy"), (100, "service")])
def test_a_first_write_pins_the_caller_to_its_side(weight, side):
    found = canary(weight, info("POST"), caller=Caller("7"), site=WITH_COOKIE, pin="first-write")
    assert found.cookie == AffinityCookie(VISITOR, {"items": side})


@pytest.mark.parametrize(("weight", "side", "upstream"), [(100, "legacy", LEGACY), (0, "service", "catalog")])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_pinned_caller_stays_whatever_the_weight(weight, side, upstream, method):
    found = canary(weight, info(method, **pinned(side)), site=WITH_COOKIE, pin="first-write")
    assert (found.upstream, found.cookie) == (upstream, None)


def test_a_pin_holds_for_its_group_alone():
    assert canary(0, info(**pinned("service")), site=WITH_COOKIE, pin="first-write", group="cart").upstream == LEGACY


def test_reading_pins_nobody():
    found = canary(100, info(), caller=Caller("7"), site=WITH_COOKIE, pin="first-write")
    assert found.cookie is None


def test_a_first_write_that_legacy_takes_over_pins_to_legacy():
    around = context(breaker=Sick("catalog"))
    found = canary(100, info("POST"), caller=Caller("7"), site=WITH_COOKIE, pin="first-write", around=around)
    assert (found.upstream, found.cookie) == (LEGACY, AffinityCookie(VISITOR, {"items": "legacy"}))


# -- a service that should not be asked ---------------------------------------------------------


@pytest.mark.parametrize("stage", ["canary", "live"])
def test_legacy_stands_in_for_a_service_that_rests(stage):
    weight = {"weight": 100} if stage == "canary" else {}
    found = decided(stage=stage, around=context(breaker=Sick("catalog")), **weight)
    assert found.upstream == LEGACY
    assert found.reason.endswith(", but service 'catalog' rests")


def test_legacy_stands_in_without_a_mirror_to_the_service_that_rests():
    assert not decided(stage="live", mirror={"live": 100}, around=context(breaker=Sick("catalog"))).mirror


@pytest.mark.parametrize(
    ("keys", "known"), [({"stage": "retired"}, True), ({"fallback": False}, True), ({"stage": "live"}, False)]
)
def test_a_service_that_rests_is_asked_all_the_same_where_legacy_may_not_answer(keys, known):
    around = context(breaker=Sick("catalog"), known=lambda _: known)
    assert decided(around=around, **keys).upstream == "catalog"


@pytest.mark.parametrize("keys", [{"stage": "retired"}, {"fallback": False}])
def test_a_service_that_is_full_is_not_asked(keys):
    full = CircuitBreaker("catalog", limit=1)
    full.acquire(0.0)
    with pytest.raises(Unavailable, match="has 1 request in flight"):
        decided(around=context(breaker=full), **keys)


def test_at_legacy_and_shadow_nobody_asks_how_the_service_is():
    assert decided(stage="shadow", around=context(breaker=Sick("catalog"))).reason == "route 'items' is at stage shadow"


# -- the gateway's own pages --------------------------------------------------------------------


def test_a_public_page_is_the_gateways():
    page = Match(None, "/docs", audience="public")
    assert decide(page, {}, info(), NOBODY_KNOWN, context()).upstream == NOBODY


def test_a_page_for_staff_waits_for_its_caller():
    with pytest.raises(ForStaff, match="/docs"):
        decide(Match(None, "/docs", audience="staff"), {}, info(), NOBODY_KNOWN, context())


@pytest.mark.parametrize(
    ("caller", "upstream"),
    [(Caller("1", staff=True), NOBODY), (Caller("1"), LEGACY), (NOBODY_KNOWN, LEGACY), (None, LEGACY)],
)
def test_it_is_for_staff_and_for_all_others_legacy_answers(caller, upstream):
    assert decide_page(caller).upstream == upstream
