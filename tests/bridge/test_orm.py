"""One request has one thread, one connection and one transaction, and no other request has a part in them."""

from __future__ import annotations

import asyncio

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.db.backends.signals import connection_created
from fastapi import FastAPI

from gateway import ConfigError
from tests.project import gates
from tests.project.middleware import in_transaction as transaction_middleware
from tests.support.asgi import Answer, Connection, ask, open_socket, running, scope, until

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True), pytest.mark.long]

TENANT = "tests.project.middleware.tenant"
IN_TRANSACTION = f"{transaction_middleware.__module__}.{transaction_middleware.__qualname__}"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"


@pytest.fixture
def name(request):
    return "".join(character if character.isalnum() else "-" for character in request.node.name)


@pytest.fixture
def opened():
    """The connections to the database that were opened."""
    found = []

    def note(connection, **more):
        found.append(connection)

    connection_created.connect(note)
    yield found
    connection_created.disconnect(note)


def still_open(opened):
    return [connection for connection in opened if connection.connection is not None]


@pytest.fixture
def non_persistent():
    """CONN_MAX_AGE = 0, for connections opened from now on."""
    before = connections.settings["default"]["CONN_MAX_AGE"]
    connections.settings["default"]["CONN_MAX_AGE"] = 0
    yield
    connections.settings["default"]["CONN_MAX_AGE"] = before


@pytest.fixture
def atomic_requests():
    connections.settings["default"]["ATOMIC_REQUESTS"] = True
    yield
    connections.settings["default"]["ATOMIC_REQUESTS"] = False


def start(app, target, method="GET", **more):
    connection = Connection(app, scope(target, method, **more))
    connection.body()
    return connection


async def ask_all(app, targets, method="GET", **more):
    """Every request at once."""
    asked = [start(app, target, method, **more) for target in targets]
    await asyncio.wait([connection.task for connection in asked])
    return [Answer(connection.messages) for connection in asked]


async def names():
    return sorted([name async for name in get_user_model().objects.values_list("username", flat=True)])


# -- one thread ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["threads", "threads/async"])
async def test_dependencies_endpoint_and_exits_share_one_thread(app, kind):
    from tests.project.bridged import seen

    busy = [start(app, "/b/threads/") for _ in range(100)]
    seen.clear()
    found = (await ask(app, f"/b/{kind}/")).json()
    await asyncio.wait([connection.task for connection in busy])
    assert len(set(found)) == 1
    assert f"exit {found[0]}" in seen


@pytest.mark.parametrize("kind", ["nested/sync", "nested/async"])
async def test_coroutines_called_by_synchronous_code_use_its_thread(app, kind):
    """They would wait for ever for a thread that waits for them."""
    assert len(set((await ask(app, f"/b/{kind}/")).json())) == 1


async def test_more_requests_than_threads_hold_transactions_one_after_the_other(app):
    answers = await ask_all(app, [f"/b/create/{number}/" for number in range(50)], "POST")
    assert ({answer.status for answer in answers}, len(await names())) == ({200}, 50)
    assert app.services["bridged"].surroundings.threads.size == 4


async def test_ten_requests_are_in_the_database_at_once(bridged, name):
    """asgiref would let them wait for each other on a single thread."""
    async with running(bridged(threads=20)) as app:
        asked = [start(app, f"/b/query-parks/{name}/?number={number}") for number in range(10)]
        assert [await gates.wait_async(f"{name}-{number}-entered") for number in range(10)] == [True] * 10
        gates.open_gate(name)
        assert [(await connection.done()).json() for connection in asked] == [{"count": 0}] * 10


async def test_a_stream_of_synchronous_code_may_use_the_orm(app, opened):
    answers = await ask_all(app, ["/b/count/sync-stream/"] * 40)
    assert {answer.text for answer in answers} == {"000"}
    assert len(still_open(opened)) <= app.legacy.pools.size


# -- transactions -------------------------------------------------------------------------------

KINDS = ("create", "create-async", "create-mixed")
FAILURES = ("", "", "409", "raise")


