"""One request's way through a synchronous chain of middleware, in a greenlet that waits for the service."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from typing import IO, cast

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from greenlet import GreenletExit, getcurrent, greenlet
from starlette.types import Message, Scope

from gateway.bridge.agents import name_transaction
from gateway.bridge.chain import Chain
from gateway.bridge.protocols import MiddlewareRun
from gateway.bridge.replies import answer_start, chunks_of, chunks_of_sync
from gateway.bridge.views import View
from gateway.compat.asgiref import adopt
from gateway.compat.django import has_files
from gateway.legacy.call import ThreadCall
from gateway.legacy.connections import open_transactions, own_connections, rest_connections, return_pooled
from gateway.legacy.replies import AsyncReply, Reply
from gateway.threads import Lease, PooledThread, Threads, current_thread

__all__ = ["Greenlet", "Raised", "SyncRun", "current_run", "ended_before", "may_linger", "share_thread"]

MOST_SPARE = 32  # greenlets that a thread keeps for later
PARKED = object()  # a greenlet says so when it waits for the service
UNKNOWN = object()


class Greenlet(greenlet):
    """What a run through the middleware is in. Each needs memory of its own from the system, so they are used again."""

    middleware_run: MiddlewareRun | None = None
    call: Callable[[], object]

    @classmethod
    def of(cls, middleware_run: MiddlewareRun, call: Callable[[], object]) -> Greenlet:
        """One that runs `call` for `middleware_run` on this thread, to be switched to."""
        waiting = _spare.greenlets.pop() if _spare.greenlets else cls()
        waiting.middleware_run = middleware_run
        waiting.call = call
        return waiting

    def run(self) -> None:
        """One run after another. Switching here starts the next; what comes back is how it ended."""
        while self.middleware_run is not None:
            ended: list[object] = []
            try:
                ended.append(self.call())
            except BaseException as exc:  # noqa: BLE001 - sys.exit() in a middleware ends the request, not the thread
                ended.append(Raised(exc))
            self.middleware_run = None
            del self.call
            if len(_spare.greenlets) < MOST_SPARE:
                _spare.greenlets.append(self)
            cast("greenlet", self.parent).switch(ended.pop())


class Raised:
    """How a run ended that raised `error`."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


class _Spare(threading.local):
    """The greenlets of this thread that have nothing to do."""

    def __init__(self) -> None:
        self.greenlets: list[Greenlet] = []


_spare = _Spare()


def ended_before(blocks: int) -> None:
    """Raises RuntimeError where the service has left a transaction open inside the chain's `blocks`, which end now."""
    if open_transactions() > blocks:
        raise RuntimeError(
            "the service has a transaction open inside one that the middleware or ATOMIC_REQUESTS holds, and that ends "
            "with the answer; end it before (in a socket, before `accept`)"
        )


def share_thread(own: Sequence[BaseDatabaseWrapper], blocks_before: int, view: View) -> None:
    """Leave nothing on the thread that others would find there. Raises ImproperlyConfigured where that can't be.

    `blocks_before`: how many transactions were open there when the request began.
    """
    if open_transactions(own) > blocks_before:
        raise ImproperlyConfigured(
            "a middleware keeps a transaction open while the view runs, on a thread that other requests share; "
            f"write one_thread = true in [services.{view.service}]"
        )
    return_pooled(own)


def may_linger(view: View, request: HttpRequest | None, body: IO[bytes]) -> bool:
    """Whether the service may use what belongs to this request once it has given a whole answer."""
    return view.lingers or has_files(request) or not isinstance(body, BytesIO)


def current_run() -> MiddlewareRun:
    """The run through the middleware that this code is part of. Raises RuntimeError outside of one."""
    current = getcurrent()
    if not isinstance(current, Greenlet) or current.middleware_run is None:
        raise RuntimeError("this is no middleware around a service")
    return current.middleware_run


