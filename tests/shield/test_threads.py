"""What a mirror starts on threads that know nothing of it writes for nobody either."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from gateway.context.mirror_scope import current

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

pool = ThreadPoolExecutor(1)


def insert():
    try:
        Group.objects.create(name="a")
    finally:
        connection.close()


class Inserting(threading.Thread):
    def run(self):
        insert()


def ended(thread):
    thread.start()
    thread.join()


async def in_an_executor():
    await asyncio.get_running_loop().run_in_executor(None, insert)


SYNC = {
    "a thread": lambda: ended(threading.Thread(target=insert)),
    "a thread of a class": lambda: ended(Inserting()),
    "a thread with a partial": lambda: ended(threading.Thread(target=partial(insert))),
    "a timer": lambda: ended(threading.Timer(0, insert)),
    "a pool": lambda: pool.submit(insert).result(),
    "a new pool": lambda: ThreadPoolExecutor(1).submit(insert).result(),
    "a pool's map": lambda: [*pool.map(lambda _: insert(), [1])],
    "a process": lambda: ProcessPoolExecutor(1).submit(insert).result(),
}


@pytest.mark.parametrize("side", ["service", "legacy"])
@pytest.mark.parametrize("act", SYNC.values(), ids=SYNC.keys())
async def test_what_a_mirror_would_write_on_threads_of_its_own_is_refused(mirrored, mirrors, act, side):
    await mirrored(act, side=side)
    assert await Group.objects.acount() == 0
    assert mirrors().dropped == {"unshielded": 1}


async def test_so_is_what_the_event_loop_hands_to_its_executor(mirrored, mirrors):
    await mirrored(in_an_executor, path="/s/async/")
    assert await Group.objects.acount() == 0
    assert mirrors().dropped == {"unshielded": 1}


async def test_a_mirror_may_compute_in_a_pool_whose_threads_are_nobodys_afterwards(mirrored, mirrors):
    new = ThreadPoolExecutor(1)
    assert await mirrored(lambda: new.submit(pow, 2, 5).result()) == 32
    assert mirrors().compared == 1
    assert new.submit(current.get).result() is None


async def test_threads_of_libraries_that_serve_the_process_are_started(mirrored, mirrors):
    def act():
        thread = threading.Thread(target=asyncio.run, args=(asyncio.sleep(0),))
        ended(thread)
        return thread.ident is not None

    assert await mirrored(act)
    assert mirrors().compared == 1


async def test_callers_start_threads_as_ever():
    started = threading.Event()
    ended(threading.Thread(target=started.set))
    assert started.is_set()
