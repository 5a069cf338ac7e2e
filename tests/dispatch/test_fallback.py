"""What becomes of a request whose service fails: legacy answers where it may, and only then."""

from __future__ import annotations

import asyncio
import logging

import pytest

from gateway.dispatch.errors import ClientGone
from tests.project import services
from tests.support.asgi import Connection, ask, running, scope, until

pytestmark = pytest.mark.anyio
SERVICE = {"app": "tests.project.services:failing", "middleware": "none"}
NEVER = {"breaker": False}  # so that a test's failures don't add up


@pytest.fixture
def failing(gateway):
    """Build a gateway with a service that fails, at /f; `route` and `service` are more keys of theirs."""

    def build(*, service=None, **route):
        table = {"failing": SERVICE | NEVER | (service or {})}
        return gateway(services=table, routes=[{"name": "f", "prefix": "/f", "service": "failing"} | route])

    return build


def side(counters, name: str):
    return counters.take().side("f", name)


# -- when legacy answers ------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [{"stage": "live"}, {"stage": "canary", "weight": 100}])
@pytest.mark.parametrize("how", ["raises", "cancelled", "502", "503", "504"])
async def test_legacy_answers_for_a_service_that_failed_before_its_first_byte(failing, how, stage):
    async with running(failing(**stage)) as app:
        found = await ask(app, f"/f/{how}/")
        assert (found.status, found["x-served-by"], found.json()) == (200, "legacy", {"legacy": how, "body": 0})


async def test_legacy_answers_whatever_page_the_middleware_makes_of_what_a_service_raises(failing, settings):
    settings.DEBUG = True  # then it is a page of some hundred kilobytes
    async with running(failing(service={"middleware": "django"})) as app:
        found = await ask(app, "/f/raises/", headers={"Accept": "text/html"})
        assert (found.status, found["x-served-by"]) == (200, "legacy")


async def test_an_error_too_long_to_be_held_back_is_the_services(failing, monkeypatch):
    monkeypatch.setattr("gateway.dispatch.response.MOST_BUFFERED", 1)
    async with running(failing()) as app:
        found = await ask(app, "/f/503/")
        assert (found.status, found["x-served-by"]) == (503, "failing")
        assert len(found.body) > 1


async def test_legacy_answers_for_a_service_that_does_not_begin_in_time(failing):
    async with running(failing(service={"timeout": 0.05})) as app:
        found = await ask(app, "/f/hangs/")
        assert (found.status, found["x-served-by"]) == (200, "legacy")


@pytest.mark.parametrize("kind", ["silent", "malformed"])
async def test_legacy_answers_for_what_is_no_answer(failing, kind):
    async with running(failing(service={"app": f"tests.project.services:{kind}"}, claim="all")) as app:
        found = await ask(app, "/f/fine/")
        assert (found.status, found["x-served-by"]) == (200, "legacy")


async def test_a_head_request_falls_back_as_get_does(failing):
    async with running(failing()) as app:
        found = await ask(app, "/f/raises/", "HEAD")
        assert (found.status, found["x-served-by"]) == (200, "legacy")


async def test_further_statuses_are_the_routes_to_name(failing):
    async with running(failing(fallback={"statuses": [500, 501]})) as app:
        found = [(await ask(app, f"/f/{status}/"))["x-served-by"] for status in (500, 501, 503)]
        assert found == ["legacy", "legacy", "failing"]


async def test_legacy_gets_the_body_that_the_service_has_read(failing):
    async with running(failing()) as app:
        found = await ask(app, "/f/raises/", body=b"abc", headers={"Content-Length": "3"})
        assert found.json() == {"legacy": "raises", "body": 3}


async def test_a_body_comes_whole_however_much_of_it_the_service_has_read(failing):
    async with running(failing()) as app:
        asked = Connection(app, scope("/f/raises/", headers={"Content-Length": "6"}))
        for part in (b"ab", b"cd"):
            asked.body(part, more=True)
        asked.body(b"ef")
        assert (await asked.done()).json() == {"legacy": "raises", "body": 6}


