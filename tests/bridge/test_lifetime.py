"""A request is over when its work is: no success before its commit, nothing cleaned up under what still runs."""

from __future__ import annotations

import asyncio
from itertools import product
from pathlib import Path

import maintenance_mode.middleware  # noqa: F401 - sets its defaults in the settings, once
import pytest
from asgiref.sync import sync_to_async
from django.core import signals
from django.db import connection, connections

from gateway.config.problems import ConfigError
from tests.project import gates, lifetime
from tests.project.lifetime import ETAG, TABLE
from tests.support.asgi import Answer, Connection, ask, open_socket, running, scope, until

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True), pytest.mark.table]

KINDS = (
    "sync",
    "plain",
    "shortly",
    "async",
    "async-dependency",
    "by-hand",
    "undoable",
    "stream",
    "stream-sync",
    "stream-after",
    "file",
    "empty",
    "task",
    "task-async",
    "session",
    "socket",
    "socket-before",
)
WITHOUT_DEPENDENCY = {"plain"}  # their transaction ends before there is an exit that could fail
FAILURES = ("", "raise", "commit")
SOURCE = Path(lifetime.__file__).read_bytes()
CONDITIONAL = "django.middleware.http.ConditionalGetMiddleware"
SESSIONS = ["django.contrib.sessions.middleware.SessionMiddleware"]
ENTRIES = {
    "sync": "tests.project.middleware.stamp",
    "async": "tests.project.middleware.async_only",
    "both": "tests.project.middleware.either",
}


