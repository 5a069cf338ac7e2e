"""Around a service where some of the project's middleware is asynchronous only.

Django's asynchronous chain runs on the event loop, as under its own ASGI handler; what is synchronous in it, and
the view's part, on the request's thread. More hops than a `Passage`, which synchronous chains take.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Sequence
from functools import partial, wraps
from typing import IO, Any, cast

from asgiref.sync import markcoroutinefunction
from django.core import signals
from django.core.handlers.asgi import get_script_prefix
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, set_script_prefix
from starlette.types import Scope

from gateway.bridge.answer import answer_start, chunks_of, chunks_of_sync
from gateway.bridge.chain import Chain
from gateway.bridge.middleware import Passage
from gateway.bridge.views import View
from gateway.upstreams.context import adopt
from gateway.upstreams.django import Lent, Reply, SyncHandler, Whole
from gateway.upstreams.request import request_of
from gateway.upstreams.threads import Lease, Threads

__all__ = ["AsyncChain", "AsyncPassage"]

Resume = Callable[[], HttpResponseBase]

_passage: contextvars.ContextVar[AsyncPassage] = contextvars.ContextVar("passage")


class AsyncChain(Chain):
    """As `Chain`, with Django's asynchronous chain."""

    def __init__(self, chosen: Sequence[str] | None) -> None:
        super().__init__(chosen, _current, is_async=True)

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """As in `Chain`, with a coroutine function that runs the stand-in in a passage of its own."""
        found = super().resolve_request(request)
        found.func = _awaited(found.func)
        return found


def _current() -> Any:
    return _passage.get()


def _awaited(function: Callable[..., HttpResponseBase]) -> Callable[..., Coroutine[Any, Any, HttpResponseBase]]:
    @wraps(function)
    async def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return await _passage.get().view_part(partial(function, request, *args, **kwargs))

    del view.__wrapped__  # nothing should look behind it
    return markcoroutinefunction(view)


class ViewPart(Passage):
    """The passage of the view alone: what its future gets is a response, which goes back into the chain."""

    __slots__ = ("_call",)

    _call: Resume

    def respond(self) -> HttpResponseBase:
        """In the greenlet: the stand-in for the view."""
        return self._call()

    def _reply(self, response: HttpResponseBase) -> None:
        self._settle(self.future.set_result, response)

    def _finish(self, response: HttpResponseBase | None) -> None:
        """The response is closed with the chain's."""

    def close(self, response: HttpResponseBase | None) -> None:
        """What ends the request, whose body this is."""
        super()._finish(response)


class AsyncPassage:
    """What `Passage` is, for an asynchronous chain."""

    def __init__(
        self,
        chain: AsyncChain,
        threads: Threads,
        leases: Threads,
        lease: Lease,
        view: View,
        scope: Scope,
        body: IO[bytes],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.view = view
        self.scope = scope
        self.request: HttpRequest | None = None
        self.own_error: HttpResponse | None = None
        self._chain = chain
        self._lease = lease
        self._body = body
        self._part = ViewPart(chain, threads, leases, lease, view, scope, body)
        self._task: asyncio.Task[HttpResponseBase] | None = None
        self._parked: asyncio.Future[contextvars.Context] = loop.create_future()
        self._resumed: asyncio.Future[tuple[Resume, contextvars.Context]] = loop.create_future()

    @property
    def blocks(self) -> int:
        """As Passage."""
        return self._part.blocks

    def stay_on_lease(self) -> None:
        """As Passage: the view's part runs where the service's synchronous code does."""
        self._part.stay_on_lease()

    async def enter(self) -> Reply | None:
        """As Passage."""
        self._task = asyncio.create_task(self._run())
        waiting: set[asyncio.Future[Any]] = {self._task, self._parked}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self._parked.done():
            adopt(self._parked.result())
            return None
        return self._reply(self._task.result())

    async def leave(self, resume: Resume) -> Reply:
        """As Passage."""
        self._resumed.set_result((resume, contextvars.copy_context()))
        return self._reply(await cast("asyncio.Task[HttpResponseBase]", self._task))

    def let_go(self) -> None:
        """As Passage."""
        self._part.let_go()

    def abandon(self) -> None:
        """As Passage."""
        if self._task is not None and not self._task.done():
            self._part.abandon()
            self._task.cancel()
            self._finish(None)

    async def view_part(self, call: Resume) -> HttpResponseBase:
        """In the chain: what stands in for the view, which waits for the service in there."""
        part = self._part
        part._call = call  # noqa: SLF001 - known only now
        answered = await part.enter()
        if answered is not None:
            return cast("HttpResponseBase", answered)  # the stand-in did without the service
        self.request = part.request
        self._parked.set_result(contextvars.copy_context())
        resume, context = await self._resumed
        adopt(context)
        return cast("HttpResponseBase", await part.leave(resume))

    async def _run(self) -> HttpResponseBase:
        _passage.set(self)
        set_script_prefix(get_script_prefix(self.scope))
        await signals.request_started.asend(sender=SyncHandler, scope=self.scope)
        try:
            request = request_of(self.scope, self._body)
        except UnicodeDecodeError:  # as Django's ASGIHandler.create_request
            return HttpResponseBadRequest()
        return await self._chain.get_response_async(request)

    def _reply(self, response: HttpResponseBase) -> Reply:
        start = answer_start(response, self.scope["method"])
        if response.streaming and self.scope["method"] != "HEAD":
            streaming = cast("StreamingHttpResponse", response)
            chunks = chunks_of(streaming) if streaming.is_async else chunks_of_sync(streaming, self._lease)
            return Lent(start, chunks, partial(self._finish, response))
        content = b"" if response.streaming else cast("HttpResponse", response).content
        self._finish(response)
        return Whole(start, content)

    def _finish(self, response: HttpResponseBase | None) -> None:
        self._lease.run(partial(self._part.close, response))
