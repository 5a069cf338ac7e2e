"""The pool that synchronous code runs on."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.threads import Hooks, Lease, PooledThread, Threads, current_thread
from tests.support.server import eventually

PATIENCE = 10.0


@pytest.fixture
def pool() -> Iterator[Callable[..., Threads]]:
    """Make pools that are closed in the end."""
    pools: list[Threads] = []

    def make(size: int, **more: Any) -> Threads:
        pools.append(Threads(size, name="test", hooks=Hooks(**more)))
        return pools[-1]

    yield make
    for threads in pools:
        threads.close()


class Block:
    """A job that waits; `entered` is set once it runs."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.left = threading.Event()
        self._go = threading.Event()

    def __call__(self) -> None:
        self.entered.set()
        self._go.wait(PATIENCE)
        self.left.set()

    def release(self) -> None:
        self._go.set()


def run(threads: Threads, function: Callable[[], Any]) -> Any:
    """The result of `function` on the pool."""
    future: Future[Any] = Future()
    threads.submit(lambda: future.set_result(function()))
    return future.result(PATIENCE)


def test_a_job_runs_on_a_thread_of_the_pool(pool):
    assert run(pool(1), lambda: threading.current_thread().name).startswith("test-")


@pytest.mark.parametrize("error", [RuntimeError, SystemExit, KeyboardInterrupt])
def test_a_job_that_raises_is_logged_and_does_not_end_its_thread(pool, error, caplog):
    def broken() -> None:
        raise error("a secret")

    threads = pool(1)
    threads.submit(broken)
    assert run(threads, lambda: "the next") == "the next"
    assert threads.started == 1
    assert "a secret" in caplog.text


def test_threads_start_only_when_there_is_work(pool):
    threads = pool(8)
    before = threads.started
    run(threads, lambda: None)
    assert (before, threads.started) == (0, 1)


def test_jobs_one_after_another_stay_on_one_warm_thread(pool):
    threads = pool(8)
    assert len({run(threads, threading.get_ident) for _ in range(20)}) == 1


def test_blocking_jobs_spread_over_all_threads(pool):
    threads = pool(5)
    blocks = [Block() for _ in range(5)]
    for block in blocks:
        threads.submit(block)
    assert all(block.entered.wait(PATIENCE) for block in blocks)
    for block in blocks:
        block.release()


def test_a_job_waits_for_a_thread_when_all_are_taken(pool):
    threads = pool(1)
    taken, late = Block(), Block()
    threads.submit(taken)
    assert taken.entered.wait(PATIENCE)
    threads.submit(late)
    assert threads.waiting == 1
    assert not late.entered.is_set()
    taken.release()
    assert late.entered.wait(PATIENCE)
    late.release()


def test_waiting_jobs_run_in_the_order_they_came(pool):
    threads, order = pool(1), []
    block = Block()
    threads.submit(block)
    for number in range(10):
        threads.submit(lambda number=number: order.append(number))
    block.release()
    run(threads, lambda: None)
    assert order == list(range(10))


def test_a_closed_pool_takes_no_jobs(pool):
    threads = pool(1)
    threads.close()
    with pytest.raises(RuntimeError, match="closed pool"):
        threads.submit(lambda: None)


def test_jobs_queued_before_close_still_run(pool):
    threads = pool(1)
    block, done = Block(), threading.Event()
    threads.submit(block)
    threads.submit(done.set)
    threads.close()
    block.release()
    assert done.wait(PATIENCE)


def test_every_thread_ends_after_close_and_says_goodbye(pool):
    goodbyes = threading.Semaphore(0)
    threads = pool(3, at_exit=goodbyes.release)
    blocks = [Block() for _ in range(3)]
    for block in blocks:
        threads.submit(block)
    assert all(block.entered.wait(PATIENCE) for block in blocks)
    threads.close()
    for block in blocks:
        block.release()
    assert all(goodbyes.acquire(timeout=PATIENCE) for _ in range(3))


def test_at_exit_runs_on_the_thread_that_ends(pool):
    ended: Future[int] = Future()
    threads = pool(1, at_exit=lambda: ended.set_result(threading.get_ident()))
    worked = run(threads, threading.get_ident)
    threads.close()
    assert ended.result(PATIENCE) == worked


