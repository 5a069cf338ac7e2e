"""The project's own MIDDLEWARE around a service (docs/DESIGN.md, decision 4).

Django's synchronous chain runs in a greenlet on a pooled thread. Where it would call the view, the greenlet
waits and the thread is free for others; the event loop lets the service answer; then the chain goes on,
on the same thread, with that answer as the view's response. Two hops, however long the chain.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from io import BytesIO
from typing import IO, TYPE_CHECKING, cast

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.bridge.agents import watch_agents
from gateway.bridge.chain import Chain
from gateway.bridge.csrf import one_user, withheld_user
from gateway.bridge.greenlets import current_run
from gateway.bridge.handshake import Handshake, deny
from gateway.bridge.orm import divert_sync_calls, request_lease
from gateway.bridge.protocols import MiddlewareRun
from gateway.bridge.response import ServiceResponse
from gateway.bridge.rollback import is_undone
from gateway.bridge.run import SyncRun
from gateway.bridge.run_thread import RunThread
from gateway.bridge.twice_read import TwiceRead
from gateway.bridge.views import ResponseStyle, View, Views
from gateway.compat.django import asgi_application_around
from gateway.context.ending import release
from gateway.dispatch.errors import ClientGone
from gateway.dispatch.line import Saturated
from gateway.dispatch.scope import ATTEMPT, MIRROR, Attempt, take_in_bytes
from gateway.legacy.loading import Ways, all_sync_capable
from gateway.legacy.upstream import DjangoUpstream
from gateway.routing.table import EndpointPattern
from gateway.shield.sides import SIDE
from gateway.threads import Lease, Threads

if TYPE_CHECKING:
    from gateway.bridge.drf.request import EndpointView

__all__ = ["Bridge"]

ASKED = 200  # the status of a service that has not answered yet, and may
SOCKET = "gateway.socket"  # where a scope that stands for a socket's handshake has what it says of the socket


class Bridge:
    """An ASGI application: `app`, a service, inside the project's middleware.

    `entries` are the middleware to run, in the project's order; None means all.
    `one_thread`: each request keeps one thread from the first middleware to the last, for middleware that
    leaves state on the connection.
    `style`: which views stand in for the endpoints, for `answers = "drf"` and "django".
    `release`: of the service, in whose name answers are cached.
    `threads`: how many run its synchronous code, and `queue` how many requests may wait for one of them, or of those
    that the middleware runs on.
    """

    def __init__(
        self,
        app: ASGIApp,
        legacy: DjangoUpstream,
        *,
        name: str,
        endpoints: Sequence[EndpointPattern] = (),
        entries: Sequence[str] | None = None,
        one_thread: bool = False,
        style: ResponseStyle | None = None,
        release: str = "",
        threads: int | None = None,
        queue: int = 1000,
    ) -> None:
        divert_sync_calls()
        watch_agents()
        self.app = app
        self.name = name
        self._side = f"{name}.{release}"
        self.views = Views(name, endpoints, cross, style)
        self._entries = entries
        self._legacy = legacy
        self.threads, self.middleware_threads = legacy.pools.of_service(name, threads)
        self._queue = queue
        self._one_thread = one_thread
        self.reload()

    def __repr__(self) -> str:
        return f"Bridge({self.name!r}, {self.chain.entries})"

    @property
    def shares_threads(self) -> bool:
        """Whether the service's code runs on other threads than the middleware."""
        return not self._one_thread

    def reload(self) -> None:
        """Load the middleware that the settings name. Once, except in tests, which change settings."""
        self.chain, self._new_run = _chain(self._entries, self._serve, self._legacy.ways)
        self._application = asgi_application_around(lambda: self.chain)
        legacy = self._legacy
        self._bodies = TwiceRead(legacy.bodies, settings.FILE_UPLOAD_MAX_MEMORY_SIZE, legacy.max_body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or serve one socket."""
        scope["gateway.view"] = self.views.find(scope)
        if self._is_full(self.threads) or self._is_full(self.middleware_threads):
            self._legacy.refused(503)
            raise Saturated(f"{self._queue} requests wait for a thread of service {self.name!r} already")
        lease = self.threads.lease(ends=self._one_thread)
        token = request_lease.set(lease)
        try:
            async with ThreadSensitiveContext(executor=lease):
                await self._application(_as_http(scope), receive, send)
        finally:
            request_lease.reset(token)
            await release(lease)

    def _is_full(self, pool: Threads) -> bool:
        """Whether as many wait for a thread of `pool` as may."""
        return pool.waiting >= self._queue and pool.saturated

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What is done inside of Django's handler, which takes a socket for a request: see `_as_http`."""
        view: View = scope["gateway.view"]
        lease = cast("Lease", request_lease.get())
        body: IO[bytes] = BytesIO()
        is_socket = SOCKET in scope
        if not is_socket:
            body, receive = await self._bodies.read(scope, receive)
        scope[SIDE] = self._side
        attempt: Attempt | None = scope.get(ATTEMPT)
        if attempt is not None:
            attempt.own = 0
        thread = RunThread(self.middleware_threads, lease)
        one_thread = self._one_thread or MIRROR in scope  # a mirror has one transaction, on one connection
        # A socket may be accepted in the middle of a dependency's transaction. On a thread that others use, that would
        # wait for somebody there who waits for its locks.
        if one_thread or view.aliases or view.undoable or (is_socket and view.lingers):
            thread.pin(to_the_end=one_thread)
        middleware_run = self._new_run(self.chain, thread, view, scope, body)
        try:
            reply = await middleware_run.request_phase()
            if reply is None:
                await self._cross(middleware_run, lease, _for_service(scope, middleware_run.request), receive, send)
            elif not is_socket:
                await send(reply.start)
                await reply.send_body(receive, send)
            else:
                await deny(reply, receive, send)
        finally:
            middleware_run.abandon()
            middleware_run.end()

    async def _cross(
        self, middleware_run: MiddlewareRun, lease: Lease, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let the service answer, and the waiting chain go on with its answer."""
        if middleware_run.view.sync:
            lease.hold()
        kind = Handshake if scope["type"] == "websocket" else ServiceResponse
        answer = kind(middleware_run, lease, receive, send)
        if isinstance(answer, ServiceResponse) and middleware_run.scope["method"] == "HEAD":
            receive = answer.receive
        attempt: Attempt | None = scope.get(ATTEMPT)
        if attempt is not None:
            attempt.own = ASKED
        try:
            await self.app(scope, receive, answer.send)
        except (ClientGone, ClientDisconnect):
            await answer.cut_off(ClientGone())
        except Exception as exc:  # noqa: BLE001 - Django answers for what a view raises, and logs it
            try:
                await answer.fail(exc)
            finally:
                _tell(scope, middleware_run, exc)
        except BaseException as exc:
            await answer.cut_off(exc)
            raise
        else:
            await answer.finish()
        finally:
            if attempt is not None and answer.own:
                attempt.own = answer.own


def _tell(scope: Scope, middleware_run: MiddlewareRun, error: Exception) -> None:
    """Let the gateway know that what looks like an answer is a failure, and whether anything is left of it."""
    attempt: Attempt | None = scope.get(ATTEMPT)
    if attempt is not None:
        attempt.error = error
        attempt.rolled_back = is_undone(middleware_run.request)


def _chain(entries: Sequence[str] | None, serve: ASGIApp, ways: Ways) -> tuple[Chain, Callable[..., MiddlewareRun]]:
    """The chain of these entries, inside of which `serve` is called, and what goes through it."""
    if all_sync_capable(settings.MIDDLEWARE if entries is None else entries, ways):
        return Chain(entries, current_run, serve, ways), SyncRun
    from gateway.bridge.async_run import AsyncChain, AsyncRun

    return AsyncChain(entries, serve, ways), AsyncRun


def _as_http(scope: Scope) -> Scope:
    """A socket's handshake is a GET request: so it has a user and a session. Under SOCKET is what it was before."""
    if scope["type"] == "http":
        return scope
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    socket = {name: scope[name] for name in ("type", "scheme") if name in scope}
    return {**scope, "type": "http", "method": "GET", "scheme": scheme, SOCKET: socket}


def _for_service(scope: Scope, request: HttpRequest | None) -> Scope:
    """The scope that the service gets. A copy: the request knows its own, and a cycle would wait for the garbage
    collector."""
    scope = {**scope, "django.request": request}
    if (socket := scope.pop(SOCKET, None)) is not None:
        del scope["method"]
        scope.update(socket)
    take_in_bytes(scope)
    return scope


def cross(request: HttpRequest) -> HttpResponseBase:
    """What stands in for every view: wait until the service has answered `request`, and return that.

    Raises what the service raised, unless it is for Django REST framework to answer.
    """
    middleware_run = current_run()
    unasked = middleware_run.view.checks_csrf and not getattr(
        getattr(request, "drf_view", None), "gateway_admitted", False
    )
    if middleware_run.view.checks_csrf or hasattr(request, "drf_view"):
        one_user(request)
    try:
        with withheld_user(request) if unasked else nullcontext():
            response = middleware_run.wait_for_service(request)
    except Exception as exc:
        view = _drf_view(request, exc)
        if view is None:
            raise
        return view.gateway_fail(exc)
    view = _drf_view(request)
    return response if view is None else view.gateway_finish(response)


def _drf_view(request: HttpRequest, error: Exception | None = None) -> EndpointView | None:
    """The view that `gateway.bridge.drf` made for this request, or makes for an APIException; DRF is optional."""
    view: EndpointView | None = getattr(request, "drf_view", None)
    exceptions = sys.modules.get("rest_framework.exceptions")
    if view is None and exceptions is not None and isinstance(error, exceptions.APIException):
        from gateway.bridge.drf.request import drf_view

        view = drf_view(request)
    if getattr(view, "gateway_dispatches", False):
        return None  # DRF itself is around this call, and does that
    return view
