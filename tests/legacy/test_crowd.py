"""However many wait for what is slow, the admin, health checks and everybody else don't; and nobody waits for ever."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway import Gateway
from gateway.config.problems import ConfigError
from gateway.dispatch import dispatcher as dispatch
from gateway.dispatch.line import Line, Waiting, is_reserved
from gateway.legacy.callers import FoundCaller
from gateway.rollout.cohort import Caller
from gateway.routing.request import read_request
from gateway.routing.table import Match
from gateway.stats.throttled_warnings import ThrottledWarnings
from gateway.threads import Threads
from tests.project import crowd
from tests.support.asgi import Connection, ask, running, scope, until
from tests.support.server import PATIENCE, Server, eventually

SETTINGS = {"ROOT_URLCONF": "tests.project.crowd"}
ADA = Caller("1")
PREFIXES = {"first": "/slow-service", "other": "/other", "plain": "/plain", "apart": "/plain-other"}


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch):
    # What another test has logged is not new.
    monkeypatch.setattr(dispatch, "throttled", ThrottledWarnings(dispatch.logger))
    crowd.going.clear()
    crowd.begun.clear()
    yield
    crowd.going.set()


@pytest.fixture
def crowded(gateway, project):
    project.ROOT_URLCONF = "tests.project.crowd"
    project.MIDDLEWARE = []

    def build(services: dict[str, dict[str, object]] | None = None, **legacy: object) -> Gateway:
        tables = {"first": {"app": "tests.project.crowd:first"}, "other": {"app": "tests.project.crowd:other"}}
        for name, more in (services or {}).items():
            tables[name] = tables.get(name, {}) | more
        routes = [{"name": name, "prefix": PREFIXES[name], "service": name} for name in tables if name in PREFIXES]
        base = {"settings": "legacy.settings", "threads": 4, "static": False}
        return gateway(legacy=base | legacy, services=tables, routes=routes)

    return build


def begin(app, path: str, times: int, method: str = "GET") -> list[Connection]:
    """So many requests, of which none is awaited."""
    connections = [Connection(app, scope(path, method)) for _ in range(times)]
    for connection in connections:
        connection.body()
    return connections


@contextlib.asynccontextmanager
async def crowd_at(app, path: str, times: int, threads: int, method: str = "GET"):
    """While so many wait for what is slow, and `threads` of them have begun."""
    connections = begin(app, path, threads, method)
    assert await until(lambda: len(crowd.begun) >= threads)
    connections += begin(app, path, times - threads, method)
    try:
        yield connections
    finally:
        crowd.going.set()
        await asyncio.gather(*(connection.task for connection in connections), return_exceptions=True)


WAYS = [("/slow/", "/healthz"), ("/slow/", "/backoffice/quick/"), ("/async/slow/", "/async/healthz/")]


@pytest.mark.anyio
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("slow", "quick"), WAYS)
async def test_the_admin_and_health_checks_have_threads_in_reserve(crowded, slow, quick):
    async with running(crowded(reserved=["/healthz", "/async/healthz"])) as app, crowd_at(app, slow, 30, 4):
        assert {(await ask(app, quick)).status for _ in range(5)} == {200}


@pytest.mark.anyio
@pytest.mark.django_db(transaction=True)
async def test_so_has_an_admin_of_each_language_and_who_is_sent_to_his_own(crowded, project):
    project.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware"]
    async with running(crowded()) as app, crowd_at(app, "/slow/", 30, 4):
        for language, _ in project.LANGUAGES:
            assert (await ask(app, f"/{language}/office/quick/")).status == 200
        sent = await ask(app, "/office/quick/", headers={"Accept-Language": "el"})
        assert (sent.status, sent["location"]) == (302, "/el/office/quick/")


@pytest.mark.anyio
async def test_what_is_not_reserved_waits(crowded):
    async with running(crowded(reserve=1)) as app, crowd_at(app, "/slow/", 6, 4):
        [waiting] = begin(app, "/quick/", 1)
        assert (await ask(app, "/healthz")).status == 200
        assert not waiting.messages
    assert (await waiting.done()).status == 200


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/slow/", "/async/slow/"])
async def test_a_queue_that_is_full_is_503_and_says_when_to_come_again(crowded, path, caplog):
    async with running(crowded(queue=5)) as app, crowd_at(app, path, 40, 4) as connections:
        assert await until(lambda: sum(bool(connection.messages) for connection in connections) >= 31)
        refused = [await connection.done() for connection in connections if connection.messages]
        assert {(answer.status, answer["retry-after"]) for answer in refused} == {(503, "5")}
        assert 40 - len(refused) == 4 + 5
        assert app.counters.refused == {"503": len(refused)}
    assert caplog.text.count("requests wait for a thread already") == 1
    assert len(crowd.begun) == 9


@pytest.mark.long
@pytest.mark.anyio
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Django leaves the body's file open
@pytest.mark.parametrize("path", ["/slow/", "/async/slow/"])
async def test_nobody_waits_longer_than_the_limit_and_what_was_refused_never_runs(crowded, path):
    async with running(crowded(queue_timeout=0.2)) as app, crowd_at(app, path, 10, 4) as connections:
        assert await until(lambda: sum(bool(connection.messages) for connection in connections) == 6)
        refused = [await connection.done() for connection in connections if connection.messages]
        assert {(answer.status, answer["retry-after"]) for answer in refused} == {(503, "5")}
    assert len(crowd.begun) == 4
    gc.collect()


@pytest.mark.anyio
async def test_whoever_has_a_thread_may_take_as_long_as_it_likes(crowded):
    async with running(crowded(queue_timeout=0.05)) as app:
        async with crowd_at(app, "/slow/", 4, 4) as connections:
            await asyncio.sleep(0.3)
        assert {(await connection.done()).status for connection in connections} == {200}


# -- a bulkhead for each service ------------------------------------------------------------------


SLOW_SERVICES = {
    "bridged": ({}, "/slow-service/slow/", "/other/quick/"),
    "on one thread": ({"first": {"one_thread": True}}, "/slow-service/slow/", "/other/quick/"),
    "plain": (
        {
            "plain": {"app": "tests.project.crowd:plain", "middleware": "none", "threads": 4},
            "apart": {"app": "tests.project.crowd:plain_other", "middleware": "none", "threads": 4},
        },
        "/plain/slow/",
        "/plain-other/quick/",
    ),
}


@pytest.mark.anyio
@pytest.mark.parametrize("kind", SLOW_SERVICES)
async def test_a_service_that_is_slow_holds_up_no_other_and_not_legacy(crowded, kind):
    services, slow, quick = SLOW_SERVICES[kind]
    async with running(crowded(services)) as app, crowd_at(app, slow, 50, 4):
        assert (await ask(app, quick)).status == 200
        assert (await ask(app, quick))["x-served-by"] != "legacy"
        assert (await ask(app, "/quick/")).text == "legacy"
        assert (await ask(app, "/async/healthz/")).text == "quick"
    assert len(crowd.begun) <= 50


@pytest.mark.anyio
@pytest.mark.parametrize(("method", "status", "who"), [("POST", 503, "first"), ("GET", 200, "legacy")])
async def test_a_service_whose_queue_is_full_is_answered_for_by_legacy_where_it_may(crowded, method, status, who):
    first = {"threads": 4, "queue": 3, "breaker": False}
    async with running(crowded({"first": first})) as app, crowd_at(app, "/slow-service/slow/", 7, 4):
        assert await until(lambda: app.services["first"].surroundings.threads.waiting == 3)
        answer = await ask(app, "/slow-service/slow/", method)
        assert (answer.status, answer["x-served-by"]) == (status, who)
        assert answer["retry-after"] == ("5" if status == 503 else None)


@pytest.mark.anyio
async def test_so_it_is_where_the_middleware_is_slow(crowded, project):
    first = {"middleware": ["tests.project.crowd.slow_middleware"], "threads": 4, "queue": 3, "breaker": False}
    project.MIDDLEWARE = first["middleware"]
    async with running(crowded({"first": first})) as app, crowd_at(app, "/slow-service/quick/?wait", 7, 4, "POST"):
        assert await until(lambda: app.services["first"].surroundings.middleware_threads.waiting == 3)
        answer = await ask(app, "/slow-service/quick/", "POST")
        assert (answer.status, answer["x-served-by"], answer["retry-after"]) == (503, "first", "5")


@pytest.mark.anyio
async def test_the_same_for_a_service_without_the_projects_middleware(crowded):
    plain = {"app": "tests.project.crowd:plain", "middleware": "none", "threads": 2, "queue": 3, "breaker": False}
    async with running(crowded({"plain": plain})) as app, crowd_at(app, "/plain/slow/", 5, 2, "POST"):
        limiter = app.services["plain"].surroundings._limiter
        assert await until(lambda: limiter.statistics().tasks_waiting == 3)
        answer = await ask(app, "/plain/slow/", "POST")
        assert (answer.status, answer["retry-after"]) == (503, "5")


@pytest.mark.anyio
async def test_who_a_caller_is_is_found_while_all_views_are_slow(crowded, monkeypatch):
    async with running(crowded()) as app, crowd_at(app, "/slow/", 20, 4):
        made = scope("/slow/", headers={"Cookie": "sessionid=abc"})
        monkeypatch.setattr("gateway.legacy.callers._found", lambda *_: FoundCaller(ADA, "session", set()))
        assert await app.legacy.caller(Match("slow", "/slow/"), read_request(made, "", None), made) == ADA


# -- the parts ------------------------------------------------------------------------------------


PATHS = {
    "/healthz": True,
    "/healthz/": True,
    "/healthz/live": True,
    "/healthzz": False,
    "/": False,
    "/a/healthz": False,
}


@pytest.mark.parametrize("path", PATHS)
def test_what_is_reserved_is_known_by_whole_segments(path):
    assert is_reserved(path, ["/healthz"]) is PATHS[path]


@pytest.mark.anyio
async def test_one_whose_turn_comes_in_the_line_is_looked_at_no_more():
    line = Line(0.04)
    refused: list[str] = []
    first = Waiting(lambda: True, lambda: refused.append("first"))
    second = Waiting(lambda: False, lambda: refused.append("second"))
    for waiting in (first, second):
        line.join(waiting)
    assert await until(lambda: refused == ["first"])
    line.leave(second)
    assert line.length == 0


def test_a_job_is_taken_back_unless_it_has_begun():
    threads, going, ran = Threads(1), threading.Event(), []
    threads.submit(going.wait)
    assert eventually(lambda: threads.saturated and threads.waiting == 0)

    def second() -> None:
        ran.append(2)

    threads.submit(second)
    assert second in threads
    assert threads.withdraw(second)
    assert not threads.withdraw(second)
    going.set()
    done = threading.Event()
    threads.submit(done.set)
    assert done.wait(PATIENCE)
    threads.close()
    assert ran == []


PROBLEMS = {
    "legacy.queue": ({"queue": 0}, "1 or more"),
    "legacy.queue_timeout": ({"queue_timeout": 0.0}, "seconds"),
    "legacy.reserve": ({"reserve": -1}, "0 to 1000"),
    "legacy.reserved": ({"reserved": ["healthz"]}, "paths of health checks"),
}


@pytest.mark.parametrize("key", PROBLEMS)
def test_what_makes_no_sense_is_refused_by_name(crowded, key):
    table, expected = PROBLEMS[key]
    with pytest.raises(ConfigError) as caught:
        crowded(**table)
    [problem] = caught.value.problems
    assert problem.key.startswith(key)
    assert expected in problem.expected


def test_a_service_elsewhere_has_threads_of_its_own(crowded):
    with pytest.raises(ConfigError, match="threads and queue go with app"):
        crowded({"far": {"url": "http://127.0.0.1:9", "threads": 3}})


# -- all of it ------------------------------------------------------------------------------------


@pytest.fixture
def site(serve: Callable[..., Server]) -> Iterator[Server]:
    toml = """