@pytest.mark.slow
async def test_rows_equal_the_successful_answers(app, caplog):
    """1,000 at once: half succeed, a quarter raises HTTPException, a quarter something else."""
    targets = [f"/b/{KINDS[number % 3]}/user-{number}/?fail={FAILURES[number // 3 % 4]}" for number in range(1000)]
    answers = await ask_all(app, targets, "POST")
    succeeded = sorted(answer.json()["created"] for answer in answers if answer.status == 200)
    assert {answer.status for answer in answers} == {200, 409, 500}
    assert await names() == succeeded
    assert 400 < len(succeeded) <= 502  # on a slow machine, some wait too long for SQLite's lock


async def test_a_transaction_that_cannot_be_committed_is_no_success(app):
    """FastAPI exits `yield` dependencies after it has answered; the answer waits for the transaction."""
    assert (await ask(app, "/b/commit-fails/ada/", "POST")).status == 500
    assert await names() == []


async def test_an_exit_that_fails_without_one_is_too_late(app, opened, caplog):
    """The answer has been sent, as it would be without the gateway; the failure is logged, and nothing stays open."""
    for _ in range(10):
        found = await ask(app, "/b/exit-fails/")
        assert (found.status, found.complete) == (200, True)
    assert "secret" in caplog.text
    assert len(still_open(opened)) <= app.legacy.pools.size


async def test_a_row_is_there_when_its_request_is_answered(app):
    for kind in KINDS:
        connection = start(app, f"/b/{kind}/{kind}/", "POST")
        await connection.until(1)
        assert kind in await names()
        await connection.done()


async def test_a_session_can_be_saved_after_a_transaction(app):
    """SessionMiddleware writes on another connection: SQLite would let it wait for the open transaction."""
    found = await ask(app, "/b/create-with-session/ada/", "POST")
    assert found.status == 200
    assert found["set-cookie"].startswith("sessionid=")


async def test_an_uncommitted_row_is_invisible_to_others(app, name):
    holding = start(app, f"/b/holds/{name}/")
    assert await gates.wait_async(f"{name}-entered")
    assert (await ask(app, "/b/count/async/")).json() == {"count": 0}
    gates.open_gate(name)
    assert (await holding.done()).json() == {"count": 1}


@pytest.mark.slow
async def test_a_cancelled_request_is_rolled_back(app, name, caplog):
    holding = start(app, f"/b/holds/{name}/")
    assert await gates.wait_async(f"{name}-entered")
    holding.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding.task
    assert await names() == []
    assert (await ask(app, "/b/create/after/", "POST")).status == 200
    assert await names() == ["after"]
    gates.open_gate(name)


async def test_a_transaction_whose_beginning_is_cancelled_is_not_begun(app, name):
    found = await ask(app, f"/b/times-out/{name}/")
    assert (found.status, found.json()) == (200, {"cancelled": True})
    assert await names() == [name]


async def test_a_transaction_outside_of_a_request_is_refused():
    from gateway.bridge import atomic

    with pytest.raises(RuntimeError, match="inside `middleware`"):
        async with atomic():
            raise AssertionError


# -- connections --------------------------------------------------------------------------------

MIXED = ("count/async", "count/raises", "count/background", "count/sync-stream", "count/task", "create-plain/{}")