async def test_what_legacy_raises_then_is_legacys_answer(failing, project):
    project.ROOT_URLCONF = "tests.project.urls_that_raise"
    async with running(failing()) as app:
        found = await ask(app, "/f/raises/")
        assert (found.status, found["x-served-by"]) == (500, "legacy")


async def test_what_the_service_left_behind_has_no_part_in_legacys_answer(failing):
    services.stragglers.clear()
    async with running(failing(service={"app": "tests.project.services:straggling"}, claim="all")) as app:
        found = await ask(app, "/f/fine/")
        kinds = [message["type"] for message in found.messages]
        assert (kinds, found["x-served-by"]) == (["http.response.start", "http.response.body"], "legacy")
        assert [type(task.exception()) for task in services.stragglers] == [ClientGone]


# -- when it doesn't ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 403, 404, 409, 410, 422, 429, 500, 501])
async def test_every_other_answer_is_the_services(failing, status):
    """A 404 above all: it may be the right answer."""
    async with running(failing()) as app:
        found = await ask(app, f"/f/{status}/")
        assert (found.status, found["x-served-by"]) == (status, "failing")


@pytest.mark.parametrize(("how", "status"), [("raises", 500), ("503", 503)])
async def test_an_unsafe_request_is_not_repeated(failing, how, status):
    async with running(failing(fallback={"unsafe": True})) as app:
        found = await ask(app, f"/f/{how}/", "POST")
        assert (found.status, found["x-served-by"]) == (status, "failing")


async def test_an_unsafe_request_that_takes_too_long_is_a_504(failing):
    async with running(failing(service={"timeout": 0.05})) as app:
        assert (await ask(app, "/f/hangs/", "POST")).status == 504


@pytest.mark.parametrize("keys", [{"stage": "retired"}, {"fallback": False}])
@pytest.mark.parametrize(("how", "status"), [("raises", 500), ("503", 503)])
async def test_a_route_without_fallback_keeps_the_services_answer(failing, keys, how, status):
    async with running(failing(**keys)) as app:
        found = await ask(app, f"/f/{how}/")
        assert (found.status, found["x-served-by"]) == (status, "failing")


async def test_a_body_too_large_to_be_kept_means_no_fallback_and_no_413(failing):
    async with running(failing(fallback={"max_body": 2})) as app:
        found = await ask(app, "/f/raises/", body=b"abc", headers={"Content-Length": "3"})
        assert (found.status, found["x-served-by"]) == (500, "failing")
        assert (await ask(app, "/f/fine/", body=b"abc", headers={"Content-Length": "3"})).status == 200


async def test_half_an_answer_is_cut_off(failing):
    async with running(failing()) as app:
        asked = Connection(app, scope("/f/dies/"))
        asked.body()
        with pytest.raises(RuntimeError):
            await asked.done()
        assert [message.get("body") for message in asked.messages[1:]] == [b"half"]


async def test_an_answer_that_begins_too_late_is_cut_off(failing):
    service = {"app": "tests.project.services:late", "timeout": 0.05}
    async with running(failing(service=service, claim="all")) as app:
        asked = Connection(app, scope("/f/fine/"))
        asked.body()
        with pytest.raises(TimeoutError, match="did not begin its answer"):
            await asked.done()
        assert side(app.counters, "service").errors == 1


async def test_a_path_that_legacy_does_not_have_keeps_the_services_failure(failing, gateway):
    routes = [{"name": "f", "prefix": "/api", "service": "items"}]
    table = {"items": SERVICE | {"app": "tests.project.services:items"}}
    async with running(gateway(services=table, routes=routes)) as app:
        found = await ask(app, "/api/raises/")
        assert (found.status, found["x-served-by"]) == (500, "items")


async def test_nobody_is_asked_again_for_a_client_that_left(failing):
    async with running(failing(service={"timeout": 0.1})) as app:
        asked = Connection(app, scope("/f/hangs/"))
        asked.body()
        asked.leave()
        asked.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked.done()
        assert asked.messages == []


async def test_a_cancelled_request_stays_cancelled(failing):
    """The server's own cancellation is no time-out of ours."""
    async with running(failing()) as app:
        asked = Connection(app, scope("/f/hangs/"))
        asked.body()
        await asyncio.sleep(0.05)
        asked.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked.done()


