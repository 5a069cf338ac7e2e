"""Around a service where some of the project's middleware is asynchronous only.

Django's asynchronous chain runs on the event loop, as under its own ASGI handler. What is synchronous in it runs on
the request's thread, in greenlets: where it calls asynchronous code, the greenlet waits, and the thread is free. Django
would let the thread itself wait, in `async_to_sync`. Then whatever the service runs there would have to be handed to
that wait, which ends with the chain's answer, while streams, background tasks and the exits of dependencies go on.
More hops than a `SyncRun`, which synchronous chains take.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import IO, Any, cast

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.core import signals
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix
from greenlet import GreenletExit, getcurrent, greenlet
from starlette.types import ASGIApp, Scope

from gateway.bridge.chain import Chain
from gateway.bridge.closing import Closing
from gateway.bridge.greenlets import Greenlet, Raised
from gateway.bridge.replies import answer_start, chunks_of
from gateway.bridge.resolving import moved
from gateway.bridge.run_thread import RunThread
from gateway.bridge.views import View
from gateway.compat.asgiref import adopt, waiting_thread
from gateway.compat.django import finish_as
from gateway.legacy.call import harmless
from gateway.legacy.connections import open_transactions, rest_connections
from gateway.legacy.handlers import note_contexts
from gateway.legacy.loading import Ways
from gateway.legacy.replies import AsyncReply, BufferedReply, Reply

__all__ = ["AsyncChain", "AsyncRun"]

logger = logging.getLogger("gateway.bridge")

Resume = Callable[[], Any]

_middleware_run: contextvars.ContextVar[AsyncRun] = contextvars.ContextVar("middleware_run")


class AsyncChain(Chain):
    """As `Chain`, with Django's asynchronous chain."""

    def __init__(self, chosen: Sequence[str] | None, serve: ASGIApp, ways: Ways) -> None:
        super().__init__(chosen, _middleware_run.get, serve, ways, is_async=True)
        note_contexts()

    def adapt_method_mode(
        self,
        is_async: bool,
        method: Callable[..., Any],
        method_is_async: bool | None = None,
        debug: bool = False,  # noqa: ARG002 - Django's signature
        name: str | None = None,  # noqa: ARG002
    ) -> Callable[..., Any]:
        """`method` as a coroutine function, or as a plain one, as in Django; no thread waits in there."""
        if method_is_async is None:
            method_is_async = iscoroutinefunction(method)
        if bool(is_async) == method_is_async:
            return method
        return _on_thread(method) if is_async else _on_loop(method)

    def make_view_atomic(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """What stands in for the view, in the transactions of ATOMIC_REQUESTS, as a coroutine function."""
        return _on_thread(super().make_view_atomic(view))


def _on_thread(function: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        return await _middleware_run.get().run(partial(function, *args, **kwargs))

    return call


def _on_loop(function: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        current = getcurrent()
        if isinstance(current, Greenlet) and isinstance(current.middleware_run, AsyncRun):
            return current.middleware_run.wait_for(partial(function, *args, **kwargs))
        return async_to_sync(function)(*args, **kwargs)  # on a thread of the middleware's own

    return call


class Awaited:
    """What a greenlet waits for: something to be awaited on the event loop, in `context`."""

    __slots__ = ("context", "make")

    def __init__(self, make: Callable[[], Awaitable[Any]], context: contextvars.Context) -> None:
        self.make = make
        self.context = context


class SyncSection:
    """One piece of synchronous code of the chain, in a greenlet on the request's thread."""

    __slots__ = ("_call", "_context", "_go", "_greenlet", "_loop", "_middleware_run")

    def __init__(self, middleware_run: AsyncRun, call: Resume) -> None:
        self._middleware_run = middleware_run
        self._call = call
        self._context = contextvars.copy_context()
        self._greenlet: Greenlet | None = None
        self._loop = asyncio.get_running_loop()

    async def result(self) -> Any:
        """What the code returns. Raises what it raises."""
        found = await self._on_thread(self._begin)
        while isinstance(found, Awaited):
            adopt(found.context)
            try:
                resume = partial(_returning, await found.make())
            except Exception as exc:  # noqa: BLE001 - it is for the code that has asked
                resume = partial(_raising, exc)
            except BaseException:
                self.unwind()
                raise
            found = await self._on_thread(partial(self._switch, (resume, contextvars.copy_context())))
        adopt(self._context)
        if isinstance(found, Raised):
            raise harmless(found.error)
        return found

    def unwind(self) -> None:
        """Nobody waits for the result: the `finally` blocks run."""
        self._middleware_run.thread.go(self._throw)

    def _on_thread(self, step: Callable[[], object]) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        self._middleware_run.thread.go(partial(self._run, step, future))
        return future

    def _settle(self, future: asyncio.Future[Any], found: object) -> None:
        if not future.done():
            future.set_result(found)
        elif isinstance(found, Awaited):
            self.unwind()

    # -- on the thread --------------------------------------------------------------------------

    def _run(self, step: Callable[[], object], future: asyncio.Future[Any]) -> None:
        found = step()
        if not isinstance(found, Awaited):
            self._greenlet = None  # it may be another's soon
        try:
            self._loop.call_soon_threadsafe(self._settle, future, found)
        except RuntimeError:  # the event loop was closed under a request that outlived the shutdown
            logger.warning("the answer to %s came after the shutdown", self._middleware_run.scope["path"])
            self._throw()

    def _begin(self) -> object:
        thread = self._middleware_run.thread
        if not thread.settled:
            thread.settle()
        self._greenlet = Greenlet.of(self._middleware_run, self._ended)
        self._greenlet.gr_context = self._context
        return self._greenlet.switch()

    def _ended(self) -> Any:
        try:
            return self._call()
        finally:
            self._context = contextvars.copy_context()

    def _switch(self, resumed: tuple[Resume, contextvars.Context]) -> object:
        if self._greenlet is None:
            return Raised(RuntimeError("the request has ended"))
        return self._greenlet.switch(resumed)

    def _throw(self) -> None:
        waiting, self._greenlet = self._greenlet, None
        if waiting is not None:
            waiting.throw(GreenletExit)  # no `except Exception` stops it


class AsyncRun:
    """What `SyncRun` is, for an asynchronous chain."""

    def __init__(self, chain: AsyncChain, thread: RunThread, view: View, scope: Scope, body: IO[bytes]) -> None:
        loop = asyncio.get_running_loop()
        self.view = view
        self.scope = scope
        self.body = body
        self.request: HttpRequest | None = None
        self.own_error: HttpResponse | None = None
        self.thread = thread
        self._chain = chain
        self._closing = Closing(scope, body, ASGIHandler)
        self._closing.context = contextvars.copy_context()
        self._sections: list[SyncSection] = []
        self._task: asyncio.Task[HttpResponseBase] | None = None
        self._parked: asyncio.Future[contextvars.Context] = loop.create_future()
        self._resumed: asyncio.Future[tuple[Resume, contextvars.Context]] = loop.create_future()

    # -- on the event loop ----------------------------------------------------------------------

    async def request_phase(self) -> Reply | None:
        """As SyncRun."""
        self._task = asyncio.create_task(self._run())
        waiting: set[asyncio.Future[Any]] = {self._task, self._parked}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self._parked.done():
            adopt(self._parked.result())
            return None
        return self._reply(self._task.result())

    async def response_phase(self, resume: Resume, *, lingers: bool) -> Reply:
        """As SyncRun."""
        self._closing.lingers = lingers
        self._resumed.set_result((resume, contextvars.copy_context()))
        reply = self._reply(await cast("asyncio.Task[HttpResponseBase]", self._task))
        if lingers and not self.thread.pinned:
            self.thread.go(rest_connections)
        return reply

    def abandon(self) -> None:
        """As SyncRun."""
        if self._task is not None and not self._task.done():
            if self.thread.pinned or self.thread.settled:  # else they unwind once it is known where they run
                for section in reversed(self._sections):
                    section.unwind()
            self._task.cancel()

    def end(self) -> None:
        """As SyncRun."""
        if self._closing.lingers or not self._closing.known:
            self._close()

    async def run(self, call: Resume) -> Any:
        """The result of synchronous code in the chain, which runs on the request's thread.

        Raises ImproperlyConfigured where that thread waits for this, and so the service would wait for it.
        """
        if waiting_thread() is not None:
            raise ImproperlyConfigured(
                "a middleware calls get_response through async_to_sync, so that a thread waits while the view runs; it "
                "has to be synchronous (sync_capable), or to await get_response"
            )
        section = SyncSection(self, call)
        self._sections.append(section)
        try:
            return await section.result()
        finally:
            self._sections.remove(section)

    async def _run(self) -> HttpResponseBase:
        try:
            return await self._respond()
        finally:
            self._closing.context = contextvars.copy_context()

    async def _respond(self) -> HttpResponseBase:
        _middleware_run.set(self)
        moved.set((self.view, self.scope["path"].removeprefix(self.scope.get("root_path", ""))))
        set_script_prefix(get_script_prefix(self.scope))
        await signals.request_started.asend(sender=ASGIHandler, scope=self.scope)
        request, refusal = self._chain.create_request(self.scope, self.body)
        if request is None:
            return cast("HttpResponseBase", refusal)
        response = await self._chain.get_response_async(request)
        finish_as(response, ASGIHandler)
        return response

    async def _answer_of_service(self) -> Resume:
        if self._parked.done():
            raise RuntimeError("a middleware has called get_response twice; a service answers a request once")
        self._parked.set_result(contextvars.copy_context())
        resume, context = await self._resumed
        adopt(context)
        return resume

    def _reply(self, response: HttpResponseBase) -> Reply:
        start = answer_start(response, self.scope["method"])
        if response.streaming and self.scope["method"] != "HEAD":
            chunks = chunks_of(cast("StreamingHttpResponse", response), self.thread.lease)
            return AsyncReply(start, chunks, partial(self._finish, response))
        content = b"" if response.streaming else cast("HttpResponse", response).content
        self._finish(response)
        return BufferedReply(start, content)

    def _finish(self, response: HttpResponseBase) -> None:
        self._closing.note(response)
        if not self._closing.lingers:
            self._close()

    def _close(self) -> None:
        closing = self._closing
        self.thread.go(partial(closing.context.run, closing.close, closing.response))

    # -- on the thread --------------------------------------------------------------------------

    def wait_for(self, make: Callable[[], Awaitable[Any]]) -> Any:
        """In a greenlet: what comes of awaiting, on the event loop, what `make` makes. Raises what that raises.

        Raises ImproperlyConfigured where a transaction is open: others would write into it meanwhile.
        """
        self.thread.share(self.view)
        wanted = Awaited(make, contextvars.copy_context())
        resume, context = cast("greenlet", getcurrent().parent).switch(wanted)
        adopt(context)
        return resume()

    def wait_for_service(self, request: HttpRequest) -> HttpResponseBase:
        """In a greenlet, as SyncRun."""
        self.thread.blocks = open_transactions()
        self.request = request
        response: HttpResponseBase = self.wait_for(self._answer_of_service)()
        self.thread.check_ended()
        return response


def _returning(value: Any) -> Any:
    return value


def _raising(error: Exception) -> Any:
    raise error