async def ask_everything(app, count):
    """Success, exceptions, streams, background tasks, tasks that outlive their request, sockets, callers that leave."""
    asked = []
    for number in range(count):
        kind = MIXED[number % len(MIXED)]
        connection = start(app, f"/b/{kind.format(number)}/", "POST" if "create" in kind else "GET")
        if number % 7 == 0:
            connection.leave()
        if number % 11 == 0:
            connection.task.cancel()
        asked.append(connection.task)
    sockets = [open_socket(app, "/b/count/socket/") for _ in range(count // 10)]
    await asyncio.gather(*sockets)
    await asyncio.wait(asked)


@pytest.mark.slow
async def test_open_connections_are_at_most_the_threads(app, opened, caplog):
    await ask_everything(app, 1000)
    assert 0 < len(still_open(opened)) <= app.legacy.pools.size
    assert (await ask(app, "/b/plain/")).status == 200


@pytest.mark.slow
async def test_without_persistence_no_connection_is_open_once_idle(non_persistent, app, opened, caplog):
    await ask_everything(app, 300)
    assert opened
    assert await until(lambda: not still_open(opened)), f"{len(still_open(opened))} of {len(opened)}"


async def test_connections_persist(app, opened):
    for _ in range(20):
        await ask(app, "/b/count/async/")
    assert len(opened) <= app.services["bridged"].surroundings.threads.size


async def test_every_connection_is_closed_at_shutdown(bridged, opened):
    async with running(bridged()) as app:
        await ask_all(app, ["/b/count/async/", "/json/"] * 20)
    assert opened
    assert await until(lambda: not still_open(opened))


# -- ATOMIC_REQUESTS ----------------------------------------------------------------------------


def sync_app():
    """A service of synchronous endpoints only."""
    from tests.project import bridged

    app = FastAPI()
    app.post("/b/create/{name}/")(bridged.create_plain)
    app.post("/b/return/{name}/")(bridged.create_and_return)
    app.post("/b/later/{name}/")(bridged.create_later)
    app.websocket("/b/count/socket/")(bridged.count_in_socket)
    return app


@pytest.fixture
def build_atomic(atomic_requests, bridged):
    return lambda **more: bridged(app="tests.bridge.test_orm:sync_app", **more)


@pytest.mark.parametrize(
    ("target", "status", "rows"),
    [
        ("create/ada/", 200, ["ada"]),
        ("create/ada/?fail=409", 409, []),
        ("create/ada/?fail=raise", 500, []),
        ("create/ada/?short=whole", 200, []),
        ("later/ada/", 200, ["ada"]),
        ("return/ada/?status=303", 303, ["ada"]),
        ("return/ada/?status=409", 409, []),  # FastAPI doesn't tell it from an exception that was handled
    ],
)
async def test_a_request_is_a_transaction(build_atomic, caplog, target, status, rows):
    async with running(build_atomic()) as app:
        found = await ask(app, f"/b/{target}", "POST")
        assert (found.status, await names()) == (status, rows)


async def test_a_request_is_committed_before_it_is_answered(build_atomic):
    async with running(build_atomic()) as app:
        connection = start(app, "/b/create/ada/", "POST")
        await connection.until(1)
        assert await names() == ["ada"]
        await connection.done()


async def test_the_documentation_needs_no_transaction(build_atomic, opened):
    async with running(build_atomic()) as app:
        sockets = [open_socket(app, "/b/count/socket/") for _ in range(20)]
        assert [len(messages) for messages in await asyncio.gather(*sockets)] == [2] * 20


@pytest.mark.slow
async def test_1000_requests_are_as_many_transactions(build_atomic, caplog):
    targets = [f"/b/create/user-{number}/?fail={FAILURES[number % 4]}" for number in range(1000)]
    async with running(build_atomic()) as app:
        answers = await ask_all(app, targets, "POST")
    succeeded = sorted(answer.json()["created"] for answer in answers if answer.status == 200)
    assert (len(succeeded), await names()) == (500, succeeded)


def async_app():
    app = FastAPI()

    @app.get("/b/async/")
    async def asynchronous() -> None: ...

    return app


def marked_app():
    app = FastAPI()

    @app.get("/b/async/")
    @transaction.non_atomic_requests
    async def asynchronous() -> dict[str, bool]:
        return {"in a transaction": transaction.get_connection().in_atomic_block}

    return app


def marked_whole():
    return transaction.non_atomic_requests(async_app())


async def bare_app(scope, receive, send): ...


async def test_an_asynchronous_endpoint_cannot_be_a_transaction(atomic_requests, bridged):
    with pytest.raises(
        ConfigError, match=r"ATOMIC_REQUESTS of database 'default'.*async_app.*non_atomic_requests"
    ) as error:
        bridged(app="tests.bridge.test_orm:async_app")
    assert str(error.value).count("ATOMIC_REQUESTS") == 1  # FastAPI's own endpoints are no concern


async def test_an_endpoint_may_be_no_transaction(atomic_requests, bridged):
    async with running(bridged(app="tests.bridge.test_orm:marked_app")) as app:
        assert (await ask(app, "/b/async/")).json() == {"in a transaction": False}
        assert (await ask(app, "/openapi.json")).status == 404  # Django's: no route claims it


@pytest.mark.parametrize("name", ["async_app", "sync_app", "bare_app"])
async def test_outside_of_the_middleware_nothing_can_be_a_transaction(atomic_requests, bridged, name):
    with pytest.raises(ConfigError, match=r'ATOMIC_REQUESTS of database .* with middleware = "none"'):
        bridged(app=f"tests.bridge.test_orm:{name}", middleware="none")


@pytest.mark.parametrize("name", ["marked_app", "marked_whole"])
async def test_outside_of_the_middleware_what_is_marked_is_served(atomic_requests, bridged, name):
    async with running(bridged(app=f"tests.bridge.test_orm:{name}", middleware="none")) as app:
        assert (await ask(app, "/b/async/")).status == 200


# -- one_thread ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["tenant", "tenant/async"])
async def test_what_middleware_leaves_on_the_connection_stays_with_its_request(bridged, kind):
    async with running(bridged([TENANT], one_thread=True)) as app:
        tenants = [f"tenant-{number}" for number in range(50)]
        asked = [start(app, f"/b/{kind}/", headers={"X-Tenant": tenant}) for tenant in tenants]
        for tenant, connection in zip(tenants, asked, strict=True):
            found = await connection.done()
            assert found.json() == {"variable": tenant, "local": tenant, "connection": tenant}
            assert found["x-tenant"] == f"{tenant} {tenant} {tenant}"


@pytest.mark.parametrize("kind", ["tenant", "tenant/async"])
async def test_what_middleware_leaves_in_the_context_needs_no_thread(bridged, kind):
    """200 at once: a context variable and an `asgiref.local.Local`."""
    async with running(bridged([SESSIONS, "tests.project.middleware.tenant_in_context"])) as app:
        tenants = [f"tenant-{number}" for number in range(200)]
        asked = [start(app, f"/b/{kind}/", headers={"X-Tenant": tenant}) for tenant in tenants]
        for tenant, connection in zip(tenants, asked, strict=True):
            found = await connection.done()
            assert (found.json()["variable"], found.json()["local"]) == (tenant, tenant)
            assert found["x-tenant"] == f"{tenant} {tenant}"


async def test_a_transaction_around_the_view_takes_one_thread(bridged, caplog):
    async with running(bridged([IN_TRANSACTION], one_thread=True)) as app:
        targets = [f"/b/create-plain/user-{number}/?fail={FAILURES[number % 4]}" for number in range(100)]
        answers = await ask_all(app, targets, "POST")
        assert {answer.status for answer in answers} == {200, 409, 500}
        assert await names() == sorted(f"user-{number}" for number in range(100) if number % 4 < 2)


@pytest.mark.parametrize("entry", [IN_TRANSACTION, "tests.project.middleware.without_autocommit"])
async def test_a_transaction_around_the_view_is_refused_without(bridged, caplog, entry):
    async with running(bridged([entry])) as app:
        found = await ask(app, "/b/create-plain/ada/", "POST")
        assert (found.status, await names()) == (500, [])
    told = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert [type(error) for error in told] == [ImproperlyConfigured]
    assert "one_thread = true in [services.bridged]" in str(told[0])


async def open_in_turn(app, count):
    """So many sockets that have been opened one after the other."""
    sockets = [Connection(app, scope("/b/count/socket/", kind="websocket")) for _ in range(count)]
    for socket in sockets:
        socket.give("websocket.connect")
    return sockets


async def test_a_socket_on_one_thread_keeps_it_until_it_ends(bridged):
    """One more than there are threads waits for the first to end."""
    async with running(bridged([TENANT], one_thread=True)) as app:
        *sockets, last = await open_in_turn(app, app.services["bridged"].surroundings.threads.size + 1)
        for socket in sockets:
            assert len(await socket.until(2)) == 2
        assert last.messages == []
        for socket in (*sockets, last):
            await socket.until(2)
            socket.give("websocket.disconnect", code=1000)
            await socket.done()
        assert (await ask(app, "/b/count/async/")).status == 200


async def test_sockets_keep_no_thread_otherwise(bridged):
    """More sockets than threads, all open."""
    async with running(bridged([SESSIONS])) as app:
        sockets = await open_in_turn(app, 20)
        for socket in sockets:
            assert len(await socket.until(2)) == 2
        assert (await ask(app, "/b/count/async/")).status == 200
        for socket in sockets:
            socket.give("websocket.disconnect", code=1000)
            await socket.done()
