"""Who failed is told apart: the caller, the project's middleware, the service, and what both sides lean on."""

from __future__ import annotations

import gc
import logging
import socket

import pytest
import redis
from django.core.cache import cache
from django.db import OperationalError, connections

from gateway.dispatch.suspicion import is_suspicious
from gateway.legacy import reachability
from tests.project import blamed
from tests.project.blamed import Panic
from tests.support.asgi import ask, running, until

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True), pytest.mark.table]
SEVERAL = 12  # the breaker opens after ten


@pytest.fixture(autouse=True)
def nobody_fails(project):
    project.ROOT_URLCONF = "tests.project.blamed"
    project.MIDDLEWARE = ["tests.project.blamed.middleware"]
    blamed.fails.clear()
    yield
    blamed.fails.clear()


@pytest.fixture
def moved(gateway):
    """A gateway whose route is live; keyword arguments are more keys of the service."""

    def build(**service):
        services = {"w": {"app": "tests.project.blamed:app"} | service}
        return gateway(services=services, routes=[{"name": "w", "prefix": "/w", "service": "w", "stage": "live"}])

    return build


def raising(error: BaseException):
    def act():
        raise error

    return act


async def asked(app, method: str = "GET", path: str = "/w/sync/", times: int = SEVERAL) -> list[tuple[int, str]]:
    """How so many requests were answered, and by whom."""
    answers = [await ask(app, path, method) for _ in range(times)]
    return sorted({(answer.status, answer["x-served-by"]) for answer in answers})


def counted(app, side: str) -> tuple[int, int]:
    tally = app.counters.take().side("w", side)
    return tally.requests, tally.errors


def state(app) -> object:
    return app.breakers["w"].describe(app.clock.monotonic())["state"]


BLAMELESS = ["closed", (0, 0)]  # the breaker, and requests and errors of the service


# -- the project's middleware -------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [503, 502, 504])
async def test_a_middlewares_own_answer_is_not_the_services(moved, method, status):
    blamed.fails["before"] = lambda: status
    async with running(moved()) as app:
        assert await asked(app, method) == [(status, "w")]
        assert [state(app), counted(app, "service")] == BLAMELESS
        assert counted(app, "middleware") == (SEVERAL, SEVERAL)


async def test_maintenance_mode_neither_opens_a_breaker_nor_is_it_a_failure(moved, project):
    project.INSTALLED_APPS = [*project.INSTALLED_APPS, "maintenance_mode"]
    project.MIDDLEWARE = ["maintenance_mode.middleware.MaintenanceModeMiddleware"]
    project.MAINTENANCE_MODE = True
    project.MAINTENANCE_MODE_RESPONSE_TYPE = "json"
    async with running(moved()) as app:
        assert await asked(app) == [(503, "w")]
        assert [state(app), counted(app, "service")] == BLAMELESS
        project.MAINTENANCE_MODE = False
        assert await asked(app) == [(200, "w")]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("method", "who", "side"), [("GET", "legacy", "shared"), ("POST", "w", "middleware")])
async def test_nor_is_what_it_raises(moved, when, method, who, side):
    """Legacy is asked where it may be, and fails in the same way."""
    blamed.fails[when] = raising(RuntimeError("by a middleware"))
    async with running(moved()) as app:
        assert await asked(app, method) == [(500, who)]
        assert [state(app), counted(app, "service")] == BLAMELESS
        assert counted(app, side) == (SEVERAL, SEVERAL)


async def test_but_what_fails_around_the_service_alone_is_its_failure(moved):
    """Legacy does well: this release of the service and this middleware don't go together."""
    blamed.fails["after the service"] = raising(AttributeError("'HttpResponse' object has no attribute 'data'"))
    async with running(moved()) as app:
        assert await asked(app) == [(200, "legacy")]
        assert counted(app, "service")[1] > 0
        assert state(app) == "open"


async def test_what_the_service_answers_itself_is_its_own(moved):
    from fastapi import HTTPException

    blamed.fails["service"] = raising(HTTPException(503))
    async with running(moved()) as app:
        assert (503, "w") in await asked(app, "POST")
        assert state(app) == "open"


# -- what both lean on --------------------------------------------------------------------------


