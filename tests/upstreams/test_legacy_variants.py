"""Other things that can stand where the Django project does: its own ASGI application, or any WSGI one."""

from __future__ import annotations

import asyncio
import time
import uuid

import anyio.to_thread
import pytest

from gateway.legacy.upstream import DjangoUpstream
from gateway.legacy.wsgi import WSGIUpstream
from gateway.rollout.cohort import NOBODY_KNOWN
from gateway.upstreams.bulkhead import Bulkhead, limit_threads
from gateway.upstreams.lifespan import LifespanError
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


@pytest.mark.long
async def test_an_application_of_the_projects_own_leaves_no_threads_behind(channels):
    for _ in range(10):
        await asyncio.gather(*(ask(channels, "/json/") for _ in range(10)))
    assert channels.legacy.pools.leases.started <= 4


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


@pytest.mark.server
def test_services_start_beside_an_application_that_is_not_djangos(serve):
    """In a process where Django has no settings."""
    service = '[services.plain]\napp = "tests.project.heads:plain"\nmiddleware = "none"\n'
    route = '[[routes]]\nname = "plain"\nprefix = "/plain"\nservice = "plain"\n'
    with serve(f'[legacy]\nwsgi = "tests.project.wsgi:flask_app"\n{service}{route}') as server:
        answers = [server.request(path) for path in ("/hello/", "/plain/sync/x/", "/plain/async/x/")]
    found = [(answer.status, answer["x-served-by"]) for answer in answers]
    assert found == [(200, "legacy"), (200, "plain"), (200, "plain")]
    assert "Traceback" not in server.log


async def test_without_django_a_service_has_no_more_threads_than_it_may(monkeypatch):
    original = getattr(anyio.to_thread.run_sync, "__wrapped__", anyio.to_thread.run_sync)
    monkeypatch.setattr(anyio.to_thread, "run_sync", original)
    limit_threads()
    running_now, most = [], []

    def work():
        running_now.append(1)
        most.append(len(running_now))
        time.sleep(0.01)
        running_now.pop()

    async def app(scope, receive, send):
        await asyncio.gather(*(anyio.to_thread.run_sync(work) for _ in range(8)))

    await Bulkhead(app, "plain", threads=2, queue=100, legacy=WSGIUpstream(hello_app))(scope("/"), None, None)
    assert (len(most), max(most)) == (8, 2)


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
    assert (upstream.proxy_settings, upstream.trusts_origin(b"https://a")) == (
        None,
        False,
    )
    assert repr(upstream).startswith("WSGIUpstream(<function hello_app")
    assert (await upstream.caller(), await upstream.unreachable_stores(), upstream.known_user(None)) == (
        NOBODY_KNOWN,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("host", "expected"), [("example.com", "example.com:80"), ("example.com:8443", "example.com:8443")]
)
async def test_a_wsgi_application_on_a_unix_socket_has_the_name_and_port_that_its_clients_know(host, expected):
    def application(environ, start_response):
        start_response("200 OK", [])
        return [f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']} {environ['REMOTE_ADDR']!r}".encode()]

    upstream = WSGIUpstream(application, threads=1)
    found = await ask(upstream.entry, "/", headers={"Host": host}, client=None, server=("/run/gateway.sock", None))
    assert found.text == f"{expected} ''"


async def test_of_a_django_project_in_wsgi_hosts_and_headers_of_proxies_are_known(project):
    project.SECURE_PROXY_SSL_HEADER = ("HTTP_X_SCHEME", "secure")
    project.ALLOWED_HOSTS = ["shop.example"]
    project.CSRF_TRUSTED_ORIGINS = ["https://a.example"]
    upstream = WSGIUpstream(hello_app, django=True)
    assert upstream.proxy_settings.scheme([(b"x-scheme", b"secure")]) == ("https", (b"x-scheme", b"secure"))
    assert (upstream.allows_host(b"shop.example"), upstream.allows_host(b"evil.example")) == (True, False)
    assert (upstream.trusts_origin(b"https://a.example"), upstream.trusts_origin(b"https://b.example")) == (True, False)


async def test_behind_a_unix_socket_a_wsgi_application_has_an_empty_address(flask):
    assert (await ask(flask, "/hello/", client=None)).status == 200


async def test_a_project_with_a_pattern_that_django_cannot_reverse_is_served(gateway, project):
    project.ROOT_URLCONF = "tests.http1.urls"  # "(?s:…)": any reverse() is a ValueError there
    async with running(gateway()) as app:
        assert (await ask(app, "/legacy/x")).status == 200