def test_the_pool_forgets_a_job_once_it_has_run(pool):
    import gc
    import weakref

    class Job:
        def __call__(self) -> None:
            pass

    job = Job()
    forgotten = threading.Event()
    weakref.finalize(job, forgotten.set)
    threads = pool(1)
    threads.submit(job)
    del job
    run(threads, lambda: None)
    gc.collect()
    assert forgotten.is_set()


def test_current_thread_names_the_pooled_thread_inside_and_nothing_outside(pool):
    assert isinstance(run(pool(1), current_thread), PooledThread)
    assert current_thread() is None


def test_repr_says_how_busy_the_pool_is(pool):
    assert repr(pool(3)) == "Threads(size=3, started=0, idle=0, leased=0, waiting=0)"


# -- a thread, named again ----------------------------------------------------------------------


def test_submit_to_runs_the_job_on_that_thread(pool):
    threads = pool(4)
    worked, thread = run(threads, lambda: (threading.get_ident(), current_thread()))
    cleaned: Future[int] = Future()
    threads.submit_to(thread, lambda: cleaned.set_result(threading.get_ident()))
    assert cleaned.result(PATIENCE) == worked


def test_submit_to_a_busy_thread_waits_for_it(pool):
    threads = pool(2)
    named: Future[PooledThread] = Future()
    block, done = Block(), threading.Event()

    def job() -> None:
        named.set_result(current_thread())
        block()

    threads.submit(job)
    threads.submit_to(named.result(PATIENCE), done.set)
    assert not done.is_set()
    block.release()
    assert done.wait(PATIENCE)


def test_submit_to_an_ended_thread_runs_the_job_at_once_on_the_callers(pool):
    ended = threading.Event()
    threads = pool(1, at_exit=ended.set)
    thread = run(threads, current_thread)
    threads.close()
    assert ended.wait(PATIENCE)
    ran: list[int] = []
    threads.submit_to(thread, lambda: ran.append(threading.get_ident()))
    assert ran == [threading.get_ident()]


def test_a_named_job_goes_before_the_backlog(pool):
    threads, order = pool(1), []
    named: Future[PooledThread] = Future()
    block = Block()

    def job() -> None:
        named.set_result(current_thread())
        block()

    threads.submit(job)
    thread = named.result(PATIENCE)
    threads.submit(lambda: order.append("backlog"))
    threads.submit_to(thread, lambda: order.append("named"))
    block.release()
    run(threads, lambda: None)
    assert order == ["named", "backlog"]


# -- leases -------------------------------------------------------------------------------------


def test_all_jobs_of_a_lease_run_on_one_thread(pool):
    lease = pool(4).lease()
    assert len({lease.submit(threading.get_ident).result(PATIENCE) for _ in range(10)}) == 1
    lease.release()


def test_a_lease_without_jobs_takes_no_thread(pool):
    threads = pool(4)
    threads.lease().release()
    assert threads.started == 0


def test_a_lease_that_waits_gives_way_when_every_thread_is_taken(pool):
    tidied = []
    threads = pool(1, tidy=lambda: tidied.append(threading.get_ident()))
    lease = threads.lease()
    leased = lease.submit(threading.get_ident).result(PATIENCE)
    assert run(threads, lambda: (threading.get_ident(), list(tidied))) == (leased, [leased])
    assert lease.submit(threading.get_ident).result(PATIENCE) == leased  # it takes the next one that is free
    lease.release()


def test_a_lease_that_waits_keeps_its_thread_while_others_are_free(pool):
    threads = pool(2)
    lease = threads.lease()
    leased = lease.submit(threading.get_ident).result(PATIENCE)
    assert run(threads, threading.get_ident) != leased
    assert lease.submit(threading.get_ident).result(PATIENCE) == leased
    lease.release()


