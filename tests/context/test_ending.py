"""What a mirror has begun on a thread ends there, and the thread is given back, whatever becomes of the mirror."""

import asyncio
import threading

import pytest

from gateway.context.ending import release
from gateway.context.mirror_scope import MirrorScope, mirror_scope
from gateway.threads import Threads
from tests.support.asgi import until

pytestmark = pytest.mark.anyio


class Waiting:
    """A transaction whose end waits for the test."""

    def __init__(self):
        self.go_on = threading.Event()
        self.begun = threading.Event()
        self.ended = False

    def end(self):
        self.begun.set()
        self.go_on.wait(20)
        self.ended = True
        return []


@pytest.fixture
def pool():
    pool = Threads(1)
    yield pool
    pool.close()


@pytest.fixture
def transaction():
    found = Waiting()
    yield found
    found.go_on.set()


async def begun(pool, transaction):
    """A mirror with a transaction on the thread of its lease."""
    lease, scope = pool.lease(), MirrorScope()
    lease.hold()

    def begin():
        scope.transactions[threading.get_ident(), "default"] = transaction

    await asyncio.wrap_future(lease.submit(begin))
    return lease, scope


async def test_it_ends_before_whoever_releases_the_lease_goes_on(pool, transaction):
    lease, scope = await begun(pool, transaction)
    transaction.go_on.set()
    with mirror_scope(scope):
        await release(lease)
    assert transaction.ended
    assert await until(lambda: pool.idle == 1)


async def test_who_is_cancelled_meanwhile_keeps_no_thread(pool, transaction):
    lease, scope = await begun(pool, transaction)
    with mirror_scope(scope):
        releasing = asyncio.create_task(release(lease))
    assert await until(transaction.begun.is_set)
    releasing.cancel()
    await asyncio.wait([releasing])
    assert releasing.cancelled()
    transaction.go_on.set()
    assert await until(lambda: pool.idle == 1)
    assert transaction.ended


async def test_the_lease_of_a_caller_is_released_at_once(pool):
    lease = pool.lease()
    await asyncio.wrap_future(lease.submit(lambda: None))
    await release(lease)
    assert await until(lambda: pool.idle == 1)


async def test_on_a_thread_that_a_mirror_has_not_used_nothing_is_ended(pool, monkeypatch):
    ended = []
    monkeypatch.setattr(MirrorScope, "end_here", ended.append)
    with mirror_scope(MirrorScope()):
        await release(pool.lease())
    await asyncio.wrap_future(pool.lease().submit(lambda: None))  # what was submitted before has run
    assert ended == []


async def test_what_a_mirror_that_was_given_up_begins_after_that_ends_too(pool, transaction):
    """Its code goes on until it comes to the database, and nobody waits for it."""
    lease, scope, goes_on = pool.lease(), MirrorScope(), threading.Event()
    transaction.go_on.set()

    def begin():
        goes_on.wait(20)
        scope.transactions[threading.get_ident(), "default"] = transaction

    work = lease.submit(begin)
    assert await until(lambda: lease.begun)
    with mirror_scope(scope):
        await release(lease)
    goes_on.set()
    await asyncio.wrap_future(work)
    assert await until(lambda: transaction.ended)
    assert not scope.transactions