@pytest.fixture(autouse=True)
def table(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute(TABLE)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE written")


@pytest.fixture
def settle(bridged, request):
    """A gateway for a service of `tests.project.lifetime`."""
    default = connections.settings["default"]

    def build(service="app", chain=None, *, atomic=False, one_thread=False):
        default["ATOMIC_REQUESTS"] = atomic
        return bridged(chain, app=f"tests.project.lifetime:{service}", one_thread=one_thread)

    yield build
    default["ATOMIC_REQUESTS"] = False


async def ask_each(app, kinds, failures=FAILURES, method="POST", **more):
    """Who was told of a success, of all kinds of endpoint and of failures at once."""
    asked = {}
    for kind, fail in product(kinds, failures):
        name = f"{kind}-{fail or 'fine'}"
        target = f"/b/{kind}/{name}/?fail={fail}"
        if kind.startswith("socket"):
            asked[name] = Connection(app, scope(target, kind="websocket"))
            asked[name].give("websocket.connect")
        else:
            asked[name] = Connection(app, scope(target, method, **more))
            asked[name].body()
    await asyncio.wait([connection.task for connection in asked.values()], timeout=20)
    return {name for name, connection in asked.items() if succeeded(connection)}


def succeeded(connection):
    """Whether the client was told so: with a whole answer, or a socket that is closed as planned."""
    assert connection.task.done(), "it hangs"
    if connection.task.exception() is not None:
        return False
    if connection.messages[0]["type"].startswith("websocket"):
        return connection.messages[-1] == {"type": "websocket.close", "code": 1000, "reason": ""}
    answer = Answer(connection.messages)
    return answer.status in (200, 204, 304) and answer.complete


def expected(kinds, failures=FAILURES):
    failing = {(kind, fail) for kind in kinds for fail in ("raise", "commit")}
    failing -= {(kind, "commit") for kind in WITHOUT_DEPENDENCY}
    return {f"{kind}-{fail or 'fine'}" for kind, fail in product(kinds, failures) if (kind, fail) not in failing}


def find():
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM written")
        found = [name for (name,) in cursor.fetchall()]
        cursor.execute("DELETE FROM written")
    assert len(found) == len(set(found)), "a row is there twice"
    return set(found)


rows = sync_to_async(find)


@pytest.mark.parametrize("service", ["app", "passed_on", "compressed", "split"])
@pytest.mark.parametrize("atomic", [False, True], ids=["", "ATOMIC_REQUESTS"])
@pytest.mark.parametrize("one_thread", [False, True], ids=["", "one_thread"])
async def test_rows_are_the_successes_whatever_the_service_puts_around_its_endpoints(
    settle, caplog, service, atomic, one_thread
):
    async with running(settle(service, atomic=atomic, one_thread=one_thread)) as app:
        told = await ask_each(app, KINDS)
    assert told == await rows()
    assert told == expected(KINDS)


# Sockets aren't asked by HEAD; of what is undone, legacy answers a HEAD.
BY_HEAD = tuple(kind for kind in KINDS if not kind.startswith("socket") and kind != "undoable")


@pytest.mark.parametrize("service", ["app", "passed_on", "compressed", "split"])
@pytest.mark.parametrize("atomic", [False, True], ids=["", "ATOMIC_REQUESTS"])
@pytest.mark.parametrize("chain", [None, [ENTRIES["async"], *SESSIONS]], ids=["", "asynchronous"])
async def test_rows_are_the_successes_of_heads_too(settle, caplog, service, chain, atomic):
    """A HEAD is answered without the body, and so may be before its transaction has ended."""
    for one_thread in (False, True):
        async with running(settle(service, chain, atomic=atomic, one_thread=one_thread)) as app:
            told = await ask_each(app, BY_HEAD, method="HEAD")
        assert (one_thread, told) == (one_thread, await rows())
        assert told == expected(BY_HEAD)


@pytest.mark.parametrize(("method", "of_middleware"), [("GET", 304), ("HEAD", 200)])  # Django compares for GET only
@pytest.mark.parametrize("service", ["app", "passed_on"])
@pytest.mark.parametrize("atomic", [False, True], ids=["", "ATOMIC_REQUESTS"])
@pytest.mark.parametrize("chain", [["sync"], ["async", "sync"]], ids=" ".join)
async def test_rows_are_the_successes_where_nothing_was_modified(
    settle, caplog, service, chain, atomic, method, of_middleware
):
    """Whether the service says so, or a middleware that compares ETags."""
    entries = [CONDITIONAL, *(ENTRIES[kind] for kind in chain)]
    kinds = ("unmodified", "unmodified-async", "tagged", "tagged-stream")
    for one_thread in (False, True):
        async with running(settle(service, entries, atomic=atomic, one_thread=one_thread)) as app:
            told = await ask_each(app, kinds, method=method, headers={"If-None-Match": ETAG})
            again = await ask(app, "/b/tagged/once-more/", method, headers={"If-None-Match": ETAG})
        assert (again.status, again.body, again["etag"]) == (of_middleware, b"", ETAG)
        assert (one_thread, told | {"once-more"}) == (one_thread, await rows())
        assert told == expected(kinds)


@pytest.mark.parametrize("one_thread", [False, True], ids=["", "one_thread"])
@pytest.mark.parametrize("chain", [["sync"], ["async", "sync"]], ids=" ".join)
async def test_a_socket_that_is_refused_with_an_answer_gets_it_after_the_commit(settle, caplog, chain, one_thread):
    async with running(settle(chain=[ENTRIES[entry] for entry in chain], one_thread=one_thread)) as app:
        told = {}
        for fail in FAILURES:
            target = f"/b/socket-denied/of-{fail or 'fine'}/?fail={fail}"
            messages = await open_socket(app, target, extensions={"websocket.http.response": {}})
            told[fail] = [message.get("status", message["type"]) for message in messages]
    assert await rows() == {"of-fine"}
    assert told == {
        "": [409, "websocket.http.response.body"],
        "raise": ["websocket.close"],
        "commit": ["websocket.close"],
    }


@pytest.mark.parametrize("one_thread", [False, True], ids=["", "one_thread"])
async def test_a_task_that_outlives_its_request_has_no_part_in_a_thread_of_its_own(settle, request, one_thread):
    """With `one_thread`, the thread is another tenant's by then."""
    name = request.node.name
    async with running(settle(one_thread=one_thread)) as app:
        assert (await ask(app, f"/b/outlived/{name}/", "POST")).status == 200
        gates.open_gate(name)
        if one_thread:
            with pytest.raises(RuntimeError, match="has outlived its request"):
                await lifetime.left_behind[name]
        else:
            await lifetime.left_behind[name]
        assert await rows() == (set() if one_thread else {name})


@pytest.mark.parametrize("kind", ["stream", "task"])
@pytest.mark.parametrize("one_thread", [False, True], ids=["", "one_thread"])
@pytest.mark.parametrize("chain", [["sync"], ["async", "sync"]], ids=" ".join)
async def test_request_finished_is_sent_when_the_service_has_returned(settle, chain, one_thread, kind):
    def note(sender, **more):
        lifetime.events.append("finished")

    lifetime.events.clear()
    signals.request_finished.connect(note)
    try:
        async with running(settle(chain=[ENTRIES[entry] for entry in chain], one_thread=one_thread)) as app:
            await ask(app, f"/b/ended/{kind}/ada/", "POST")
            assert await until(lambda: "finished" in lifetime.events)
    finally:
        signals.request_finished.disconnect(note)
    assert lifetime.events == [kind, "finished"]


@pytest.mark.parametrize("one_thread", [False, True], ids=["", "one_thread"])
async def test_a_client_that_leaves_in_any_phase_leaves_one_row_at_most(settle, caplog, one_thread):
    async with running(settle("passed_on", atomic=True, one_thread=one_thread)) as app:
        asked = {}
        for kind, moment in product(("sync", "stream", "stream-after", "task", "session"), range(8)):
            name = f"{kind}-{moment}"
            asked[name] = Connection(app, scope(f"/b/{kind}/{name}/", "POST"))
            asked[name].body()
            for _ in range(moment * 5):
                await asyncio.sleep(0)
            asked[name].leave()
            if moment % 2:
                asked[name].task.cancel()
        await asyncio.wait([connection.task for connection in asked.values()], timeout=20)
        assert all(connection.task.done() for connection in asked.values())
        assert (await ask(app, "/b/sync/after/", "POST")).status == 200
        assert {"after"} <= await rows() <= asked.keys() | {"after"}
    assert "left a transaction open" not in caplog.text


@pytest.mark.parametrize("size", [0, 1, 5])
async def test_an_answer_that_waits_is_whole(settle, monkeypatch, size):
    """In memory, and on disk where it is more than FILE_UPLOAD_MAX_MEMORY_SIZE."""
    async with running(settle("split")) as app:
        monkeypatch.setattr("django.conf.settings.FILE_UPLOAD_MAX_MEMORY_SIZE", size)
        found = await ask(app, "/b/sync/ada/", "POST")
        assert (found.status, found.json(), found.complete) == (200, {"created": "ada"}, True)
        file = await ask(app, "/b/file/ada/", "POST")
        assert file.body == SOURCE
        assert file["content-length"] == str(len(file.body))


async def test_an_answer_too_long_to_wait_is_an_error_without_a_row(settle, monkeypatch, caplog):
    monkeypatch.setattr("gateway.bridge.withheld.MOST", 100)
    async with running(settle("split")) as app:
        assert (await ask(app, "/b/file/ada/", "POST")).status == 500
        assert await rows() == set()
    assert 'scope="function"' in caplog.text


# -- chains of every kind of middleware -----------------------------------------------------------

CHAINS = [
    pytest.param(chain, marks=pytest.mark.proof if length == 3 else ())
    for length in (1, 2, 3)
    for chain in product(ENTRIES, repeat=length)
]
OF_CHAINS = ("sync", "plain", "async", "stream", "stream-sync", "task", "socket")


@pytest.mark.slow
@pytest.mark.parametrize("chain", CHAINS, ids=" ".join)
async def test_rows_are_the_successes_in_every_chain(settle, caplog, chain):
    """Of synchronous, asynchronous and other middleware, in every order, with ATOMIC_REQUESTS, `one_thread`, both."""
    entries = [ENTRIES[kind] for kind in chain]
    for atomic, one_thread in product((False, True), repeat=2):
        async with running(settle("passed_on", entries, atomic=atomic, one_thread=one_thread)) as app:
            told = await ask_each(app, OF_CHAINS, ("", "commit"))
        assert (atomic, one_thread, told) == (atomic, one_thread, await rows())
        assert told == expected(OF_CHAINS, ("", "commit"))


@pytest.mark.parametrize("order", [1, -1], ids=["", "reversed"])
async def test_rows_are_the_successes_inside_packages_of_either_kind(settle, settings, tmp_path, caplog, order):
    """django-maintenance-mode can't be asynchronous, servestatic can't be anything else."""
    settings.MAINTENANCE_MODE_STATE_FILE_PATH = str(tmp_path / "state")
    settings.SERVESTATIC_ROOT = str(tmp_path)
    settings.STATIC_ROOT = str(tmp_path)
    entries = [
        "maintenance_mode.middleware.MaintenanceModeMiddleware",
        "servestatic.middleware.ServeStaticMiddleware",
    ][::order]
    for atomic, one_thread in product((False, True), repeat=2):
        async with running(settle("passed_on", entries, atomic=atomic, one_thread=one_thread)) as app:
            told = await ask_each(app, OF_CHAINS, ("", "commit"))
        assert (atomic, one_thread, told) == (atomic, one_thread, await rows())
        assert told == expected(OF_CHAINS, ("", "commit"))


BLOCKING = "tests.project.middleware.blocking"
FIRST_PAGE = "tests.project.middleware.first_page"


@pytest.mark.parametrize(
    "chain", [["blocking"], ["sync", "blocking"], ["blocking", "sync"], ["both", "blocking", "async"]], ids=" ".join
)
@pytest.mark.parametrize("one_thread", [False, True], ids=["", "one_thread"])
async def test_a_middleware_that_lets_a_thread_wait_for_the_view_is_refused_at_start(settle, chain, one_thread):
    """The service would wait for that thread."""
    entries = [BLOCKING if kind == "blocking" else ENTRIES[kind] for kind in chain]
    with pytest.raises(ConfigError) as refused:
        settle("passed_on", entries, one_thread=one_thread)
    (problem,) = refused.value.problems
    assert (problem.key, problem.value) == ("services.bridged.middleware", BLOCKING)
    assert "it calls get_response through async_to_sync" in problem.expected


@pytest.mark.parametrize("one_thread", [False, True], ids=["", "one_thread"])
async def test_where_the_start_could_not_tell_it_is_refused_for_each_request(settle, caplog, one_thread):
    """Behind what answers the request that it was to be tried with: nothing hangs, nothing is written."""
    async with running(settle("passed_on", [FIRST_PAGE, BLOCKING], one_thread=one_thread)) as app:
        assert await ask_each(app, OF_CHAINS, ("",)) == set()
    assert await rows() == set()
    assert "a middleware calls get_response through async_to_sync" in caplog.text
