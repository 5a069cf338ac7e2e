"""Where asgiref keeps what belongs to a request, and which thread waits for whom."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.local import Local
from asgiref.sync import async_to_sync, iscoroutinefunction, markcoroutinefunction, sync_to_async

from gateway.compat.asgiref import adopt, common_thread, unbound_after, unmark_coroutine, waiting_thread

name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="nobody's")
local = Local()


def on_a_thread(function: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(contextvars.Context().run, function).result()


def set_both() -> contextvars.Context:
    name.set("the request's")
    local.name = "the request's"
    return contextvars.copy_context()


def both() -> tuple[str, str]:
    return name.get(), getattr(local, "name", "nobody's")


def test_what_another_thread_has_set_is_adopted_variables_and_locals():
    context = on_a_thread(set_both)

    def there():
        before = both()
        adopt(context)
        return before, both()

    assert on_a_thread(there) == (("nobody's", "nobody's"), ("the request's", "the request's"))


def test_a_thread_that_waits_in_async_to_sync_runs_what_it_is_given():
    async def inside():
        return await asyncio.wrap_future(waiting_thread().submit(threading.get_ident))

    assert on_a_thread(lambda: async_to_sync(inside)() == threading.get_ident())


def test_no_thread_waits_for_code_that_nobody_waits_for():
    async def inside():
        return waiting_thread()

    assert on_a_thread(waiting_thread) is None
    assert on_a_thread(lambda: asyncio.run(inside())) is None


def test_a_task_without_a_context_has_its_synchronous_code_run_on_the_common_thread():
    async def inside():
        return await sync_to_async(threading.get_ident)()

    assert on_a_thread(lambda: asyncio.run(inside())) == common_thread().submit(threading.get_ident).result()


class Unbinding(ThreadPoolExecutor):
    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        def run():
            with unbound_after():
                return function(*args, **kwargs)

        return super().submit(run)


async def running_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest.mark.anyio
@pytest.mark.parametrize(("pool", "bound"), [(ThreadPoolExecutor, True), (Unbinding, False)])
async def test_a_thread_is_bound_to_the_loop_of_a_call_beyond_its_end_but_not_beyond_the_block(pool, bound):
    with pool(1) as threads:
        await sync_to_async(threading.get_ident, thread_sensitive=False, executor=threads)()
        found = await asyncio.wrap_future(threads.submit(async_to_sync(running_loop)))

    assert (found is asyncio.get_running_loop()) is bound


def test_a_function_that_was_marked_as_a_coroutine_function_is_none_any_more():
    function = markcoroutinefunction(lambda: None)
    assert iscoroutinefunction(function)

    unmark_coroutine(function)

    assert not iscoroutinefunction(function)
