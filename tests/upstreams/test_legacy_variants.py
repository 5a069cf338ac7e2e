"""Other things that can stand where the Django project does: its own ASGI application, or any WSGI one."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from gateway.upstreams.django import DjangoUpstream
from gateway.upstreams.lifespan import LifespanError
from gateway.upstreams.wsgi import WSGIUpstream
from tests.project import gates
from tests.project.wsgi import broken, flask_app, hello_app
from tests.support.asgi import Connection, ask, open_socket, running, scope

pytestmark = pytest.mark.anyio
CHANNELS = {"settings": "legacy.settings", "asgi": "tests.project.asgi:application", "static": False, "threads": 4}
FLASK = {"wsgi": "tests.project.wsgi:flask_app", "threads": 4}


@pytest.fixture
async def channels(gateway):
    async with running(gateway(legacy=CHANNELS)) as app:
        yield app


@pytest.fixture
async def flask(gateway):
    async with running(gateway(legacy=FLASK)) as app:
        yield app


# -- [legacy] asgi ------------------------------------------------------------------------------


async def test_channels_answers_requests_with_django(channels):
    found = await ask(channels, "/json/")
    assert (found.json(), found["x-served-by"]) == ({"hello": "world"}, "legacy")


@pytest.mark.django_db(transaction=True)  # Channels looks after the connections that other tests have left
async def test_channels_serves_sockets(channels):
    connection = Connection(channels, scope("/ws/echo/", kind="websocket"))
    connection.give("websocket.connect")
    await connection.until(1)
    connection.give("websocket.receive", text="hello")
    await connection.until(2)
    connection.give("websocket.disconnect", code=1000)
    await connection.done()
    assert connection.messages[1]["text"] == "consumer hello"


async def test_a_service_goes_before_channels(gateway):
    routes = [{"name": "r", "path": "/api/socket/", "service": "items"}]
    services = {"items": {"app": "tests.project.services:items", "middleware": "none"}}
    async with running(gateway(legacy=CHANNELS, services=services, routes=routes)) as app:
        accepted = (await open_socket(app, "/api/socket/"))[0]
    assert (b"x-served-by", b"items") in accepted["headers"]


async def test_an_application_of_the_projects_own_leaves_no_threads_behind(channels):
    for _ in range(10):
        await asyncio.gather(*(ask(channels, "/json/") for _ in range(10)))
    assert channels.legacy.leases.started <= 4


async def test_the_lifespan_of_the_projects_own_application_is_run(project):
    seen = []

    async def app(scope, receive, send):
        for _ in range(2):
            message = await receive()
            seen.append(message["type"])
            await send({"type": f"{message['type']}.complete"})

    async with running(DjangoUpstream(threads=1, asgi=app, static=False)):
        pass
    assert seen == ["lifespan.startup", "lifespan.shutdown"]


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_what_the_lifespan_of_the_projects_own_application_stored_is_there_for_its_requests(project, kind):
    seen = []

    async def app(scope, receive, send):
        if scope["type"] != "lifespan":
            scope["state"]["mine"] = len(seen)
            seen.append(scope["state"])
            return
        scope["state"]["pool"] = "opened at startup"
        for _ in range(2):
            message = await receive()
            await send({"type": f"{message['type']}.complete"})

    async with running(DjangoUpstream(threads=1, asgi=app, static=False)) as upstream:
        for _ in range(2):
            await Connection(upstream.entry, scope(kind=kind, state={"server": "s"})).done()
    assert seen == [{"server": "s", "pool": "opened at startup", "mine": number} for number in range(2)]


async def test_an_application_of_the_projects_own_that_does_not_start_says_why(project):
    async def app(scope, receive, send):
        await send({"type": "lifespan.startup.failed", "message": "no redis"})

    with pytest.raises(LifespanError, match="no redis"):
        await DjangoUpstream(threads=1, asgi=app, static=False).startup()


# -- [legacy] wsgi ------------------------------------------------------------------------------


async def test_flask_answers_requests(flask):
    found = await ask(flask, "/hello/")
    assert (found.json(), found["x-served-by"]) == ({"from": "flask"}, "legacy")


async def test_flask_gets_the_body_and_the_request_id(flask):
    headers = {"X-Request-ID": "abc", "Content-Length": "7"}
    seen = (await ask(flask, "/echo/", "POST", body=b"payload", headers=headers)).json()
    assert (seen["body"], seen["request_id"]) == ("payload", "abc")


@pytest.mark.parametrize("query", ["a=b", "a=%CE%BE", "a=\xce\xbe"], ids=["plain", "quoted", "raw"])
async def test_flask_gets_the_query_however_it_is_written(flask, query):
    found = (await ask(flask, f"/echo/?{query}")).json()
    assert found["args"] == {"a": "b" if query == "a=b" else "\u03be"}


async def test_flask_below_a_root_path_knows_where_it_is(flask):
    found = (await ask(flask, "/echo/", root_path="/shop")).json()
    assert (found["script_root"], found["path"]) == ("/shop", "/echo/")


async def test_a_stream_of_flask_starts_before_it_ends(flask):
    name = uuid.uuid4().hex
    connection = Connection(flask, scope(f"/streamed/{name}/"))
    connection.body()
    messages = await connection.until(2)
    assert messages[1]["body"] == b"first\n"
    gates.open_gate(name)
    assert (await connection.done()).body == b"first\nlast\n"


@pytest.mark.parametrize("app", [flask_app, broken], ids=["flask", "bare"])
async def test_an_application_that_raises_is_an_internal_server_error_that_says_nothing(gateway, app):
    target = "flask_app" if app is flask_app else "broken"
    async with running(gateway(legacy={"wsgi": f"tests.project.wsgi:{target}"})) as app:
        found = await ask(app, "/raises/")
    assert found.status == 500
    assert "secret" not in found.text


async def test_sockets_are_refused_where_legacy_is_wsgi(flask):
    (closed,) = await open_socket(flask, "/hello/")
    assert closed["type"] == "websocket.close"


async def test_services_go_before_a_wsgi_application(gateway):
    services = {"items": {"app": "tests.project.services:items", "middleware": "none"}}
    routes = [{"name": "r", "prefix": "/api", "service": "items"}]
    async with running(gateway(legacy=FLASK, services=services, routes=routes)) as app:
        answers = [(await ask(app, path))["x-served-by"] for path in ("/api/items/", "/hello/")]
    assert answers == ["items", "legacy"]


async def test_without_settings_a_wsgi_application_needs_no_django(gateway, monkeypatch):
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    async with running(gateway(legacy=FLASK)) as app:
        assert (await ask(app, "/hello/")).status == 200


async def test_a_wsgi_application_cannot_be_asked_and_accepts_every_host():
    upstream = WSGIUpstream(hello_app)
    assert (upstream.knows("/x"), upstream.allows_host(b"")) == (None, True)
    assert (upstream.forwarded_host([(b"x-forwarded-host", b"a")]), upstream.trusts_origin(b"https://a")) == (
        None,
        False,
    )
    assert repr(upstream).startswith("WSGIUpstream(<function hello_app")