async def test_no_traceback_reaches_the_caller(failing):
    async with running(failing(fallback=False)) as app:
        assert "secret" not in (await ask(app, "/f/raises/")).text


# -- what is said of it -------------------------------------------------------------------------


async def test_a_fallback_is_logged_with_its_reason(failing, caplog):
    async with running(failing()) as app:
        await ask(app, "/f/503/")
    assert "GET /f/503/: service 'failing' answered 503; legacy answers" in caplog.messages


async def test_a_fallback_counts_as_the_services_error(failing):
    async with running(failing()) as app:
        for how in ("fine", "503", "raises"):
            await ask(app, f"/f/{how}/")
        service, legacy = side(app.counters, "service"), side(app.counters, "legacy")
        assert (service.requests, service.errors, service.fallbacks, legacy.requests) == (3, 2, 2, 0)


async def test_a_client_that_left_is_no_error(failing):
    async with running(failing()) as app:
        asked = Connection(app, scope("/f/hangs/"))
        asked.body()
        await asyncio.sleep(0.05)
        asked.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked.done()
        assert side(app.counters, "service").errors == 0
        assert app.breakers["failing"].in_flight == 0


@pytest.mark.parametrize("path", ["/f/raises/", "/f/503/"])
async def test_what_a_service_makes_of_a_client_that_left_is_no_error(failing, path):
    async with running(failing(service={"app": "tests.project.services:forsaken"}, claim="all")) as app:
        asked = Connection(app, scope(path))
        asked.body()
        asked.leave()
        await asked.done()
        service = side(app.counters, "service")
        assert (service.requests, service.errors, service.fallbacks, asked.messages) == (1, 0, 0, [])


async def test_a_socket_that_left_before_it_was_accepted_is_no_error(failing):
    async with running(failing(service={"app": "tests.project.services:undecided"}, claim="all")) as app:
        asked = Connection(app, scope("/f/fine/", kind="websocket"))
        asked.give("websocket.connect")
        asked.give("websocket.disconnect", code=1001)
        await asked.done()
        service = side(app.counters, "service")
        assert (service.requests, service.errors) == (1, 0)


# -- the breaker, and too much to do ------------------------------------------------------------


async def test_a_service_that_fails_often_is_left_alone(failing):
    breaker = {"minimum": 4, "cooldown": 60}
    async with running(failing(service={"breaker": breaker})) as app:
        for _ in range(4):
            await ask(app, "/f/raises/", "POST")
        found = await ask(app, "/f/fine/", "POST")
        assert found.json() == {"legacy": "fine", "body": 0}


async def test_failures_of_callers_that_left_open_no_breaker(failing):
    async with running(failing(service={"breaker": {"minimum": 1}})) as app:
        asked = Connection(app, scope("/f/hangs/"))
        asked.body()
        await asyncio.sleep(0.05)
        asked.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked.done()
        assert (await ask(app, "/f/fine/"))["x-served-by"] == "failing"


async def test_a_service_is_done_with_while_legacy_answers_for_it(failing, caplog):
    async with running(failing()) as app:
        asked = Connection(app, scope("/f/raises/"))
        asked.stop_reading()
        asked.body()
        assert await until(lambda: "legacy answers" in caplog.text)
        assert app.breakers["failing"].in_flight == 0
        asked.read_on()
        assert (await asked.done())["x-served-by"] == "legacy"


async def test_what_is_too_much_for_a_service_is_legacys(failing):
    async with running(failing(service={"concurrency": 1})) as app:
        asked = Connection(app, scope("/f/hangs/"))
        asked.body()
        await asyncio.sleep(0.05)
        assert (await ask(app, "/f/fine/"))["x-served-by"] == "legacy"
        asked.task.cancel()


async def test_what_is_too_much_for_a_service_is_a_503_where_nobody_stands_in(failing, caplog):
    caplog.set_level(logging.INFO, "gateway.access")
    async with running(failing(service={"concurrency": 1}, stage="retired")) as app:
        asked = Connection(app, scope("/f/hangs/"))
        asked.body()
        await asyncio.sleep(0.05)
        found = await ask(app, "/f/fine/")
        assert (found.status, found["retry-after"]) == (503, "1")
        assert side(app.counters, "service").errors == 1
        asked.task.cancel()


