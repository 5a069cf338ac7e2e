"""What follows from a decision: may legacy answer after all, is there a mirror, which cookie is set. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.config import RouteConfig
    from gateway.rollout.decision import Decision
    from gateway.rollout.plan import Plan
    from gateway.snapshot import Snapshot

__all__ = ["consequences"]


def consequences(
    decision: Decision,
    snapshot: Snapshot,
    method: str,
    path: str,
    cookie_age: int,
    *,
    marked: bool,
    new_visitor: bool,
) -> dict[str, Any]:
    """`fallback`, `mirror`, `cookie` and `drawn`: each None where it doesn't apply, else what there is to say.

    `marked`: the endpoint is `all_in_transaction`. `new_visitor`: an identifier was drawn for the caller.
    """
    plan = decision.plan
    if plan is None:
        return {"fallback": None, "mirror": None, "cookie": None, "drawn": None}
    return {
        "fallback": _fallback(decision, plan, snapshot, method, path, marked=marked),
        "mirror": _mirror(decision, plan, method),
        "cookie": _cookie(decision, plan, cookie_age),
        "drawn": _drawn(decision, plan, new_visitor=new_visitor),
    }


def _fallback(
    decision: Decision, plan: Plan, snapshot: Snapshot, method: str, path: str, *, marked: bool
) -> dict[str, Any] | None:
    from gateway.rollout.decision import LEGACY, SAFE

    if decision.upstream == LEGACY:
        return None
    refusal = _no_fallback(plan, snapshot.routes[plan.route], method, known=snapshot.known(path), marked=marked)
    if refusal is not None or plan.fallback is None:
        return {"allowed": False, "why": refusal}
    statuses = ", ".join(map(str, plan.fallback.statuses)) or "none"
    why = f"if {plan.service} fails, is late, or answers one of {statuses}, before its first byte"
    if method not in SAFE:
        why += ", and its transaction was rolled back"
    return {"allowed": True, "why": why, "max_body": plan.fallback.max_body}


def _no_fallback(plan: Plan, route: RouteConfig, method: str, *, known: bool | None, marked: bool) -> str | None:
    """Why legacy never answers in the place of the service; None where it may."""
    from gateway.rollout.decision import SAFE
    from gateway.rollout.stage import RETIRED

    if method == "WEBSOCKET":
        return "a socket is not taken over"
    if plan.state.stage == RETIRED:
        return "the route is retired"
    if not route.fallback:
        return "fallback = false"
    if known is False:
        return "the project's URLconf does not have this path"
    if method not in SAFE and not route.fallback.unsafe:
        return f"{method} may change something; [routes.fallback] unsafe = true allows it for marked endpoints"
    if method not in SAFE and not marked:
        return f"{method} may change something, and the endpoint is not marked with all_in_transaction"
    return None


def _mirror(decision: Decision, plan: Plan, method: str) -> dict[str, Any] | None:
    from gateway.rollout.decision import LEGACY

    if not plan.mirrored:
        return None
    if method not in plan.mirror.methods:
        return {"percent": 0.0, "to": None, "why": f"none: only {', '.join(plan.mirror.methods)} may be asked twice"}
    drawn = "" if plan.mirrored >= 100 else "; which ones is drawn for each request"
    to = plan.service if decision.upstream == LEGACY else LEGACY
    return {"percent": plan.mirrored, "to": to, "why": f"{plan.mirrored:g} % of such requests, to {to}{drawn}"}


def _cookie(decision: Decision, plan: Plan, age: int) -> dict[str, Any] | None:
    if decision.ticket is None:
        return None
    value = plan.site.signer.value(decision.ticket).decode()
    return {"name": plan.site.cookie.decode(), "value": value, "max_age": age, "pins": dict(decision.ticket.pins)}


def _drawn(decision: Decision, plan: Plan, *, new_visitor: bool) -> str | None:
    """What of the decision may come out differently another time."""
    if decision.bucket is None:
        return None
    if plan.key.kind == "none":
        return 'the bucket, anew for each request: key = "none"'
    return "the bucket, for each new visitor: it follows from the identifier in the cookie" if new_visitor else None
