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
_inside: contextvars.ContextVar[tuple[atomic, ...]] = contextvars.ContextVar("inside", default=())  # of which blocks
_open: weakref.WeakKeyDictionary[Lease, dict[str, atomic]] = weakref.WeakKeyDictionary()


async def in_django(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run synchronous code on the request's own thread, where its connection and its transaction are.

        order = await in_django(place_order, request.user, cart)

    Returns what it returns and raises what it raises.
    """
    return await sync_to_async(function, thread_sensitive=True)(*args, **kwargs)


class atomic(AbstractAsyncContextManager[None]):  # noqa: N801 - as django.db.transaction.atomic is called
    """`django.db.transaction.atomic` for asynchronous endpoints.

        async with atomic():
            await Stock.objects.filter(pk=pk).aupdate(...)

    The transaction is the request's: everything that it does with the ORM inside is part of it, and nothing
    that others do. The thread is the request's too until the block ends, so don't wait in it for long.
    Raises RuntimeError outside of a request to a service with `middleware`, and where another task of the request
    has a block open that this one is not inside of: on one connection, each would end the other's.
    """

    def __init__(self, using: str | None = None, *, savepoint: bool = True, durable: bool = False) -> None:
        self._block = transaction.atomic(using, savepoint, durable)
        self._alias = using or DEFAULT_DB_ALIAS
        self._entered = False
        self._open: dict[str, atomic] = {}  # of the request: by database, the innermost block
        self._outer: atomic | None = None
        self._left = False  # before a block that is inside of it

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
            self._left = True  # the one inside of it rolls back both, once it ends
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
    """What `step` returns. When the caller is cancelled, that waits until `step` has ended: a transaction that
    began, or ended, behind its back would take in what the request does next."""
    task = asyncio.ensure_future(step)
    cancelled: asyncio.CancelledError | None = None
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError as exc:
                cancelled = exc
    if cancelled is not None:
        task.exception()  # of two ends the first counts
        raise cancelled
    return task.result()


def divert_sync_calls() -> None:
    """Let what Starlette and FastAPI run on AnyIO's threads run on the request's own, where there is one.

    Each plain `def` endpoint, dependency, `yield` exit, background task and iterator would get any of forty
    threads, and so somebody else's connection and transaction (fastapi/fastapi#5891). They all go through
    AnyIO's `run_sync`; outside of a bridged request it does what it did.
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
            # Synchronous code around asynchronous: the thread waits for us, and asgiref can lend it to us.
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
        adopt(context)  # what the function activated is active after it
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
    """On the thread: exit a context manager that was entered though nobody waited for that any more."""
    if not entering.cancelled() and entering.exception() is None:
        with suppress(BaseException):  # `error`, above all
            manager.__exit__(type(error), error, error.__traceback__)


def _crossing(context: contextvars.Context, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    adopt(context)
    try:
        return function(*args)
    except BaseException as exc:
        if (error := harmless(exc)) is exc:
            raise
        raise error from exc
