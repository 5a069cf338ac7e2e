"""The policy of one route: its configuration and its current stage, compiled for `decide`."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.config.routes import FallbackConfig, MirrorConfig, RouteConfig
from gateway.rollout.affinity import AffinityCookie, Signer
from gateway.rollout.cohort import BUCKETS, Cohorts
from gateway.rollout.stage import CANARY, LEGACY_STAGE, LIVE, RETIRED, SHADOW, State
from gateway.types import Header
from gateway.wording import Message, message

__all__ = ["AffinitySettings", "Key", "RoutePolicy", "compile_policy", "declared_state"]


@dataclass(frozen=True, slots=True)
class Key:
    """The sticky key: its kind, and the header or cookie that it is read from."""

    kind: str
    name: bytes = b""
    how: Message = field(init=False, compare=False, repr=False)  # a caller was identified, in words

    def __post_init__(self) -> None:
        name = self.name.decode()
        how = (
            message("by cookie {name}", name=name) if self.kind == "cookie" else message("by header {name}", name=name)
        )
        object.__setattr__(self, "how", how)


@dataclass(frozen=True, slots=True)
class AffinitySettings:
    """Settings that all routes share: the signer, and the names of cookies and headers.

    `cookie` is the gateway's own, b"" if affinity cookies are off; `session_cookie` is the project's.
    """

    signer: Signer = field(default_factory=lambda: Signer(()))
    cookie: bytes = b""
    header: bytes = b"x-gateway-upstream"
    session_cookie: bytes = b"sessionid"

    def line(self, cookie: AffinityCookie, age: int, path: str, *, secure: bool) -> Header:
        """The Set-Cookie header with `cookie`, valid for `age` seconds, HttpOnly and SameSite."""
        attributes = f"; Path={path}; Max-Age={age}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
        return b"set-cookie", self.cookie + b"=" + self.signer.dump_cookie(cookie) + attributes.encode("latin-1")


@dataclass(frozen=True, slots=True)
class RoutePolicy:
    """One route, as `decide` needs it. `threshold` is the first bucket that is out.

    `asks`: the decision needs to know who the caller is. `fallback` is None if legacy never answers for the service;
    `mirrored` is the percentage of requests with `mirror.methods` that is mirrored at this stage.
    """

    route: str
    service: str
    state: State
    site: AffinitySettings
    group: str
    cohorts: Cohorts
    key: Key
    threshold: int
    pins: bool
    staff: bool
    groups: frozenset[str]
    signed_header: bool
    asks: bool
    fallback: FallbackConfig | None
    mirror: MirrorConfig
    mirrored: float

    @property
    def serves(self) -> bool:
        """Whether the service may answer callers."""
        return self.state.stage in (CANARY, LIVE, RETIRED)


def declared_state(route: RouteConfig) -> State:
    """The state that the file declares for the route."""
    if route.stage == CANARY:
        return State(CANARY, route.steps[0] if route.weight is None else route.weight)
    return State(route.stage)


def compile_policy(route: RouteConfig, state: State, site: AffinitySettings) -> RoutePolicy:
    """Compile the policy of a route at `state`."""
    kind, _, name = route.key.partition(":")
    groups = frozenset(rule.removeprefix("group:") for rule in route.always if rule.startswith("group:"))
    staff = "staff" in route.always
    percent = {SHADOW: route.mirror.shadow, CANARY: route.mirror.canary, LIVE: route.mirror.live}
    group = route.group or route.name
    return RoutePolicy(
        route=route.name,
        service=route.service,
        state=state,
        site=site,
        group=group,
        cohorts=Cohorts(group),
        key=Key(kind, name.encode() if kind == "cookie" else name.lower().encode()),
        threshold=round(state.weight * BUCKETS / 100) if state.stage == CANARY else 0,
        pins=route.pin is not None,
        staff=staff,
        groups=groups,
        signed_header="signed-header" in route.always,
        asks=state.stage == CANARY and (kind == "user" or staff or bool(groups)),
        fallback=(route.fallback or None) if state.stage in (CANARY, LIVE) else None,
        mirror=route.mirror,
        mirrored=percent.get(state.stage, 0.0) if state.stage not in (LEGACY_STAGE, RETIRED) else 0.0,
    )
