"""What a mirror of a write would do through other database libraries than Django's is refused, unless it is rolled back
by who does it."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Callable
from contextlib import ExitStack, asynccontextmanager, nullcontext, suppress
from types import ModuleType
from typing import Any

import aiosqlite
import asyncpg
import MySQLdb
import psycopg
import psycopg_pool
import pytest
import sqlalchemy
from django.db import connections
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

import gateway as public
from gateway.context.mirror_scope import MirrorScope, NotShielded, mirror_scope
from gateway.shield import shield, shield_imported
from gateway.workbench import checks as findings
from tests.shield.test_databases import on_a_thread, run
from tests.support.asgi import ask, running, until
from tests.support.databases import KINDS, empty_database, known_as
from tests.support.remote import Remote

INSERT = "INSERT INTO thing (id) VALUES (1)"
DRIVERS = {"sqlite": "sqlite", "postgres": "postgresql+psycopg", "mariadb": "mysql+mysqldb"}


class Place:
    """A database that Django knows by `alias`, and what else connects to it needs."""

    def __init__(self, kind: str, settings: dict[str, Any]) -> None:
        self.alias, self.name = f"beside_{kind}", settings["NAME"]
        self.where = {key.lower(): settings[key] for key in ("HOST", "PORT", "USER") if key in settings}
        self.select: Callable[[str], list[Any]]

    def url(self, driver: str) -> sqlalchemy.URL:
        where = {"username" if key == "user" else key: value for key, value in self.where.items()}
        return sqlalchemy.URL.create(driver, database=self.name, **where)

    @property
    def count(self) -> int:
        return self.select("SELECT COUNT(*) FROM thing")[0]


@pytest.fixture(scope="module")
def places(tmp_path_factory, django_db_blocker):
    """One place of each kind."""
    with django_db_blocker.unblock(), ExitStack() as stack:
        made = {}
        for kind in KINDS:
            database = stack.enter_context(empty_database(kind, tmp_path_factory.mktemp("beside")))
            made[kind] = place = Place(kind, database.settings)
            place.select = database.select
            known_as(place.alias, database.settings)
            on_a_thread(lambda alias=place.alias: run(alias, "CREATE TABLE thing (id INTEGER PRIMARY KEY)"))
        shield()
        yield made
        for place in made.values():
            connections.settings.pop(place.alias)


@pytest.fixture(autouse=True)
def empty(places):
    for place in places.values():
        on_a_thread(lambda alias=place.alias: run(alias, "DELETE FROM thing"))


# -- ways to a database: each opens something, and returns what inserts a row with it, and what closes it -------------


def engine(place, _, driver):
    found = sqlalchemy.create_engine(place.url(driver))

    def insert():
        with found.begin() as connection:
            connection.exec_driver_sql(INSERT)

    return insert, found.dispose


def kept_connection(place, _, driver):
    found = sqlalchemy.create_engine(place.url(driver))
    connection = found.connect()

    def insert():
        connection.exec_driver_sql(INSERT)
        connection.commit()

    return insert, lambda: (connection.close(), found.dispose())


def async_engine(place, do, driver):
    found = create_async_engine(place.url(driver))

    async def insert():
        async with found.begin() as connection:
            await connection.exec_driver_sql(INSERT)

    return lambda: do(insert()), lambda: do(found.dispose())


def by_psycopg(place, _):
    connection = psycopg.connect(dbname=place.name, autocommit=True, **place.where)
    return lambda: connection.execute(INSERT), connection.close


def by_psycopg_pool(place, _):
    pool = psycopg_pool.ConnectionPool(kwargs={"dbname": place.name, **place.where}, min_size=1, open=True)
    pool.wait()

    def insert():
        with pool.connection() as connection:
            connection.execute(INSERT)

    return insert, pool.close


def by_asynchronous_psycopg(place, do):
    connection = do(psycopg.AsyncConnection.connect(dbname=place.name, autocommit=True, **place.where))
    return lambda: do(connection.execute(INSERT)), lambda: do(connection.close())


def by_asyncpg(place, do):
    connection = do(asyncpg.connect(database=place.name, **place.where))
    return lambda: do(connection.execute(INSERT)), lambda: do(connection.close())


def by_asyncpg_pool(place, do):
    async def opened():
        return await asyncpg.create_pool(database=place.name, min_size=1, max_size=1, **place.where)

    pool = do(opened())
    return lambda: do(pool.execute(INSERT)), lambda: do(pool.close())


def by_mysqldb(place, _):
    connection = MySQLdb.connect(db=place.name, autocommit=True, **place.where)

    def insert():
        with connection.cursor() as cursor:
            cursor.execute(INSERT)

    return insert, connection.close


def by_aiosqlite(place, do):
    connection = do(aiosqlite.connect(place.name, isolation_level=None))
    return lambda: do(connection.execute(INSERT)), lambda: do(connection.close())


def by_sqlite3(place, _):
    connection = sqlite3.connect(place.name, isolation_level=None)
    return lambda: connection.execute(INSERT), connection.close


SQLALCHEMY = [
    *[(kind, engine, driver) for kind, driver in DRIVERS.items()],
    ("postgres", async_engine, "postgresql+asyncpg"),
    ("postgres", async_engine, "postgresql+psycopg_async"),
    ("sqlite", async_engine, "sqlite+aiosqlite"),
]
KEPT = [
    *[(kind, kept_connection, driver) for kind, driver in DRIVERS.items()],
    ("postgres", by_psycopg),
    ("postgres", by_psycopg_pool),
    ("postgres", by_asynchronous_psycopg),
    ("postgres", by_asyncpg),
    ("postgres", by_asyncpg_pool),
    ("mariadb", by_mysqldb),
    ("sqlite", by_aiosqlite),
]
WAYS = [*SQLALCHEMY, *KEPT, ("sqlite", by_sqlite3)]


def named(way):
    return " ".join([way[1].__name__, *way[2:]]) if isinstance(way, tuple) else str(way)


def inserted(places, way, scope, *, before):
    """Let the mirror of `scope` insert a row this way, by what was opened `before` it began, or by itself."""
    kind, opens, *driver = way

    def job():
        loop = asyncio.new_event_loop()
        with ExitStack() as stack:
            stack.callback(loop.close)

            def opened():
                insert, close = opens(places[kind], loop.run_until_complete, *driver)
                stack.callback(close)
                return insert

            insert = opened() if before else None
            with mirror_scope(scope):
                try:
                    (insert or opened())()
                finally:
                    scope.end_here()

    on_a_thread(job)
    return places[kind].count


@pytest.mark.parametrize("way", WAYS, ids=named)
def test_what_a_mirror_of_a_write_opens_beside_django_is_refused(places, way):
    scope = MirrorScope(writes=True)
    with suppress(Exception):
        inserted(places, way, scope, before=False)
    assert "rolls_back = true in its [services.NAME]" in scope.refusal
    assert places[way[0]].count == 0


@pytest.mark.parametrize("way", [*SQLALCHEMY, *KEPT], ids=named)
def test_so_is_what_was_opened_before_it(places, way):
    scope = MirrorScope(writes=True)
    with suppress(Exception):
        inserted(places, way, scope, before=True)
    assert "rolls_back = true in its [services.NAME]" in scope.refusal
    assert places[way[0]].count == 0


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("way", WAYS, ids=named)
def test_who_rolls_back_by_itself_has_all_of_them(places, way, before):
    scope = MirrorScope(writes=True, rolls_back=True)
    assert inserted(places, way, scope, before=before) == 1
    assert scope.refusal is None


@pytest.mark.parametrize("way", SQLALCHEMY, ids=named)
def test_a_mirror_of_a_read_may_read_and_what_it_would_commit_is_rolled_back(places, way):
    scope = MirrorScope()
    assert inserted(places, way, scope, before=False) == 0
    assert scope.refusal is None


@pytest.mark.parametrize(("scope", "expected"), [(MirrorScope(writes=True, rolls_back=True), 0), (None, 1)])
def test_what_the_manual_shows_writes_for_callers_and_leaves_nothing_of_a_mirror(places, scope, expected):
    engine = create_async_engine(places["postgres"].url("postgresql+asyncpg"))

    @asynccontextmanager
    async def session():
        async with engine.connect() as connection, connection.begin() as outer:
            if public.is_mirror():
                await connection.execute(sqlalchemy.text("SET LOCAL lock_timeout = '100ms'"))
            async with AsyncSession(connection, join_transaction_mode="create_savepoint") as found:
                yield found
            await (outer.rollback() if public.is_mirror() else outer.commit())

    async def work():
        async with session() as own:
            await own.execute(sqlalchemy.text(INSERT))
            await own.commit()
            found = await own.scalar(sqlalchemy.text("SELECT COUNT(*) FROM thing"))
        await engine.dispose()
        return found

    with mirror_scope(scope) if scope is not None else nullcontext():
        assert asyncio.run(work()) == 1
    assert places["postgres"].count == expected


@pytest.mark.parametrize("kind", KINDS)
def test_djangos_own_connections_are_none_of_these(places, kind):
    scope, alias = MirrorScope(writes=True), places[kind].alias

    def job():
        with mirror_scope(scope):
            connections[alias].ensure_connection()
            run(alias, INSERT)
            found = run(alias, "SELECT COUNT(*) FROM thing")[0][0]
            scope.end_here()
        return found

    assert on_a_thread(job) == 1
    assert (scope.refusal, places[kind].count) == (None, 0)


# -- in the gateway -------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("rolls_back", [True, False])
async def test_a_service_says_whether_it_rolls_back_and_can_tell_a_mirror(
    places, mirrored, mirrors, scratch, rolls_back
):
    def act():
        found = sqlalchemy.create_engine(places["postgres"].url("postgresql+psycopg"))
        with found.connect() as connection:
            connection.exec_driver_sql(INSERT)
            if not public.is_mirror():
                connection.commit()
        found.dispose()
        return public.is_mirror()

    said = await mirrored(
        act,
        method="POST",
        route={"methods": ["POST"]},
        mirror={"database": {"default": scratch, "beside_sqlite": scratch}},
        service={"rolls_back": rolls_back},
    )
    assert (said, mirrors().dropped) == ((True, {}) if rolls_back else (None, {"unshielded": 1}))
    assert places["postgres"].count == 0
    assert public.is_mirror() is False


@pytest.mark.anyio
async def test_one_at_a_url_that_rolls_back_is_told_a_mirror_of_a_write_by_a_header(places, project, gateway, scratch):
    project.ROOT_URLCONF, project.MIDDLEWARE = "tests.project.sharing", []
    told = []

    def behave(peer):
        told.append(peer.head())
        peer.answer(b'{"side": "legacy", "count": 1}', "Content-Type: application/json")

    remote = Remote(behave)
    built = gateway(
        services={"s": {"url": remote.url, "rolls_back": True}},
        routes=[WRITTEN | {"claim": "all"}],
        mirror={"lag": 10, "database": {"default": scratch, "beside_sqlite": scratch}},
    )
    async with running(built) as app:
        answer = await ask(app, "/s/sync/", "POST", headers={"X-Gateway-Mirror": "a caller's own"})
        assert await until(lambda: app.counters.take().mirrors("s").compared)
    remote.close()
    assert answer["x-served-by"] == "legacy"
    assert [(line, headers["x-gateway-mirror"]) for line, headers in told] == [("POST /s/sync/ HTTP/1.1", "1")]


WRITTEN = {"name": "s", "prefix": "/s", "service": "s", "stage": "shadow", "mirror": {"methods": ["POST"]}}


@pytest.mark.parametrize(
    ("methods", "more", "noted"),
    [(["GET", "POST"], {}, True), (["GET"], {}, False), (["GET", "POST"], {"rolls_back": True}, False)],
)
def test_check_says_where_a_mirror_would_leave_djangos_connections(
    places, project, gateway, scratch, methods, more, noted
):
    project.ROOT_URLCONF, project.MIDDLEWARE = "legacy.urls", []
    built = gateway(
        services={"reviews": {"app": "newsvc.reviews:app", "answers": "drf"} | more},
        routes=[{"name": "r", "prefix": "/api/reviews", "service": "reviews", "mirror": {"methods": methods}}],
        mirror={"database": {"default": scratch, "beside_sqlite": scratch}},
    )
    found = " ".join(findings._beside_django(built))
    assert (
        "route 'r' mirrors POST, and reviews imports sqlalchemy: a mirror that uses it is dropped" in found
    ) is noted


def test_a_class_that_is_imported_while_mirrors_run_is_guarded_once_it_is_there(monkeypatch):
    """Another thread may have begun the import: then the module is known before its classes are."""
    shield()
    module = ModuleType("huey.api")
    monkeypatch.setitem(sys.modules, "huey.api", module)
    shield_imported()

    class Huey:
        def enqueue(self) -> str:
            return "queued"

    module.Huey = Huey  # type: ignore[attr-defined] # made by hand
    shield_imported()
    assert Huey().enqueue() == "queued"
    with mirror_scope(MirrorScope()), pytest.raises(NotShielded, match=r"Huey\.enqueue"):
        Huey().enqueue()
