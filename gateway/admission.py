"""Whether a service may see a request at all: what Django would refuse is refused for services too."""

from __future__ import annotations

import re
from functools import partial

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.dispatch import answer
from gateway.rollout.decision import NOBODY, Decision, Unavailable
from gateway.routing.facts import BadRequest, Facts
from gateway.routing.table import MOST_DIGITS
from gateway.upstreams.base import Legacy, Upstream

__all__ = ["admit", "host_of", "refused"]

DENIAL = "websocket.http.response"  # the extension with which a socket may be refused as HTTP
_too_long_number = re.compile(rf"[0-9]{{{MOST_DIGITS + 1}}}").search


class Refused(BadRequest):
    """A request nobody may or can take. `status` is the answer."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


def admit(facts: Facts, scope: Scope, legacy: Legacy, upstream: Upstream) -> None:
    """Return when `upstream` may serve this request. Raises BadRequest otherwise.

    ALLOWED_HOSTS holds for services. A socket must come from a page of ours, and somebody must serve it.
    A number that Python can't convert is in no service's path.
    """
    if upstream is legacy:
        if not legacy.sockets:
            raise Refused(404, "Not Found")
        return
    if len(facts.path) > MOST_DIGITS and _too_long_number(facts.path):
        raise Refused(404, "Not Found")
    headers = facts.headers
    host = host_of(facts, scope, legacy) if b"x-forwarded-host" in headers else headers.get(b"host", b"")
    if not legacy.allows_host(host):
        raise Refused(400, "Bad Request")
    if facts.method == "WEBSOCKET" and not _same_site(facts, scope, host, legacy):
        raise Refused(403, "Forbidden")


def host_of(facts: Facts, scope: Scope, legacy: Legacy) -> bytes:
    """The host this request is for, as the project reads it; sets `facts.host` where that isn't the Host header."""
    if b"x-forwarded-host" in facts.headers:
        facts.host = legacy.forwarded_host(scope["headers"])
    return facts.headers.get(b"host", b"") if facts.host is None else facts.host


def _same_site(facts: Facts, scope: Scope, host: bytes, legacy: Legacy) -> bool:
    """Any page can open a socket, and the browser adds our cookies (RFC 6455, section 10.2), so the page's
    origin must be this host or a trusted one. Clients that aren't browsers send no Origin. As Django has it, a page
    that came unencrypted, which anybody on its way may have written, has no say over what is encrypted."""
    origin = facts.headers.get(b"origin")
    if origin is None:
        return True
    scheme, _, page = origin.lower().rpartition(b"//")
    if page == host.lower() and not (scheme == b"http:" and scope.get("scheme") == "wss"):
        return True
    return legacy.trusts_origin(origin)


def refused(reason: BadRequest | Unavailable) -> tuple[Decision, ASGIApp]:
    """The decision on a request that was not admitted or could not be read, and what answers it."""
    plan = reason.plan if isinstance(reason, Unavailable) else None
    return Decision(NOBODY, str(reason), None if plan is None else plan.route, plan), partial(_refuse, reason)


async def _refuse(reason: BadRequest | Unavailable, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()  # websocket.connect
        if DENIAL not in (scope.get("extensions") or ()):
            await send(_closed(reason))
            return
        send = _denying(send)
    if isinstance(reason, Unavailable):  # why is for the log, not for callers
        await answer(send, reason.status, headers=[(b"retry-after", b"1")])
    else:
        await answer(send, getattr(reason, "status", 400), str(reason))


def _closed(reason: BadRequest | Unavailable) -> Message:
    """Before it was accepted, a socket that is closed is an HTTP 403, whatever the code."""
    if isinstance(reason, Unavailable):
        return {"type": "websocket.close", "code": 1013, "reason": ""}  # try again later
    return {"type": "websocket.close", "code": 1008, "reason": str(reason)}


def _denying(send: Send) -> Send:
    """A `send` for an HTTP answer instead of a socket: ASGI's "Websocket Denial Response"."""

    async def deny(message: Message) -> None:
        await send({**message, "type": f"websocket.{message['type']}"})

    return deny
