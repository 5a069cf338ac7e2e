"""A caller thread executor runs a request's synchronous code on the caller's thread, and never waits for itself."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

import anyio.to_thread
import pytest
from asgiref.sync import SyncToAsync, async_to_sync, sync_to_async

from gateway.testing import running
from gateway.testing.executors import AsyncCallerExecutor, CallerThreads, SyncCallerExecutor, use_executor


def here(*_):
    return threading.get_ident()


async def everywhere():
    """The threads of every way to run something synchronous."""
    return {
        await sync_to_async(here)(),
        await sync_to_async(here, thread_sensitive=False)(),
        await asyncio.to_thread(here),
        await anyio.to_thread.run_sync(here),
    }


def test_every_way_to_run_synchronous_code_leads_to_the_thread_that_asks(gateway_app):
    assert running().run(everywhere()) == {threading.get_ident()}


def test_code_that_waits_for_async_code_is_no_obstacle(gateway_app):
    async def within():
        return await sync_to_async(async_to_sync(everywhere))()

    assert running().run(within()) == {threading.get_ident()}


@pytest.mark.anyio
async def test_in_async_tests_it_is_the_thread_of_the_tests_own_queries(gateway_app):
    assert await running().arun(everywhere()) == {await sync_to_async(here)()}


@pytest.mark.anyio
async def test_there_too_code_may_wait_for_async_code(gateway_app):
    async def within():
        return await sync_to_async(async_to_sync(everywhere))()

    assert await running().arun(within()) == {await sync_to_async(here)()}


def test_a_task_that_outlives_its_request_goes_where_django_takes_it(gateway_app):
    async def later(answered):
        await answered.wait()
        return await sync_to_async(here)()

    async def ask():
        answered = asyncio.Event()
        return answered, asyncio.create_task(later(answered))

    async def wait_for(answered, task):
        answered.set()
        return await task

    answered, task = running().run(ask())
    found = running().run(wait_for(answered, task))
    assert found == SyncToAsync.single_thread_executor.submit(here).result() != here()


def test_what_a_desk_is_handed_after_its_answer_still_runs():
    executor, answer = SyncCallerExecutor(), Future()
    answer.set_result("done")
    assert executor.serve(answer) == "done"
    assert executor.submit(here).result() == SyncToAsync.single_thread_executor.submit(here).result()


def test_ctrl_c_ends_the_wait():
    executor, answer = SyncCallerExecutor(), Future()

    def interrupt():
        raise KeyboardInterrupt

    executor.run(interrupt)
    with pytest.raises(KeyboardInterrupt):
        executor.serve(answer)
    assert answer.cancelled()


def test_what_a_job_raises_is_in_its_future():
    executor, answer = SyncCallerExecutor(), Future()
    future = executor.submit(int, "x")
    answer.set_result(None)
    executor.serve(answer)
    with pytest.raises(ValueError, match="invalid literal"):
        future.result()


def test_a_pool_without_a_desk_has_threads_of_its_own():
    pool, found = CallerThreads(1), Future()
    pool.submit(lambda: found.set_result(here()))
    assert found.result() != here()
    pool.close()


def test_async_to_sync_of_a_test_does_not_end_up_on_the_gateways_loop(gateway_app):
    async def loop():
        return asyncio.get_running_loop()

    async def of_gateway():
        await sync_to_async(here)()
        return asyncio.get_running_loop()

    gateways = running().run(of_gateway())
    assert async_to_sync(loop)() is not gateways


@pytest.mark.anyio
async def test_a_desk_of_an_async_test_runs_its_jobs_one_at_a_time():
    executor, busy, overlaps = AsyncCallerExecutor(), threading.Lock(), []

    def job():
        if busy.acquire(blocking=False):
            here()
            busy.release()
        else:
            overlaps.append(1)

    with use_executor(executor):
        await asyncio.gather(*(asyncio.wrap_future(executor.submit(job)) for _ in range(50)))
    assert overlaps == []