def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@pytest.fixture
def redis_away(settings):
    """A project whose cache is a Redis that is away; both sides ask it."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{closed_port()}",
        }
    }
    blamed.fails["service"] = blamed.fails["legacy"] = lambda: cache.get("a")


@pytest.mark.parametrize(("method", "who"), [("GET", "legacy"), ("POST", "w")])
@pytest.mark.parametrize("path", ["/w/sync/", "/w/loop/"])
@pytest.mark.parametrize("middleware", ["django", "none"])
async def test_a_redis_that_is_away_for_both_is_no_failure_of_the_service(
    moved, redis_away, method, who, path, middleware
):
    if path == "/w/loop/":
        blamed.fails["service"] = raising(redis.ConnectionError("Connection refused"))
    async with running(moved(middleware=middleware)) as app:
        assert await asked(app, method, path) == [(500, who)]
        assert [state(app), counted(app, "service")] == BLAMELESS
        assert counted(app, "shared") == (SEVERAL, SEVERAL)


async def test_a_redis_that_only_the_service_has_is_its_own(moved):
    blamed.fails["service"] = raising(redis.ConnectionError("Connection refused"))
    async with running(moved()) as app:
        await asked(app, "POST")
        assert state(app) == "open"


async def test_what_legacy_answers_without_is_the_services_too(moved, redis_away):
    del blamed.fails["legacy"]
    async with running(moved()) as app:
        assert await asked(app) == [(200, "legacy")]
        assert state(app) == "open"


async def test_what_legacy_fails_at_too_says_nothing_of_the_service(moved):
    blamed.fails["service"] = blamed.fails["legacy"] = raising(RecursionError("nested too deeply"))
    async with running(moved()) as app:
        assert await asked(app) == [(500, "legacy")]
        assert [state(app), counted(app, "service")] == BLAMELESS


async def test_a_database_that_is_away_is_found_to_be(moved, monkeypatch, caplog):
    def refuse(self):
        raise OperationalError("connection refused")

    monkeypatch.setattr(type(connections["default"]), "ensure_connection", refuse)
    blamed.fails["service"] = raising(OperationalError("connection refused"))
    async with running(moved()) as app:
        assert await asked(app, "POST") == [(500, "w")]
        assert [state(app), counted(app, "service")] == BLAMELESS
        assert "database 'default': OperationalError: connection refused" in caplog.text


async def test_so_is_one_that_does_not_answer(moved, monkeypatch):
    import threading

    release = threading.Event()
    monkeypatch.setattr(reachability, "PATIENCE", 0.05)
    monkeypatch.setattr(reachability, "_away", lambda: release.wait(20) and None)
    blamed.fails["service"] = raising(TimeoutError())
    try:
        async with running(moved()) as app:
            assert await asked(app, "POST") == [(500, "w")]
            assert [state(app), counted(app, "service")] == BLAMELESS
    finally:
        release.set()


@pytest.mark.parametrize("error", [OperationalError("no such column: x"), TimeoutError(), ConnectionResetError()])
async def test_an_error_that_only_looks_like_it_is_the_services(moved, error):
    blamed.fails["service"] = raising(error)
    async with running(moved()) as app:
        await asked(app, "POST")
        assert state(app) == "open"


SUSPICIOUS = [
    (OperationalError(), True),
    (redis.ConnectionError(), True),
    (redis.exceptions.BusyLoadingError(), True),
    (ConnectionRefusedError(), True),
    (ExceptionGroup("several", [ValueError(), ExceptionGroup("more", [OperationalError()])]), True),
    (ValueError(), False),
    (KeyError("OperationalError"), False),
    (None, False),
]


@pytest.mark.parametrize(("error", "is_it"), SUSPICIOUS)
def test_which_errors_may_come_from_a_store(error, is_it):
    assert is_suspicious(error) is is_it


def test_an_error_is_known_by_what_led_to_it():
    wrapped = RuntimeError("can't")
    wrapped.__cause__ = OperationalError()
    wrapped.__cause__.__context__ = wrapped
    assert is_suspicious(wrapped)


# -- the service: whatever it raises ------------------------------------------------------------


@pytest.mark.parametrize("middleware", ["django", "none"])
@pytest.mark.parametrize("path", ["/w/sync/", "/w/loop/"])
@pytest.mark.parametrize("error", [Panic, SystemExit])
async def test_a_panic_is_a_failure_like_any_other(moved, middleware, path, error):
    blamed.fails["service"] = raising(error("index out of bounds"))
    async with running(moved(middleware=middleware)) as app:
        assert await asked(app, "GET", path, 1) == [(200, "legacy")]
        assert (500, "w") in await asked(app, "POST", path)
        assert counted(app, "service")[1] > 9
        assert state(app) == "open"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Django leaves the body's file open
async def test_a_panic_of_an_asynchronous_view_is_an_error_of_legacys(moved):
    blamed.fails["legacy"] = raising(Panic("index out of bounds"))
    async with running(moved()) as app:
        assert await asked(app, "GET", "/w/async/", 2) == [(500, "legacy")]
    blamed.fails.clear()
    gc.collect()


@pytest.mark.parametrize("middleware", ["django", "none"])
async def test_a_mirror_that_panics_is_counted(gateway, middleware):
    blamed.fails["service"] = raising(Panic("index out of bounds"))
    services = {"w": {"app": "tests.project.blamed:app", "middleware": middleware}}
    route = {"name": "w", "prefix": "/w", "service": "w", "stage": "shadow", "mirror": {"control": 0}}
    async with running(gateway(services=services, routes=[route], mirror={"lag": 10})) as app:
        assert await asked(app, "GET", "/w/loop/", 1) == [(200, "legacy")]
        seen = app.counters.take
        assert await until(lambda: seen().mirrors("w").different == 1)
        assert seen().side("w", "service mirrored").errors == 1


# -- what is seen of it -------------------------------------------------------------------------


async def test_a_breaker_says_when_it_opens_and_when_it_closes(moved, caplog):
    blamed.fails["service"] = raising(ValueError("broken"))
    with caplog.at_level(logging.WARNING, "gateway"):
        async with running(moved(breaker={"cooldown": 0.05})) as app:
            await asked(app, "POST")
            assert "service 'w' rests for 0.05 s after failures (10 of 10 in 60 s)" in caplog.text
            del blamed.fails["service"]
            assert await until(lambda: app.breakers["w"].refuses(app.clock.monotonic()) is None)
            await asked(app, "POST", times=1)
            assert "service 'w' is asked again" in caplog.text


async def test_a_refused_request_is_counted_and_logged_once(moved, caplog):
    twice = [(b"host", b"testserver"), (b"host", b"evil.example")]
    with caplog.at_level(logging.WARNING, "gateway"):
        async with running(moved()) as app:
            for _ in range(20):
                assert (await ask(app, "/w/sync/", headers=twice)).status == 400
            assert (await ask(app, "/w/sync/", headers={"Host": "evil.example"})).status == 400
            assert app.counters.refused == {"400": 21}
    assert caplog.text.count("more than one Host header") == 1
    assert "GET /w/sync/ is refused with 400: Bad Request" in caplog.text
