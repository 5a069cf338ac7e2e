"""Callers that write the same rows as mirrors do: they lose nothing and meet no error that they wouldn't meet alone."""

from __future__ import annotations

import asyncio
import itertools
import threading
from contextlib import suppress

import pytest
from django.db import connections, transaction
from django.db.utils import DatabaseError

from gateway.context.mirror_scope import MirrorScope, mirror_scope
from gateway.legacy.connections import django_threads
from gateway.shield.databases import shield_databases
from tests.project import sharing
from tests.shield.test_databases import on_a_thread, run
from tests.support.asgi import ask, running
from tests.support.databases import KINDS, empty_database, known_as

pytestmark = pytest.mark.long

CALLERS, TIMES = 4, 25
NUMBERED = {
    "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "postgres": "SERIAL PRIMARY KEY",
    "mariadb": "INTEGER AUTO_INCREMENT PRIMARY KEY",
}


@pytest.fixture(scope="module", params=KINDS)
def shop(request, tmp_path_factory, django_db_blocker):
    """A database with two stocks, and orders whose keys are unique."""
    shield_databases()
    folder = tmp_path_factory.mktemp("shop")
    with django_db_blocker.unblock(), empty_database(request.param, folder) as database:
        name = f"shop_{request.param}"
        known_as(name, database.settings)
        tables = (
            "CREATE TABLE stock (id INTEGER PRIMARY KEY, sold INTEGER)",
            f"CREATE TABLE bought (id {NUMBERED[request.param]}, code VARCHAR(20) UNIQUE)",
            "INSERT INTO stock VALUES (1, 0), (2, 0)",
        )
        on_a_thread(lambda: run(name, *tables))
        yield name
        connections.settings.pop(name)


def sell(alias, *stocks):
    with connections[alias].cursor() as cursor:
        for number in stocks:
            cursor.execute("UPDATE stock SET sold = sold + 1 WHERE id = %s", [number])


def buy(alias, code):
    with connections[alias].cursor() as cursor:
        cursor.execute("INSERT INTO bought (code) VALUES (%s)", [code])


def as_mirror(work):
    scope = MirrorScope(writes=True)
    with mirror_scope(scope):
        with suppress(DatabaseError):
            work()
        scope.end_here()
    return scope


@pytest.mark.parametrize("shop", ["postgres", "mariadb"], indirect=True)
def test_callers_and_mirrors_of_the_same_writes_in_opposite_orders(shop):
    """Each caller takes the first stock, then the second; mirrors the second, then the first: they would deadlock."""
    over, pause, given_up = threading.Event(), threading.Event(), []

    def call(caller):
        for number in range(TIMES):
            with transaction.atomic(using=shop):
                sell(shop, 1)
                buy(shop, f"{caller}-{number}")
                sell(shop, 2)

    def mirror(caller):
        for number in itertools.count():
            if over.is_set():
                return

            def work(number=number):
                sell(shop, 2)
                buy(shop, f"{caller}-{number % TIMES}")
                pause.wait(0.005)
                sell(shop, 1)

            given_up.append(as_mirror(work).gave_way)

    threads = django_threads(CALLERS + 2, "contending")
    mirrors = [_submitted(threads, mirror, number) for number in range(2)]
    callers = [_submitted(threads, call, number) for number in range(CALLERS)]
    try:
        for caller in callers:
            caller.result()  # raises what the caller met
    finally:
        over.set()
        for one in mirrors:
            one.result()
        threads.close()
    assert "locks" in given_up
    assert set(given_up) <= {None, "locks"}
    assert sold(shop) == [CALLERS * TIMES] * 2
    assert on_a_thread(lambda: run(shop, "SELECT COUNT(DISTINCT code) FROM bought"))[0][0] == CALLERS * TIMES


def _submitted(threads, work, *args):
    lease = threads.lease()
    future = lease.submit(work, *args)
    lease.release()
    return future


@pytest.mark.anyio
@pytest.mark.parametrize("shop", ["postgres", "mariadb"], indirect=True)
async def test_through_the_gateway_every_caller_is_answered_and_counted_once(shop, gateway, project, scratch):
    """Each caller's POST has a mirror that does the same in the opposite order, and takes its time."""
    project.ROOT_URLCONF, project.MIDDLEWARE = "tests.project.sharing", []
    codes, pause = itertools.count(1000), threading.Event()

    def legacy():
        with transaction.atomic(using=shop):
            sell(shop, 1)
            buy(shop, f"code {next(codes)}")
            sell(shop, 2)

    def service():
        sell(shop, 2)
        buy(shop, f"code {next(codes)}")
        pause.wait(0.03)
        sell(shop, 1)

    sharing.acts.update(legacy=legacy, service=service)
    before = sold(shop)
    mirror = {"lag": 10, "delay": 0.001, "queue": 4, "concurrency": 4}
    mirror["database"] = {"default": scratch} | {alias: scratch for alias in connections if alias == "shop_sqlite"}
    tables = {
        "services": {"s": {"app": "tests.project.sharing:app"}},
        "routes": [{"name": "s", "prefix": "/s", "service": "s", "stage": "shadow", "mirror": {"methods": ["POST"]}}],
    }
    async with running(gateway(mirror=mirror, **tables)) as app:

        async def call():
            return [(await ask(app, "/s/sync/", "POST")).status for _ in range(TIMES)]

        statuses = itertools.chain(*await asyncio.gather(call(), call()))
        seen = app.counters.take().mirrors("s")
    assert set(statuses) == {200}
    assert sold(shop) == [number + 2 * TIMES for number in before]
    assert seen.mirrored
    assert set(seen.dropped) <= {"locks", "queue", "busy", "stopped"}


def sold(alias):
    return [row[0] for row in on_a_thread(lambda: run(alias, "SELECT sold FROM stock ORDER BY id"))]


def test_numbers_that_a_mirror_used_up_are_gaps_and_no_duplicates(shop):
    """SQLite gives them back with the rollback. Elsewhere, a transaction of anybody's that fails leaves such a gap."""

    def job():
        run(shop, "DELETE FROM bought")
        buy(shop, "before")
        before = run(shop, "SELECT MAX(id) FROM bought")[0][0]
        as_mirror(lambda: buy(shop, "after"))
        buy(shop, "after")
        return [row[0] - before for row in run(shop, "SELECT id FROM bought ORDER BY id")]

    assert on_a_thread(job) == [0, 1 if shop == "shop_sqlite" else 2]