class SyncRun(ThreadCall):
    """One request's way through the middleware, on a pooled thread: in, a wait for the service, and out."""

    __slots__ = (
        "_blocks_before",
        "_chain",
        "_context",
        "_go",
        "_greenlet",
        "_keeps",
        "_lease",
        "_lingers",
        "_parked",
        "_response",
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
        super().__init__(threads, leases, scope, body, asyncio.get_running_loop())
        self._chain = chain
        self.view = view
        self.request: HttpRequest | None = None  # once it has come through the middleware
        self.own_error: HttpResponse | None = None  # how the service itself answers for what it raised
        self.blocks = 0  # how many atomic blocks are open around the service, the chain's and, in a test, the test's
        self._blocks_before = 0
        self._lease = lease
        self._lingers = False  # the service goes on after its answer
        self._response: HttpResponseBase | object | None = UNKNOWN  # to be closed when it has ended
        self._context: contextvars.Context | None = None
        self._greenlet: Greenlet | None = None
        self._parked = False
        self._stays = False  # on the lease
        self._keeps = False  # its thread, to the end
        self._go: Callable[[Callable[[], None]], None] = threads.submit

    def pin_thread(self, *, to_the_end: bool) -> None:
        """Run everything on the thread that the service's synchronous code gets, and keep it until the answer.

        `to_the_end`: of the request, with its stream, its background tasks and its socket.
        """
        self._lease.hold()
        self._stays = True
        self._keeps = to_the_end
        self._go = self._lease.run

    # -- on the event loop ----------------------------------------------------------------------

    async def request_phase(self) -> Reply | None:
        """Run the request phase. A reply when a middleware answers by itself; None when it is the service's turn."""
        self._context = contextvars.copy_context()
        self._go(self._begin)
        reply = await self.future
        if reply is PARKED:
            self._parked = True
            adopt(self._context)
            return None
        return reply

    @property
    def lingers(self) -> bool:
        """Whether the service may go on with this request once it has given a whole answer."""
        return self._stays or may_linger(self.view, self.request, self.body)

    async def response_phase(self, resume: Callable[[], HttpResponseBase], *, lingers: bool) -> Reply:
        """Run the response phase: `resume` is what the stand-in for the view returns, or raises.

        `lingers`: the request is not over with that, but with `end`, which closes its response and sends
        `request_finished`. Where it is over, that is done on the way.
        """
        self._lingers = lingers
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
        if self._stays and not self._keeps:
            self._lease.unhold()

    def end(self) -> None:
        """The service has returned: the request is over."""
        if self._lingers:
            self._go(self._close)

    def abandon(self) -> None:
        """End a run whose service will never answer: the middleware's `finally` blocks run.

        Before the lease is given back, where its thread is the run's.
        """
        if self._parked or (self._stays and self.future.cancelled()):
            self._parked = False
            self._go(self._unwind)

    # -- on the thread --------------------------------------------------------------------------

    def _begin(self) -> None:
        if self.future.cancelled():  # nobody waits for it any more
            self.body.close()
            return
        if not self._stays:  # from now on, only this thread will do
            self._go = partial(self.threads.submit_to, cast("PooledThread", current_thread()))
        self._blocks_before = open_transactions()
        self._greenlet = Greenlet.of(self, self.respond)
        self._greenlet.gr_context = self._context
        self._step()

    def respond(self) -> HttpResponseBase:
        """In the greenlet: all that Django does for this request."""
        try:
            return self._chain.respond(self.scope, self.body)
        finally:
            self._context = contextvars.copy_context()

    def wait_for_service(self, request: HttpRequest) -> HttpResponseBase:
        """In the greenlet: wait for the service. Returns its answer, or raises what it raised.

        Raises ImproperlyConfigured where a transaction is open: others would write into it meanwhile.
        """
        own = own_connections()
        self.blocks = open_transactions(own)
        if not self._stays:
            share_thread(own, self._blocks_before, self.view)
        self.request = request
        if template := self.view.place.template:
            name_transaction(request, self.scope["method"], template)
        self._context = contextvars.copy_context()
        resume: Callable[[], HttpResponseBase] = cast("greenlet", getcurrent().parent).switch(PARKED)
        adopt(self._context)
        response = resume()
        if self.blocks > self._blocks_before:
            ended_before(self.blocks)
        return response

    def _step(self, *resume: Callable[[], HttpResponseBase]) -> None:
        found = cast("Greenlet", self._greenlet).switch(*resume)
        if found is PARKED:
            self._settle(self.future.set_result, PARKED)
            return
        self._greenlet = None  # it may be another run's soon
        if isinstance(found, Raised):
            self._fail(found.error)
            self._finish(None)
        else:
            self._reply(cast("HttpResponseBase", found))
        if self._lingers and not self._stays:
            rest_connections()  # they have nothing more to do for this request

    def _finish(self, response: HttpResponseBase | None) -> None:
        if self._lingers:
            self._response = response
        else:  # who was told of the request's beginning finds there what it has set then
            cast("contextvars.Context", self._context).run(super()._finish, response)

    def _close(self) -> None:
        self._lingers = False
        response, self._response = self._response, UNKNOWN
        if response is not UNKNOWN:  # else it is closed once it is known
            self._finish(cast("HttpResponseBase | None", response))

    def _unwind(self) -> None:
        waiting, self._greenlet = self._greenlet, None
        if waiting is not None:
            waiting.throw(GreenletExit)  # no `except Exception` stops it
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
        # A middleware's own generator may take its time, which no run's thread has.
        chunks = chunks_of(response) if response.is_async else chunks_of_sync(response, self._lease)
        self._deliver(AsyncReply(start, chunks, partial(self._go, partial(self._finish, response))))
