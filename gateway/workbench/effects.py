"""The consequences of a decision: whether there is a fallback, a mirror, an affinity cookie. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.wording import joined, message

if TYPE_CHECKING:
    from gateway.config.routes import RouteConfig
    from gateway.rollout.decision import Decision
    from gateway.rollout.policy import RoutePolicy
    from gateway.snapshot import Snapshot

__all__ = ["effects_of"]


def effects_of(
    decision: Decision,
    snapshot: Snapshot,
    method: str,
    path: str,
    cookie_age: int,
    *,
    marked: bool,
    new_visitor: bool,
) -> dict[str, Any]:
    """`fallback`, `mirror`, `cookie` and `drawn`: each None where it doesn't apply, else a description.

    `marked`: the endpoint is `all_in_transaction`. `new_visitor`: an ID was drawn for the caller.
    """
    policy = decision.policy
    if policy is None:
        return {"fallback": None, "mirror": None, "cookie": None, "drawn": None}
    return {
        "fallback": _fallback(decision, policy, snapshot, method, path, marked=marked),
        "mirror": _mirror(decision, policy, method),
        "cookie": _cookie(decision, policy, cookie_age),
        "drawn": _drawn(decision, policy, new_visitor=new_visitor),
    }


def _fallback(
    decision: Decision, policy: RoutePolicy, snapshot: Snapshot, method: str, path: str, *, marked: bool
) -> dict[str, Any] | None:
    from gateway.rollout.decision import LEGACY, SAFE

    if decision.upstream == LEGACY:
        return None
    refusal = _no_fallback(policy, snapshot.routes[policy.route], method, known=snapshot.known(path), marked=marked)
    if refusal is not None or policy.fallback is None:
        return {"allowed": False, "why": refusal, "max_body_bytes": None}
    why = message(
        "if {service} fails, is late, or answers one of {statuses}, before its first byte",
        service=policy.service,
        statuses=", ".join(map(str, policy.fallback.statuses)) or message("none"),
    )
    if method not in SAFE:
        why = message("{condition}, and its transaction was rolled back", condition=why)
    return {"allowed": True, "why": why, "max_body_bytes": policy.fallback.max_body}


def _no_fallback(
    policy: RoutePolicy, route: RouteConfig, method: str, *, known: bool | None, marked: bool
) -> str | None:
    """Why legacy never answers instead of the service; None if it may."""
    from gateway.rollout.decision import SAFE
    from gateway.rollout.stage import RETIRED

    if method == "WEBSOCKET":
        return message("a socket is not taken over")
    if policy.state.stage == RETIRED:
        return message("the route is retired")
    if not route.fallback:
        return "fallback = false"
    if known is False:
        return message("the project's URLconf does not have this path")
    if method not in SAFE and not route.fallback.unsafe:
        return message(
            "{method} may change something; [routes.fallback] unsafe = true allows it for marked endpoints",
            method=method,
        )
    if method not in SAFE and not marked:
        return message(
            "{method} may change something, and the endpoint is not marked with all_in_transaction", method=method
        )
    return None


def _mirror(decision: Decision, policy: RoutePolicy, method: str) -> dict[str, Any] | None:
    from gateway.rollout.decision import LEGACY

    if not policy.mirrored:
        return None
    if method not in policy.mirror.methods:
        none = message("none: only {methods} may be asked twice", methods=", ".join(policy.mirror.methods))
        return {"percent": 0.0, "to": None, "why": none}
    to = policy.service if decision.upstream == LEGACY else LEGACY
    why = message("{percent:g} % of such requests, to {upstream}", percent=policy.mirrored, upstream=to)
    if policy.mirrored < 100:
        why = joined((why, message("which ones is drawn for each request")))
    return {"percent": policy.mirrored, "to": to, "why": why}


def _cookie(decision: Decision, policy: RoutePolicy, age: int) -> dict[str, Any] | None:
    if decision.cookie is None:
        return None
    value = policy.site.signer.dump_cookie(decision.cookie).decode()
    return {
        "name": policy.site.cookie.decode(),
        "value": value,
        "max_age_seconds": age,
        "pins": dict(decision.cookie.pins),
    }


def _drawn(decision: Decision, policy: RoutePolicy, *, new_visitor: bool) -> str | None:
    """The part of the decision that may be different another time."""
    if decision.bucket is None:
        return None
    if policy.key.kind == "none":
        return message('the bucket, anew for each request: key = "none"')
    if new_visitor:
        return message("the bucket, for each new visitor: it follows from the identifier in the cookie")
    return None
