"""The project's own middleware runs around a service as it runs around Django's views."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from django.core import signals

from tests.bridge.conftest import HOOKS
from tests.project import gates
from tests.project.middleware import hooks_left
from tests.support.asgi import Connection, ask, open_socket, running, scope, until

pytestmark = [pytest.mark.anyio, pytest.mark.long]


@pytest.fixture
def name(request):
    return request.node.name


async def start(app, target, method="GET", body=b"", **more):
    connection = Connection(app, scope(target, method, **more))
    connection.body(body)
    return connection


# -- the whole chain ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["plain", "sync"])
async def test_the_answer_carries_what_the_middleware_adds(app, kind):
    found = await ask(app, f"/b/{kind}/")
    assert (found.status, found.json()) == (200, {"answer": kind})
    assert {name: found[name] for name in ("x-frame-options", "x-content-type-options", "x-hooks", "x-served-by")} == {
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "x-hooks": "yes",
        "x-served-by": "bridged",
    }
    assert found["content-length"] == str(len(found.body))


async def test_a_middleware_may_answer_instead_of_the_service(app):
    found = await ask(app, "/b/plain/?short=whole")
    assert (found.text, found["x-short"], found["x-frame-options"]) == ("short-circuited", "1", "DENY")


async def test_a_file_comes_through_the_middleware_whatever_the_server_could_do(app):
    found = await ask(app, "/b/file/", extensions={"http.response.pathsend": {}})
    assert (str(len(found.body)), found["x-hooks"]) == (found["content-length"], "yes")
    assert found.body


async def test_a_middleware_may_answer_with_a_stream(app):
    assert (await ask(app, "/b/plain/?short=stream")).text == "short-circuited"


async def test_a_middleware_may_answer_when_it_sees_the_view(app):
    assert (await ask(app, "/b/plain/?short=view")).status == 403


async def test_a_middleware_sees_the_endpoint_as_a_view(app):
    seen = (await ask(app, "/b/view/7/seven/")).json()
    assert seen == {
        "name": "viewed",
        "route": "b/view/{number:int}/{name}/",
        "kwargs": {"number": 7, "name": "seven"},
        "seen": "tests.project.bridged.viewed {'number': 7, 'name': 'seven'}",
    }


async def test_a_middleware_may_change_the_content(app):
    found = await ask(app, "/b/plain/?shout=1")
    assert (found.text, found["content-length"]) == ('{"ANSWER":"PLAIN"}', "18")


async def test_cookies_pass_with_every_attribute(app):
    found = await ask(app, "/b/cookies/")
    assert found.all("set-cookie") == ["one=1; HttpOnly; Path=/; SameSite=strict", "two=2; Path=/; SameSite=lax"]


async def test_a_path_nobody_declares_stays_djangos(app):
    assert (await ask(app, "/b/nothing/"))["x-served-by"] == "legacy"


async def test_a_compressing_middleware_compresses(bridged):
    chain = ["django.middleware.gzip.GZipMiddleware"]
    async with running(bridged(chain)) as app:
        gates.open_gate("zip-second")
        found = await ask(app, "/b/streams/zip/", headers={"Accept-Encoding": "gzip"})
    assert (found["content-encoding"], gzip.decompress(found.body)) == ("gzip", b"first second")


async def test_only_chosen_entries_run(bridged):
    async with running(bridged(middleware=["django.middleware.security.SecurityMiddleware"])) as app:
        found = await ask(app, "/b/plain/")
    assert (found["x-content-type-options"], found["x-frame-options"], found["x-hooks"]) == ("nosniff", None, None)


# -- exceptions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["raises", "raises/sync"])
async def test_what_the_service_raises_goes_to_the_middleware(app, kind):
    assert (await ask(app, f"/b/{kind}/?catch=1")).text == "caught RuntimeError"


@pytest.mark.parametrize("kind", ["raises", "raises/sync"])
async def test_what_nobody_catches_is_djangos_500(app, kind, caplog):
    told = []

    def tell(sender, **more):
        told.append(more["request"].path)

    signals.got_request_exception.connect(tell)
    try:
        found = await ask(app, f"/b/{kind}/")
    finally:
        signals.got_request_exception.disconnect(tell)
    assert (found.status, "secret" in found.text, told) == (500, False, [f"/b/{kind}/"])
    assert "Server Error (500)" in found.text
    assert [record.name for record in caplog.records] == ["django.request"]


async def test_djangos_own_exceptions_mean_what_they_mean(app):
    assert (await ask(app, "/b/404/")).status == 404


async def test_a_500_that_the_service_returns_stays(app):
    found = await ask(app, "/b/answers-500/")
    assert (found.status, found.text) == (500, "my own 500")


async def test_a_middleware_that_raises_is_djangos_500(app):
    found = await ask(app, "/b/plain/?short=raises")
    assert (found.status, "secret" in found.text) == (500, False)


async def test_a_service_that_dies_in_the_middle_is_cut_off(app):
    connection = await start(app, "/b/dies/")
    with pytest.raises(RuntimeError, match="secret"):
        await connection.done()
    assert connection.messages[0]["status"] == 200
    assert connection.messages[-1]["more_body"]


# -- bodies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 10, 3_000_000, 6_000_000])
async def test_the_service_gets_the_whole_body(app, size):
    assert (await ask(app, "/b/body/", "POST", body=b"x" * size)).json() == {"size": size}


async def test_a_form_is_there_for_both(app):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    found = await ask(app, "/b/echo/", "POST", body=b"a=1&b=2", headers=form)
    assert found.json() == {"body": "a=1&b=2", "post": {"a": "1", "b": "2"}}


# -- streams ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["streams", "streams-sync"])
async def test_a_stream_is_sent_as_it_comes(app, kind, name):
    connection = await start(app, f"/b/{kind}/{name}/")
    first = (await connection.until(2))[1]
    gates.open_gate(f"{name}-second")
    found = await connection.done()
    assert (first["body"], found.body, found["x-hooks"]) == (b"first ", b"first second", "yes")
    assert found.complete


async def test_what_comes_after_the_answer_does_not_delay_it(app, name):
    from tests.project.bridged import seen

    connection = await start(app, f"/b/background/{name}/")
    messages = await connection.until(2)
    assert (messages[-1]["more_body"], name in seen) == (False, False)
    gates.open_gate(name)
    await connection.done()
    assert name in seen


# -- state of the request -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["locale", "locale/sync"])
async def test_the_endpoint_has_the_language_and_time_zone_of_its_request(app, kind):
    headers = {"Accept-Language": "el", "X-Time-Zone": "Asia/Tokyo"}
    assert (await ask(app, f"/b/{kind}/", headers=headers)).json() == {
        "language": "el",
        "zone": "Asia/Tokyo",
        "text": "\u039d\u03b1\u03b9",
    }
    assert (await ask(app, f"/b/{kind}/")).json()["zone"] == "Europe/Athens"


async def test_what_the_endpoint_activates_is_active_for_the_middleware(app):
    assert (await ask(app, "/b/activates/"))["content-language"] == "el"


async def test_interleaved_requests_each_have_their_own(app):
    wanted = [
        (f"/b/{kind}/", language, zone)
        for kind in ("locale", "locale/sync")
        for language in ("en", "el", "de")
        for zone in ("Asia/Tokyo", "Europe/Paris")
    ] * 17
    answers = await asyncio.gather(
        *(ask(app, target, headers={"Accept-Language": lang, "X-Time-Zone": zone}) for target, lang, zone in wanted)
    )
    found = [(answer.json()["language"], answer.json()["zone"]) for answer in answers]
    assert len(found) == 204
    assert found == [(language, zone) for _, language, zone in wanted]


@pytest.mark.slow
async def test_no_thread_is_held_while_endpoints_wait(app, name):
    waiting = [await start(app, f"/b/waits/{name}/") for _ in range(50)]
    assert await gates.wait_async(f"{name}-entered")
    assert (await ask(app, "/b/plain/")).status == 200
    assert app.services["bridged"].surroundings.middleware_threads.size == 4
    gates.open_gate(name)
    assert {(await connection.done()).status for connection in waiting} == {200}


# -- clients that leave -------------------------------------------------------------------------


async def test_a_cancelled_request_unwinds_its_middleware(app, name):
    hooks_left.clear()
    connection = await start(app, f"/b/waits/{name}/")
    assert await gates.wait_async(f"{name}-entered")
    connection.task.cancel()
    await asyncio.wait([connection.task])
    assert await until(lambda: hooks_left == [f"/b/waits/{name}/"])
    gates.open_gate(name)


async def test_request_finished_is_sent_once_for_each_request(app):
    told = []

    def tell(sender, **more):
        told.append(sender)

    signals.request_finished.connect(tell)
    try:
        for target in ("/b/plain/", "/b/raises/", "/b/plain/?short=whole", "/b/plain/?short=stream"):
            await ask(app, target)
        gates.open_gate("finished-second")
        await ask(app, "/b/streams/finished/")
        assert await until(lambda: len(told) >= 5)
    finally:
        signals.request_finished.disconnect(tell)
    assert len(told) == 5


# -- sockets ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
async def test_a_socket_has_the_middlewares_request(app):
    messages = await open_socket(app, "/b/socket/")
    assert messages[0]["type"] == "websocket.accept"
    assert (b"x-hooks", b"yes") in messages[0]["headers"]
    assert messages[1]["text"] == '{"user":null,"count":0}'


async def test_a_socket_that_a_middleware_refuses_is_closed(app):
    assert [message["type"] for message in await open_socket(app, "/b/socket/?short=whole")] == ["websocket.close"]


async def test_one_that_it_refuses_once_the_service_has_accepted_is_closed_before_its_caller_leaves(bridged, settings):
    settings.MIDDLEWARE = ["tests.project.middleware.no_sockets"]
    async with running(bridged()) as app:
        connection = Connection(app, scope("/b/socket/", kind="websocket"))
        connection.give("websocket.connect")
        await connection.done()
        assert [message["type"] for message in connection.messages] == ["websocket.close"]


@pytest.mark.parametrize("kind", ["plain", "sync"])
async def test_a_middleware_may_give_the_request_another_class(bridged, settings, kind):
    settings.MIDDLEWARE = ["tests.project.middleware.own_request"]
    async with running(bridged()) as app:
        assert (await ask(app, f"/b/{kind}/")).json() == {"answer": kind}


# -- middleware of either kind ------------------------------------------------------------------

ASYNC_ONLY = "tests.project.middleware.async_only"
STAMP = "tests.project.middleware.stamp"


@pytest.mark.parametrize("chain", [[ASYNC_ONLY], [STAMP, ASYNC_ONLY, HOOKS], [ASYNC_ONLY, STAMP, HOOKS]], ids=str)
@pytest.mark.parametrize("target", ["/b/plain/", "/b/sync/"])
async def test_asynchronous_middleware_runs_too(bridged, chain, target):
    async with running(bridged(chain)) as app:
        answers = await asyncio.gather(*(ask(app, target) for _ in range(20)))
    assert {(found.status, found["x-async-only"]) for found in answers} == {(200, "yes")}
    assert {found["x-stamp"] for found in answers} == {"sync" if STAMP in chain else None}


async def test_a_stream_passes_asynchronous_middleware_as_it_comes(bridged, name):
    async with running(bridged([ASYNC_ONLY, HOOKS])) as app:
        connection = await start(app, f"/b/streams/{name}/")
        first = (await connection.until(2))[1]
        gates.open_gate(f"{name}-second")
        found = await connection.done()
    assert (first["body"], found.body, found["x-async-only"]) == (b"first ", b"first second", "yes")


@pytest.mark.parametrize("chain", [[ASYNC_ONLY, HOOKS], [HOOKS, ASYNC_ONLY]], ids=str)
async def test_what_the_service_raises_passes_asynchronous_middleware(bridged, chain):
    async with running(bridged(chain)) as app:
        assert (await ask(app, "/b/raises/?catch=1")).text == "caught RuntimeError"
        assert (await ask(app, "/b/raises/")).status == 500