def test_a_held_lease_gives_way_to_nobody(pool):
    threads = pool(1)
    lease = threads.lease()
    lease.hold()
    leased = lease.submit(threading.get_ident).result(PATIENCE)
    other: Future[int] = Future()
    threads.submit(lambda: other.set_result(threading.get_ident()))
    assert lease.submit(other.done).result(PATIENCE) is False
    lease.unhold()
    assert other.result(PATIENCE) == leased
    lease.release()


def test_a_lease_with_something_of_its_own_on_the_thread_gives_way_to_nobody(pool):
    transaction = [True]
    threads = pool(1, pinned=lambda: bool(transaction))
    lease = threads.lease()
    leased = lease.submit(threading.get_ident).result(PATIENCE)
    other: Future[int] = Future()
    threads.submit(lambda: other.set_result(threading.get_ident()))
    assert lease.submit(other.done).result(PATIENCE) is False
    lease.submit(transaction.clear)
    assert other.result(PATIENCE) == leased
    lease.release()


def test_a_released_lease_leaves_its_thread_tidy_even_when_something_was_left_there(pool):
    tidied = threading.Event()
    threads = pool(1, pinned=lambda: True, tidy=tidied.set)
    lease = threads.lease()
    lease.submit(lambda: None).result(PATIENCE)
    assert not tidied.is_set()
    lease.release()
    assert tidied.wait(PATIENCE)


def test_a_thread_on_which_a_lease_left_nothing_is_free_at_once_and_not_woken_for_that(pool):
    tidied = []
    threads = pool(1, used=lambda: False, tidy=lambda: tidied.append(True))
    lease = threads.lease()
    leased = lease.submit(threading.get_ident).result(PATIENCE)
    eventually(lambda: threads.working == 0)  # it sleeps
    lease.release()
    assert threads.idle == 1
    assert run(threads, threading.get_ident) == leased
    assert tidied == []
    threads.close()
    eventually(lambda: threads.started == 0)


def test_a_thread_that_a_lease_used_is_tidied_up_whatever_an_earlier_lease_left(pool):
    left, tidied = [], threading.Semaphore(0)
    threads = pool(1, used=lambda: bool(left), tidy=tidied.release)
    for again in range(3):
        first, second = threads.lease(), threads.lease()
        first.submit(left.clear).result(PATIENCE)
        first.release()
        second.submit(left.append, again).result(PATIENCE)
        second.release()
        assert tidied.acquire(timeout=PATIENCE)
    assert not tidied.acquire(blocking=False)


def test_a_released_thread_helps_at_once_with_what_waits(pool):
    threads = pool(1, used=lambda: False)
    lease = threads.lease()
    lease.hold()
    leased = lease.submit(threading.get_ident).result(PATIENCE)
    other: Future[int] = Future()
    threads.submit(lambda: other.set_result(threading.get_ident()))
    lease.release()
    assert other.result(PATIENCE) == leased


def test_a_lease_called_after_its_release_keeps_no_thread(pool):
    tidied = threading.Semaphore(0)
    lease = pool(1, tidy=tidied.release).lease()
    lease.submit(lambda: None).result(PATIENCE)
    lease.release()
    assert tidied.acquire(timeout=PATIENCE)
    for _ in range(3):
        lease.submit(lambda: None).result(PATIENCE)
        assert tidied.acquire(timeout=PATIENCE)


def test_a_hold_taken_back_after_the_release_is_none(pool):
    threads = pool(1)
    lease = threads.lease()
    lease.hold()
    lease.submit(lambda: None).result(PATIENCE)
    lease.release()
    lease.unhold()
    lease.submit(lambda: None).result(PATIENCE)
    assert run(threads, lambda: True)


def test_a_lease_says_whether_something_of_its_own_is_on_the_thread(pool):
    """As soon as the call has returned."""
    left: list[int] = []
    lease = pool(1, pinned=lambda: bool(left)).lease()
    for job, pinned in ((lambda: left.append(1), True), (left.clear, False)):
        lease.submit(job).result(PATIENCE)
        assert lease.pinned is pinned
    lease.release()


