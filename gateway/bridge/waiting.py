"""Finds asynchronous middleware that blocks a thread in `async_to_sync` while it waits for the view.

In an asynchronous chain the service's synchronous code would have to run on that thread, which waits for it. The source
doesn't tell, so the chain is tried with a synthetic request.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from io import BytesIO
from typing import Any

from asgiref.sync import ThreadSensitiveContext, iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import MiddlewareNotUsed
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch

from gateway.bridge.probe import Around, probe_scope, resolve_to_probe, unlogged
from gateway.compat.asgiref import waiting_thread
from gateway.compat.django import loaded_as
from gateway.context.mirror_scope import MirrorScope, mirror_scope
from gateway.legacy.connections import django_threads
from gateway.legacy.loading import Ways, capabilities
from gateway.shield import shield

__all__ = ["waiting_entries"]

logger = logging.getLogger("gateway.bridge")

LONGEST = 5.0  # seconds that a middleware may take, for one that calls an unavailable server

GetResponse = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


def waiting_entries(chosen: Sequence[str] | None, ways: Ways) -> list[str]:
    """The entries of MIDDLEWARE, or the `chosen` ones, that call `get_response` through `async_to_sync` although they
    run asynchronously. Entries behind one that answers itself are not tried."""
    shield()
    found: list[str] = []
    thread = threading.Thread(target=_try, args=(chosen, ways, found), name="gateway-check", daemon=True)
    with unlogged():
        thread.start()
        thread.join(LONGEST)
    return [*found]


def _try(chosen: Sequence[str] | None, ways: Ways, found: list[str]) -> None:
    """Run on a separate thread, with an event loop of its own."""
    pool = django_threads(1, "check")
    lease = pool.lease()
    scope = MirrorScope()

    async def ask() -> None:
        async with ThreadSensitiveContext(executor=lease):
            await _AsyncChain(chosen, ways, found).get_response_async(ASGIRequest(probe_scope("GET"), BytesIO()))

    try:
        with mirror_scope(scope):
            asyncio.run(ask())
    except Exception:
        logger.debug("the middleware could not be tried", exc_info=True)
    finally:
        lease.submit(scope.end_here).result()
        lease.release()
        pool.close()


class _AsyncChain(BaseHandler):
    """Django's asynchronous chain, which adds to `found` the entries that block a thread."""

    def __init__(self, chosen: Sequence[str] | None, ways: Ways, found: list[str]) -> None:
        self._chosen = chosen
        self._ways = ways
        self._found = found
        with loaded_as(self._watched):
            self.load_middleware(is_async=True)

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """As Django's, with a stand-in for every view."""
        return resolve_to_probe(request)

    def _watched(self, path: str, middleware: Callable[..., Any]) -> Callable[..., Any]:
        def factory(get_response: Any) -> Any:
            if self._chosen is not None and path not in self._chosen:
                raise MiddlewareNotUsed
            if not iscoroutinefunction(get_response):
                return middleware(get_response)  # Django itself runs it on a waiting thread
            return self._watching(path, middleware, get_response)

        factory.sync_capable, factory.async_capable = capabilities(path, middleware, self._ways)  # type: ignore[attr-defined] # as Django reads it
        return factory

    def _watching(self, path: str, middleware: Callable[..., Any], get_response: GetResponse) -> Any:
        outside: list[object] = []

        async def inner(request: HttpRequest) -> HttpResponseBase:
            if waiting_thread() is not outside[-1] and path not in self._found:
                self._found.append(path)
            return await get_response(request)

        async def outer(request: HttpRequest) -> HttpResponseBase:
            outside.append(waiting_thread())
            response: HttpResponseBase = await instance(request)
            return response

        instance = middleware(inner)
        return markcoroutinefunction(Around(instance, outer))
