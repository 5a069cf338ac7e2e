"""One request's way through a synchronous chain of middleware, in a greenlet that waits for the service."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from functools import partial
from typing import IO, cast

from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from greenlet import GreenletExit, getcurrent, greenlet
from starlette.types import Message, Scope

from gateway.bridge.agents import name_transaction
from gateway.bridge.chain import Chain
from gateway.bridge.closing import Closing
from gateway.bridge.greenlets import Greenlet, Raised
from gateway.bridge.replies import answer_start, chunks_of
from gateway.bridge.run_thread import RunThread
from gateway.bridge.views import View
from gateway.compat.asgiref import adopt
from gateway.legacy.call import ThreadCall
from gateway.legacy.connections import rest_connections
from gateway.legacy.replies import AsyncReply, Reply

__all__ = ["SyncRun"]

PARKED = object()  # a greenlet says so when it waits for the service


class SyncRun(ThreadCall):
    """One request's way through the middleware, on a pooled thread: in, a wait for the service, and out."""

    __slots__ = ("_chain", "_closing", "_context", "_greenlet", "_parked", "own_error", "request", "thread", "view")

    def __init__(self, chain: Chain, thread: RunThread, view: View, scope: Scope, body: IO[bytes]) -> None:
        super().__init__(thread.threads, thread.threads, scope, body, asyncio.get_running_loop())
        self._chain = chain
        self._closing = Closing(scope, body, WSGIHandler)
        self._context = contextvars.copy_context()
        self._greenlet: Greenlet | None = None
        self._parked = False
        self.view = view
        self.thread = thread
        self.request: HttpRequest | None = None
        self.own_error: HttpResponse | None = None

    # -- on the event loop ----------------------------------------------------------------------

    async def request_phase(self) -> Reply | None:
        """Run the request phase. A reply when a middleware answers by itself; None when it is the service's turn."""
        self.thread.go(self._begin)
        reply = await self.future
        if reply is PARKED:
            self._parked = True
            adopt(self._context)
            return None
        return reply

    async def response_phase(self, resume: Callable[[], HttpResponseBase], *, lingers: bool) -> Reply:
        """Run the response phase: `resume` is what the stand-in for the view returns, or raises.

        `lingers`: the request is not over with that, but with `end`, which closes its response and sends
        `request_finished`. Where it is over, that is done on the way.
        """
        self._closing.lingers = lingers
        self.future = self.loop.create_future()
        self._context = contextvars.copy_context()  # what the service activated is active for the middleware
        self._parked = False
        self.thread.go(partial(self._step, resume))
        reply = await self.future
        if reply is PARKED:
            self._parked = True
            raise RuntimeError("a middleware has called get_response twice; a service answers a request once")
        return reply

    def end(self) -> None:
        """The service has returned: the request is over."""
        if self._closing.lingers:
            self.thread.go(self._end)

    def abandon(self) -> None:
        """End a run whose service will never answer: the middleware's `finally` blocks run.

        Before the lease is given back, where its thread is the run's.
        """
        if self._parked or (self.thread.pinned and self.future.cancelled()):
            self._parked = False
            self.thread.go(self._unwind)

    # -- on the thread --------------------------------------------------------------------------

    def _begin(self) -> None:
        if self.future.cancelled():  # nobody waits for it any more
            self.body.close()
            return
        self.thread.settle()
        self._greenlet = Greenlet.of(self, self.respond)
        self._greenlet.gr_context = self._context
        self._step()

    def respond(self) -> HttpResponseBase:
        """In the greenlet: all that Django does for this request."""
        try:
            return self._chain.respond(self.scope, self.body)
        finally:
            self._closing.context = contextvars.copy_context()

    def wait_for_service(self, request: HttpRequest) -> HttpResponseBase:
        """In the greenlet: wait for the service. Returns its answer, or raises what it raised.

        Raises ImproperlyConfigured where a transaction is open: others would write into it meanwhile.
        """
        self.thread.blocks = self.thread.share(self.view)
        self.request = request
        if template := self.view.place.template:
            name_transaction(request, self.scope["method"], template)
        self._context = contextvars.copy_context()
        resume: Callable[[], HttpResponseBase] = cast("greenlet", getcurrent().parent).switch(PARKED)
        adopt(self._context)
        response = resume()
        self.thread.check_ended()
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
        if self._closing.lingers and not self.thread.pinned:
            rest_connections()  # they have nothing more to do for this request

    def _finish(self, response: HttpResponseBase | None) -> None:
        closing = self._closing
        if closing.lingers:
            closing.note(response)
        else:
            closing.context.run(closing.close, response)

    def _end(self) -> None:
        closing = self._closing
        closing.lingers = False
        if closing.known:  # else it is closed once it is
            closing.context.run(closing.close, closing.response)

    def _unwind(self) -> None:
        waiting, self._greenlet = self._greenlet, None
        if waiting is not None:
            waiting.throw(GreenletExit)  # no `except Exception` stops it
            self._finish(None)

    def _unwanted(self, value: object) -> None:
        if value is PARKED:
            self.thread.go(self._unwind)
        else:
            super()._unwanted(value)

    def _start(self, response: HttpResponseBase) -> Message:
        return answer_start(response, self.scope["method"])

    def _stream(self, response: StreamingHttpResponse, start: Message) -> None:
        if getattr(response, "file_to_stream", None) is not None:
            super()._stream(response, start)
            return
        # A middleware's own generator may take its time, which no run's thread has.
        chunks = chunks_of(response, self.thread.lease)
        self._deliver(AsyncReply(start, chunks, partial(self.thread.go, partial(self._finish, response))))
