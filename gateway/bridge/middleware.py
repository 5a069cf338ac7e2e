"""The project's own MIDDLEWARE around a service (docs/DESIGN.md, decision 4).

Django's synchronous chain runs in a greenlet on a pooled thread. Where it would call the view, the greenlet
waits and the thread is free for others; the event loop lets the service answer; then the chain goes on,
on the same thread, with that answer as the view's response. Two hops, however long the chain.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from io import BytesIO
from typing import IO, TYPE_CHECKING, cast

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from greenlet import GreenletExit, getcurrent, greenlet
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.bridge.answer import Answer, Handshake, answer_start, chunks_of, chunks_of_sync, deny
from gateway.bridge.chain import Chain, one_user, sync_capable, withheld_user
from gateway.bridge.orm import divert_sync_calls, request_lease
from gateway.bridge.undo import is_undone
from gateway.bridge.views import Profile, View, Views
from gateway.routing.table import Endpoint
from gateway.upstreams.base import ATTEMPT, Attempt, ClientGone, take_in_bytes
from gateway.upstreams.body import read_body
from gateway.upstreams.connections import in_manual_transaction, open_blocks, own_connections, return_pooled
from gateway.upstreams.context import adopt
from gateway.upstreams.django import DjangoUpstream, Exchange, Lent, Reply
from gateway.upstreams.threads import Lease, PooledThread, Threads, current_thread

if TYPE_CHECKING:
    from gateway.bridge.drf.request import EndpointView

__all__ = ["Bridge", "Passage"]

MOST_SPARE = 32  # greenlets that a thread keeps for later
PARKED = object()  # a greenlet says so when it waits for the service


class Bridge:
    """An ASGI application: `app`, a service, inside the project's middleware.

    `entries` are the middleware to run, in the project's order; None means all.
    `one_thread`: each request keeps one thread from the first middleware to the last, for middleware that
    leaves state on the connection.
    `profile`: which views stand in for the endpoints, for `answers = "drf"` and "django".
    """

    def __init__(
        self,
        app: ASGIApp,
        legacy: DjangoUpstream,
        *,
        name: str,
        endpoints: Sequence[Endpoint] = (),
        entries: Sequence[str] | None = None,
        one_thread: bool = False,
        profile: Profile | None = None,
    ) -> None:
        divert_sync_calls()
        self.app = app
        self.name = name
        self.views = Views(name, endpoints, cross, profile)
        self._entries = entries
        self._work = legacy.leases
        self._passages = legacy.passages
        self._one_thread = one_thread
        self.reload()

    def __repr__(self) -> str:
        return f"Bridge({self.name!r}, {self.chain.entries})"

    def reload(self) -> None:
        """Load the middleware that the settings name. Once, except in tests, which change settings."""
        self.chain, self._passage = _chain(self._entries)
        self._memory = settings.FILE_UPLOAD_MAX_MEMORY_SIZE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or serve one socket."""
        view = self.views.find(scope)
        lease = self._work.lease()
        token = request_lease.set(lease)
        try:
            async with ThreadSensitiveContext(executor=lease):
                await self._serve(view, lease, scope, receive, send)
        finally:
            request_lease.reset(token)
            lease.release()

    async def _serve(self, view: View, lease: Lease, scope: Scope, receive: Receive, send: Send) -> None:
        body: IO[bytes] = BytesIO()
        if scope["type"] == "http":
            body, receive = await _read_twice(receive, self._memory)
        scope["gateway.view"] = view
        passage = self._passage(self.chain, self._passages, self._work, lease, view, _as_http(scope), body)
        if self._one_thread or view.atomic or view.undoable:
            passage.stay_on_lease()
        try:
            reply = await passage.enter()
            if reply is None:
                # A copy: the request knows its scope, and a cycle would wait for the garbage collector.
                scope = {**scope, "django.request": passage.request}
                take_in_bytes(scope)
                await self._cross(passage, lease, scope, receive, send)
            elif scope["type"] == "http":
                await send(reply.start)
                await reply.send_body(receive, send)
            else:
                await deny(reply, receive, send)
        finally:
            passage.abandon()

    async def _cross(self, passage: Passage, lease: Lease, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the service answer, and the waiting chain go on with its answer."""
        if passage.view.sync:
            lease.hold()
        kind = Handshake if scope["type"] == "websocket" else Answer
        answer = kind(passage, lease, receive, send)
        try:
            await self.app(scope, receive, answer.send)
        except (ClientGone, ClientDisconnect):
            await answer.cut_off(ClientGone())
        except Exception as exc:  # noqa: BLE001 - Django answers for what a view raises, and logs it
            try:
                await answer.fail(exc)
            finally:
                _tell(scope, passage, exc)
        except BaseException as exc:
            await answer.cut_off(exc)
            raise
        else:
            await answer.finish()


def _tell(scope: Scope, passage: Passage, error: Exception) -> None:
    """Let the gateway know that what looks like an answer is a failure, and whether anything is left of it."""
    attempt: Attempt | None = scope.get(ATTEMPT)
    if attempt is not None:
        attempt.error = error
        attempt.undone = is_undone(passage.request)


def _chain(entries: Sequence[str] | None) -> tuple[Chain, Callable[..., Passage]]:
    """The chain of these entries, and what goes through it."""
    if sync_capable(settings.MIDDLEWARE if entries is None else entries):
        return Chain(entries, current_passage), Passage
    from gateway.bridge.async_passage import AsyncChain, AsyncPassage

    return AsyncChain(entries), cast("Callable[..., Passage]", AsyncPassage)


def _as_http(scope: Scope) -> Scope:
    """A socket's handshake is a GET request: so it has a user and a session."""
    if scope["type"] == "http":
        return scope
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    return {**scope, "type": "http", "method": "GET", "scheme": scheme}


async def _read_twice(receive: Receive, memory: int) -> tuple[IO[bytes], Receive]:
    """The request's body for Django, and a `receive` that gives it to the service again.

    Both may want it: CsrfViewMiddleware looks for a token in forms. Above `memory` bytes it is on disk.
    """
    body = await read_body(receive, memory)
    if isinstance(body, BytesIO):
        content: bytes | None = body.getvalue()

        async def receive_again() -> Message:
            nonlocal content
            if content is None:
                return await receive()
            message = {"type": "http.request", "body": content, "more_body": False}
            content = None
            return message

        return body, receive_again
    return body, _Spooled(body, receive).receive


class _Spooled:
    """A body on disk, read by the service in blocks of its own while Django may have it open too."""

    def __init__(self, body: IO[bytes], receive: Receive) -> None:
        self._body = body
        self._receive = receive
        self._position = 0
        self._ended = False

    def _block(self) -> bytes:
        at = self._body.tell()
        self._body.seek(self._position)
        block = self._body.read(2**18)
        self._position += len(block)
        self._body.seek(at)
        return block

    async def receive(self) -> Message:
        if self._ended:
            return await self._receive()
        block = await asyncio.to_thread(self._block)
        self._ended = not block
        return {"type": "http.request", "body": block, "more_body": not self._ended}


class Greenlet(greenlet):
    """What a passage runs in. Each needs memory of its own from the system, so they are used again."""

    passage: Passage | None = None

    @classmethod
    def of(cls, passage: Passage) -> Greenlet:
        """One for `passage` on this thread, to be switched to."""
        waiting = _spare.greenlets.pop() if _spare.greenlets else cls()
        waiting.passage = passage
        return waiting

    def run(self) -> None:
        """One passage after another. Switching here starts the next; what comes back is how it ended."""
        while self.passage is not None:
            ended: list[object] = []
            try:
                ended.append(self.passage.respond())
            except BaseException as exc:  # noqa: BLE001 - sys.exit() in a middleware ends the request, not the thread
                ended.append(Raised(exc))
            self.passage = None
            if len(_spare.greenlets) < MOST_SPARE:
                _spare.greenlets.append(self)
            cast("greenlet", self.parent).switch(ended.pop())


class Raised:
    """How a passage ended that raised `error`."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


class _Spare(threading.local):
    """The greenlets of this thread that have nothing to do."""

    def __init__(self) -> None:
        self.greenlets: list[Greenlet] = []


_spare = _Spare()


def cross(request: HttpRequest) -> HttpResponseBase:
    """What stands in for every view: wait until the service has answered `request`, and return that.

    Raises what the service raised, unless it is for Django REST framework to answer.
    """
    passage = current_passage()
    unasked = passage.view.checks_csrf and not getattr(getattr(request, "drf_view", None), "admitted", False)
    if passage.view.checks_csrf or hasattr(request, "drf_view"):
        one_user(request)
    try:
        with withheld_user(request) if unasked else nullcontext():
            response = passage.park(request)
    except Exception as exc:
        view = _drf_view(request, exc)
        if view is None:
            raise
        return view.fail(exc)
    view = _drf_view(request)
    return response if view is None else view.finish(response)


def current_passage() -> Passage:
    """The passage that this code is part of. Raises RuntimeError outside of one."""
    current = getcurrent()
    if not isinstance(current, Greenlet) or current.passage is None:
        raise RuntimeError("this is no middleware around a service")
    return current.passage


def _drf_view(request: HttpRequest, error: Exception | None = None) -> EndpointView | None:
    """The view that `gateway.bridge.drf` made for this request, or makes for an APIException; DRF is optional."""
    view: EndpointView | None = getattr(request, "drf_view", None)
    exceptions = sys.modules.get("rest_framework.exceptions")
    if view is None and exceptions is not None and isinstance(error, exceptions.APIException):
        from gateway.bridge.drf.request import drf_view

        view = drf_view(request)
    if getattr(view, "dispatches", False):
        return None  # DRF itself is around this call, and does that
    return view


class Passage(Exchange):
    """One request's way through the middleware, on a pooled thread: in, a wait for the service, and out."""

    __slots__ = (
        "_blocks_before",
        "_context",
        "_go",
        "_greenlet",
        "_lease",
        "_parked",
        "_stays",
        "blocks",
        "own_error",
        "request",
        "view",
    )

    def __init__(
        self,
        chain: Chain,
        threads: Threads,
        leases: Threads,
        lease: Lease,
        view: View,
        scope: Scope,
        body: IO[bytes],
    ) -> None:
        super().__init__(chain, threads, leases, scope, body, asyncio.get_running_loop())
        self.view = view
        self.request: HttpRequest | None = None  # once it has come through the middleware
        self.own_error: HttpResponse | None = None  # how the service itself answers for what it raised
        self.blocks = 0  # how many atomic blocks are open around the service, the chain's and, in a test, the test's
        self._blocks_before = 0
        self._lease = lease
        self._context: contextvars.Context | None = None
        self._greenlet: Greenlet | None = None
        self._parked = False
        self._stays = False  # on the lease
        self._go: Callable[[Callable[[], None]], None] = threads.submit

    def stay_on_lease(self) -> None:
        """Run everything on the thread that the service's synchronous code gets, and keep it until the end."""
        self._lease.hold()
        self._stays = True
        self._go = self._lease.run

    # -- on the event loop ----------------------------------------------------------------------

    async def enter(self) -> Reply | None:
        """Run the request phase. A reply when a middleware answers by itself; None when it is the service's turn."""
        self._context = contextvars.copy_context()
        self._go(self._begin)
        reply = await self.future
        if reply is PARKED:
            self._parked = True
            adopt(self._context)
            return None
        return reply

    async def leave(self, resume: Callable[[], HttpResponseBase]) -> Reply:
        """Run the response phase: `resume` is what the stand-in for the view returns, or raises."""
        self.future = self.loop.create_future()
        self._context = contextvars.copy_context()  # what the service activated is active for the middleware
        self._parked = False
        self._go(partial(self._step, resume))
        reply = await self.future
        if reply is PARKED:
            self._parked = True
            raise RuntimeError("a middleware has called get_response twice; a service answers a request once")
        return reply

    def let_go(self) -> None:
        """The chain is through: what comes now, a stream or a socket, keeps no thread while it waits."""
        if self._stays:
            self._lease.unhold()

    def abandon(self) -> None:
        """End a passage whose service will never answer: the middleware's `finally` blocks run."""
        if self._parked:
            self._parked = False
            self._go(self._unwind)

    # -- on the thread --------------------------------------------------------------------------

    def _begin(self) -> None:
        if not self._stays:  # from now on, only this thread will do
            self._go = partial(self.threads.submit_to, cast("PooledThread", current_thread()))
        self._blocks_before = open_blocks()
        self._greenlet = Greenlet.of(self)
        self._greenlet.gr_context = self._context
        self._step()

    def respond(self) -> HttpResponseBase:
        """In the greenlet: all that Django does for this request."""
        return self.handler.respond(self.scope, self.body)

    def park(self, request: HttpRequest) -> HttpResponseBase:
        """In the greenlet: wait for the service. Returns its answer, or raises what it raised.

        Raises ImproperlyConfigured where a transaction is open: others would write into it meanwhile.
        """
        own = own_connections()
        self.blocks = open_blocks(own)
        if not self._stays:
            self._share_thread(own)
        self.request = request
        self._context = contextvars.copy_context()
        resume: Callable[[], HttpResponseBase] = cast("greenlet", getcurrent().parent).switch(PARKED)
        adopt(self._context)
        return resume()

    def _share_thread(self, own: Sequence[BaseDatabaseWrapper]) -> None:
        """Leave nothing on the thread that others would find there. Raises ImproperlyConfigured where that can't be."""
        if self.blocks > self._blocks_before or in_manual_transaction(own):
            raise ImproperlyConfigured(
                "a middleware keeps a transaction open while the view runs, on a thread that other requests share; "
                f"write one_thread = true in [services.{self.view.namespace}]"
            )
        return_pooled(own)

    def _step(self, *resume: Callable[[], HttpResponseBase]) -> None:
        found = cast("Greenlet", self._greenlet).switch(*resume)
        if found is PARKED:
            self._settle(self.future.set_result, PARKED)
            return
        self._greenlet = None  # it may be another passage's soon
        if isinstance(found, Raised):
            self._fail(found.error)
            self._finish(None)
        else:
            self._reply(cast("HttpResponseBase", found))

    def _unwind(self) -> None:
        # What is thrown here, no `except Exception` stops.
        cast("Greenlet", self._greenlet).throw(GreenletExit)
        self._greenlet = None
        self._finish(None)

    def _unwanted(self, value: object) -> None:
        if value is PARKED:
            self._go(self._unwind)
        else:
            super()._unwanted(value)

    def _start(self, response: HttpResponseBase) -> Message:
        return answer_start(response, self.scope["method"])

    def _stream(self, response: StreamingHttpResponse, start: Message) -> None:
        if getattr(response, "file_to_stream", None) is not None:
            super()._stream(response, start)
            return
        # A middleware's own generator may take its time, which no passage's thread has.
        chunks = chunks_of(response) if response.is_async else chunks_of_sync(response, self._lease)
        self._deliver(Lent(start, chunks, partial(self._go, partial(self._finish, response))))
