"""Django's ORM in services: one request, one thread, one connection (docs/DESIGN.md, decision 5)."""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

import anyio
from anyio.lowlevel import checkpoint_if_cancelled
from asgiref.sync import sync_to_async
from django.db import DEFAULT_DB_ALIAS, transaction

from gateway.compat.anyio import RunSync, wrap_run_sync
from gateway.compat.asgiref import adopt, waiting_thread
from gateway.compat.fastapi import manager_of, step_of
from gateway.legacy.call import harmless
from gateway.threads import Lease
from gateway.upstreams.bulkhead import thread_limiter

__all__ = ["atomic", "divert_sync_calls", "in_django", "request_lease"]

P = ParamSpec("P")
T = TypeVar("T")

request_lease: contextvars.ContextVar[Lease | None] = contextvars.ContextVar("request_lease", default=None)
_inside: contextvars.ContextVar[tuple[atomic, ...]] = contextvars.ContextVar("inside", default=())  # its blocks
_open: weakref.WeakKeyDictionary[Lease, dict[str, atomic]] = weakref.WeakKeyDictionary()


async def in_django(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run synchronous code on the request's own thread, which has its connection and its transaction.

        order = await in_django(place_order, request.user, cart)

    Returns what it returns and raises what it raises.
    """
    return await sync_to_async(function, thread_sensitive=True)(*args, **kwargs)


class atomic(AbstractAsyncContextManager[None]):  # noqa: N801 - as django.db.transaction.atomic is called
    """`django.db.transaction.atomic` for asynchronous endpoints.

        async with atomic():
            await Stock.objects.filter(pk=pk).aupdate(...)

    The transaction is the request's: everything that it does with the ORM inside is part of it, and nothing that others
    do. The request keeps its thread until the block ends, so don't wait in it for long. Raises RuntimeError outside of
    a request to a service with `middleware`, and while another task of the request, which this one is not part of, has
    a block open: on one connection, each would end the other's.
    """

    def __init__(self, using: str | None = None, *, savepoint: bool = True, durable: bool = False) -> None:
        self._block = transaction.atomic(using, savepoint, durable)
        self._alias = using or DEFAULT_DB_ALIAS
        self._entered = False
        self._open: dict[str, atomic] = {}  # the request's innermost block, by database
        self._outer: atomic | None = None
        self._left = False  # it was exited before a block inside it

    async def __aenter__(self) -> None:
        lease = request_lease.get()
        if lease is None:
            raise RuntimeError("atomic() needs the request's own thread: the service has to run inside `middleware`")
        self._open = _open.setdefault(lease, {})
        self._outer = self._open.get(self._alias)
        if self._outer is not None and self._outer not in _inside.get():
            raise RuntimeError(
                "another task of this request has an atomic() block open, on the same connection; await one before "
                "you begin the other"
            )
        self._open[self._alias] = self
        try:
            await _to_the_end(in_django(self._enter))
        except BaseException as exc:
            if self._entered:
                await self.__aexit__(type(exc), exc, exc.__traceback__)
            else:
                self._close()
            raise
        _inside.set((*(block for block in _inside.get() if block._entered), self))  # noqa: SLF001

    def _enter(self) -> None:
        self._block.__enter__()
        self._entered = True

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open.get(self._alias) is not self:
            self._left = True  # the inner block rolls back both when it ends
            raise RuntimeError("an atomic() block ends before one that another task has opened inside of it") from error
        self._entered = False
        try:
            await _to_the_end(in_django(self._block.__exit__, kind, error, trace))
        finally:
            self._close()
            if self._outer is not None and self._outer._left:  # noqa: SLF001
                late = RuntimeError("its block was left before")
                await self._outer.__aexit__(RuntimeError, late, None)

    def _close(self) -> None:
        if self._outer is None:
            self._open.pop(self._alias, None)
        else:
            self._open[self._alias] = self._outer


async def _to_the_end(step: Coroutine[Any, Any, T]) -> T:
    """The result of `step`. When the caller is cancelled, this waits until `step` has ended: otherwise a transaction
    that begins or ends meanwhile would include what the request does next."""
    task = asyncio.ensure_future(step)
    cancelled: asyncio.CancelledError | None = None
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError as exc:
                cancelled = exc
    if cancelled is not None:
        task.exception()  # retrieved, so that asyncio doesn't log it
        raise cancelled
    return task.result()


def divert_sync_calls() -> None:
    """Run on the request's own thread what Starlette and FastAPI run on AnyIO's worker threads.

    Otherwise each plain `def` endpoint, dependency, `yield` exit, background task and iterator would get any of forty
    threads, and so another request's connection and transaction (fastapi/fastapi#5891). All of them go through AnyIO's
    `run_sync`; outside of a bridged request it works as before.
    """
    wrap_run_sync("orm", _diverted)


def _diverted(original: RunSync) -> RunSync:
    async def run_sync(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        lease = request_lease.get()
        if lease is None:
            if (limiter := thread_limiter.get()) is not None and options.get("limiter") is None:
                options["limiter"] = limiter
            return await original(function, *args, **options)
        if waiting_thread() is not None:
            # Synchronous code inside asynchronous code: the thread waits for this, and asgiref can run it there.
            return await sync_to_async(_crossing, thread_sensitive=True)(contextvars.copy_context(), function, args)
        await checkpoint_if_cancelled()
        with anyio.CancelScope(shield=not options.get("abandon_on_cancel", False)):
            return await _run(lease, function, args)

    return run_sync


async def _run(lease: Lease, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    # A context manager that was entered keeps the thread until it is exited.
    step = step_of(function)
    if step == "__enter__":
        lease.hold()
    context = contextvars.copy_context()
    future = lease.submit(context.run, _crossing, context, function, args)
    try:
        result = await asyncio.wrap_future(future)
        adopt(context)  # context variables that the function set stay set
    except BaseException as exc:
        if step == "__enter__":
            if isinstance(exc, asyncio.CancelledError):
                lease.run(partial(context.run, _exit_again, future, manager_of(function), exc))
            lease.unhold()
        raise
    finally:
        if step == "__exit__":
            lease.unhold()
    return result


def _exit_again(entering: Future[Any], manager: Any, error: BaseException) -> None:
    """On the thread: exit a context manager that was entered although its caller no longer waited."""
    if not entering.cancelled() and entering.exception() is None:
        with suppress(BaseException):  # usually `error` itself
            manager.__exit__(type(error), error, error.__traceback__)


def _crossing(context: contextvars.Context, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    adopt(context)
    try:
        return function(*args)
    except BaseException as exc:
        if (error := harmless(exc)) is exc:
            raise
        raise error from exc