[legacy]
settings = "tests.project.settings"
threads = 8
queue = 300

[services.first]
app = "tests.project.crowd:first"

[services.other]
app = "tests.project.crowd:other"

[[routes]]
name = "first"
prefix = "/slow-service"
service = "first"

[[routes]]
name = "other"
prefix = "/other"
service = "other"
"""
    with serve(toml, settings=SETTINGS) as server:
        yield server


def answered(site: Server, path: str) -> tuple[int, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=2 * PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status, response.getheader("Retry-After")


@pytest.mark.server
def test_five_hundred_slow_views_and_two_hundred_slow_endpoints_hold_up_nobody_else(site):
    with ThreadPoolExecutor(700) as callers:
        slow = [callers.submit(answered, site, "/slow/") for _ in range(500)]
        slow += [callers.submit(answered, site, "/slow-service/slow/") for _ in range(200)]
        assert eventually(lambda: sum(one.done() for one in slow) >= 500 - 8 - 300)
        since = time.monotonic()
        for path in ("/healthz", "/backoffice/login/", "/other/quick/"):
            assert answered(site, path)[0] == 200
        took = time.monotonic() - since
        assert json.loads(site.request("/let-go/").body)["begun"] > 8
        statuses = [one.result() for one in slow]
    assert took < PATIENCE  # nobody had let go by then: without a reserve, this would never end
    assert {status for status in statuses if status[0] != 200} == {(503, "5")}
    assert statuses.count((503, "5")) == 500 - 8 - 300