def test_a_lease_that_rests_leaves_nothing_behind(pool):
    """Neither between its calls, nor when it is no longer held."""
    rested = threading.Semaphore(0)
    left: list[int] = []
    lease = pool(1, pinned=lambda: bool(left), on_idle=rested.release).lease()
    lease.submit(lambda: left.append(1)).result(PATIENCE)
    lease.submit(left.clear).result(PATIENCE)
    assert rested.acquire(timeout=PATIENCE)
    lease.hold()
    lease.submit(lambda: None).result(PATIENCE)
    lease.submit(lambda: None).result(PATIENCE)
    assert not rested.acquire(blocking=False)
    lease.unhold()
    assert rested.acquire(timeout=PATIENCE)
    lease.release()


def test_calls_of_one_lease_never_overlap(pool):
    lease, block, overlap = pool(4).lease(), Block(), []
    lease.submit(block)
    late = lease.submit(lambda: overlap.append(not block.left.is_set()))
    block.release()
    late.result(PATIENCE)
    assert overlap == [False]
    lease.release()


def test_leases_wait_for_a_thread_when_all_are_held(pool):
    threads = pool(1)
    first, second = threads.lease(), threads.lease()
    first.hold()
    first.submit(lambda: None).result(PATIENCE)
    waiting = second.submit(lambda: "had its turn")
    assert first.submit(waiting.done).result(PATIENCE) is False
    first.release()
    assert waiting.result(PATIENCE) == "had its turn"
    second.release()


def test_a_released_thread_serves_others_again(pool):
    threads = pool(1)
    lease = threads.lease()
    leased = lease.submit(threading.get_ident).result(PATIENCE)
    lease.release()
    assert run(threads, threading.get_ident) == leased


def test_leases_start_no_more_threads_than_the_pool_has(pool):
    threads = pool(2)
    leases = [threads.lease() for _ in range(6)]
    for lease in leases:
        lease.submit(lambda: None).result(PATIENCE)
    assert threads.started == 2
    for lease in leases:
        lease.release()


def test_a_thread_stands_by_while_a_leased_one_works_and_not_while_it_sleeps(pool, monkeypatch):
    threads = pool(2)
    monkeypatch.setattr(threads.schedule.load, "high", lambda: True)
    lease, work = threads.lease(), Block()
    lease.hold()
    lease.run(work)
    assert work.entered.wait(PATIENCE)
    working = run(threads, lambda: stands_by(threads))
    work.release()
    until(lambda: str(threads.schedule.asleep), "2")
    assert (working, run(threads, lambda: stands_by(threads))) == (True, False)
    lease.release()


def stands_by(threads: Threads) -> bool:
    """Whether this thread of the pool would, if jobs had begun meanwhile."""
    thread = current_thread()
    assert thread is not None
    with threads.schedule.lock:
        thread.seen -= 10
        found = threads.schedule.stands_by(thread)
        threads.schedule.unsignal(thread)
    return found


def test_a_lease_hands_back_what_its_job_returns(pool):
    lease = pool(1).lease()
    assert lease.submit(divmod, 7, 2).result(PATIENCE) == (3, 1)
    lease.release()


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_a_lease_hands_back_what_its_job_raises(pool, error):
    def job() -> None:
        raise error

    lease = pool(1).lease()
    assert lease.submit(job).exception(PATIENCE) is error
    lease.release()


def test_a_job_cancelled_before_its_turn_does_not_run(pool):
    lease, block, ran = pool(1).lease(), Block(), []
    lease.submit(block)
    future = lease.submit(lambda: ran.append(1))
    assert future.cancel()
    block.release()
    lease.submit(lambda: None).result(PATIENCE)
    assert ran == []
    lease.release()


def test_a_lease_can_be_used_again_after_its_release(pool):
    lease = pool(1).lease()
    lease.submit(lambda: None).result(PATIENCE)
    lease.release()
    assert lease.submit(lambda: "again").result(PATIENCE) == "again"
    lease.shutdown()


def test_a_thread_leased_while_the_pool_closes_ends_after_its_release(pool):
    ended = threading.Event()
    threads = pool(1, at_exit=ended.set)
    lease = threads.lease()
    lease.hold()
    lease.submit(lambda: None).result(PATIENCE)
    threads.close()
    assert lease.submit(lambda: "still here").result(PATIENCE) == "still here"
    lease.release()
    assert ended.wait(PATIENCE)