# -- what callers do to it ----------------------------------------------------------------------


async def test_a_body_that_its_caller_does_not_send_is_no_failure_of_the_service(failing):
    """Or anybody could open the breaker, and have the guard roll the route back, without a bug in the service."""
    async with running(failing(service={"timeout": 0.05, "breaker": {"minimum": 1}})) as app:
        asked = Connection(app, scope("/f/fine/", headers={"Content-Length": "3"}))
        asked.body(b"a", more=True)
        assert (await asked.done()).status == 408
        assert side(app.counters, "service").errors == 0
        assert (await ask(app, "/f/fine/"))["x-served-by"] == "failing"


async def test_a_body_that_is_not_kept_may_come_late_too(failing):
    async with running(failing(service={"timeout": 0.05, "breaker": {"minimum": 1}}, fallback={"max_body": 0})) as app:
        asked = Connection(app, scope("/f/fine/", "POST", headers={"Content-Length": "3"}))
        asked.body(b"ab", more=True)
        assert (await asked.done()).status == 408
        assert (await ask(app, "/f/fine/"))["x-served-by"] == "failing"


async def test_a_service_that_has_the_whole_body_and_waits_for_its_caller_to_leave_is_late(failing):
    async with running(failing(service={"timeout": 0.05, "app": "tests.project.services:patient"}, claim="all")) as app:
        asked = Connection(app, scope("/f/fine/", headers={"Content-Length": "3"}))
        asked.body(b"abc")
        assert (await asked.done())["x-served-by"] == "legacy"


@pytest.mark.slow
async def test_a_body_may_take_its_time_as_long_as_it_comes(failing):
    async with running(failing(service={"timeout": 0.5})) as app:
        asked = Connection(app, scope("/f/fine/", "POST", headers={"Content-Length": "4"}))
        for part in (b"a", b"b", b"c"):
            await asyncio.sleep(0.25)
            asked.body(part, more=True)
        asked.body(b"d")
        assert (await asked.done()).json() == {"service": "fine", "body": 4}


async def test_a_target_that_can_not_be_handed_on_is_no_failure_of_the_service(gateway):
    services = {"away": {"url": "http://127.0.0.1:1", "breaker": {"minimum": 1}}}
    route = {"name": "f", "prefix": "/f", "service": "away", "claim": "all"}
    async with running(gateway(services=services, routes=[route])) as app:
        assert (await ask(app, "/f/fine/?" + "x" * 70_000)).status == 414
        assert (side(app.counters, "service").errors, app.breakers["away"].openings) == (0, 0)


@pytest.mark.slow
async def test_the_time_of_a_service_begins_when_it_has_the_body(failing):
    """Else the last byte, sent in the last moment, would make a failure of it."""
    async with running(failing(service={"timeout": 0.5})) as app:
        asked = Connection(app, scope("/f/late/", headers={"Transfer-Encoding": "chunked"}))
        await asyncio.sleep(0.4)
        asked.body(b"abc")
        assert (await asked.done())["x-served-by"] == "failing"


@pytest.mark.parametrize(
    ("offers", "types", "says"),
    [
        ({}, ["websocket.close"], {"code": 1013, "reason": ""}),
        (
            {"websocket.http.response": {}},
            ["websocket.http.response.start", "websocket.http.response.body"],
            {"status": 503},
        ),
    ],
)
async def test_what_is_too_much_for_a_service_is_no_offence_of_a_socket(failing, offers, types, says):
    service = {"app": "tests.project.services:undecided", "concurrency": 1}
    async with running(failing(service=service, claim="all")) as app:
        first = Connection(app, scope("/f/fine/", kind="websocket"))
        assert await until(lambda: app.breakers["failing"].in_flight == 1)
        second = Connection(app, scope("/f/fine/", kind="websocket", extensions=offers))
        second.give("websocket.connect")
        await second.done()
        assert ([message["type"] for message in second.messages], second.messages[0] | says) == (
            types, second.messages[0],
        )  # fmt: skip
        first.give("websocket.disconnect", code=1001)
        await first.done()