# -- rules for every mixture --------------------------------------------------------------------


class AnyMixture(RuleBasedStateMachine):
    """Jobs that return, jobs that block and leases, in any order."""

    @initialize(size=st.integers(1, 4))
    def start(self, size: int) -> None:
        self.threads = Threads(size, name="mixture")
        self.leases: list[Lease] = []
        self.held: dict[Lease, set[int]] = {}
        self.blocks: list[Block] = []
        self.finished: list[threading.Event] = []
        self.runs: Counter[int] = Counter()
        self.lock = threading.Lock()

    def _job(self, during: Callable[[], object]) -> Callable[[], None]:
        number, finished = len(self.finished), threading.Event()

        def job() -> None:
            during()
            with self.lock:
                self.runs[number] += 1
            finished.set()

        self.finished.append(finished)
        return job

    @rule()
    def submit_a_job(self) -> None:
        self.threads.submit(self._job(lambda: None))

    @rule()
    def submit_a_blocking_job(self) -> None:
        self.blocks.append(Block())
        self.threads.submit(self._job(self.blocks[-1]))

    @rule()
    def let_a_job_go_on(self) -> None:
        if self.blocks:
            self.blocks.pop().release()

    @rule(blocking=st.booleans())
    def call_on_a_new_lease(self, blocking: bool) -> None:
        self.leases.append(self.threads.lease())
        if blocking:
            self.blocks.append(Block())
            self.leases[-1].submit(self._job(self.blocks[-1]))
        else:
            self.leases[-1].submit(self._job(lambda: None))

    @rule(which=st.integers(0, 9))
    def call_on_a_lease(self, which: int) -> None:
        if self.leases:
            lease = self.leases[which % len(self.leases)]
            used = self.held.get(lease, set())
            lease.submit(self._job(lambda: used.add(threading.get_ident())))

    @rule(which=st.integers(0, 9))
    def hold_a_lease(self, which: int) -> None:
        if self.leases and (lease := self.leases[which % len(self.leases)]) not in self.held:
            self.held[lease] = set()
            lease.hold()

    @rule(which=st.integers(0, 9))
    def unhold_a_lease(self, which: int) -> None:
        if self.held and which < len(self.held):
            lease = list(self.held)[which]
            self._held_on_one_thread(self.held.pop(lease))
            lease.unhold()

    @rule()
    def release_a_lease(self) -> None:
        if self.leases:
            lease = self.leases.pop()
            self._held_on_one_thread(self.held.pop(lease, set()))
            lease.release()

    @staticmethod
    def _held_on_one_thread(used: set[int]) -> None:
        assert len(used) <= 1

    @invariant()
    def never_more_threads_than_its_size(self) -> None:
        if hasattr(self, "threads"):
            assert self.threads.started <= self.threads.size

    @invariant()
    def no_more_asleep_than_there_are(self) -> None:
        if hasattr(self, "threads"):
            with self.threads.schedule.lock:
                assert len(self.threads.schedule.idle) <= self.threads.schedule.asleep <= self.threads.started

    def teardown(self) -> None:
        """In the end, every job has run exactly once, and no thread is anybody's."""
        for block in self.blocks:
            block.release()
        for lease in self.leases:
            lease.release()
        assert all(event.wait(PATIENCE) for event in self.finished)
        self.threads.close()
        assert sorted(self.runs.items()) == [(number, 1) for number in range(len(self.finished))]
        for used in self.held.values():
            self._held_on_one_thread(used)
        assert "leased=0" in until(lambda: repr(self.threads), "leased=0")


def until(read: Callable[[], str], wanted: str) -> str:
    """What `read` says, once it has `wanted` in it or patience ends."""
    end = time.monotonic() + PATIENCE
    while wanted not in (found := read()) and time.monotonic() < end:
        time.sleep(0.001)
    return found


TestAnyMixture = AnyMixture.TestCase
TestAnyMixture.pytestmark = [pytest.mark.slow]
TestAnyMixture.settings = settings(stateful_step_count=30)
