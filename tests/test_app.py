"""The gateway as an ASGI application: who gets a request, and what is refused before anybody does."""

from __future__ import annotations

import asyncio
import logging

import pytest

from gateway import ConfigError, Gateway
from tests.project import services as project_services
from tests.support.asgi import Connection, ask, open_socket, running, scope

pytestmark = pytest.mark.anyio
ITEMS = {"app": "tests.project.services:items", "middleware": "none"}
EVERYTHING = [{"name": "items", "prefix": "/api", "service": "items"}]


def local(attribute: str, **more) -> dict:
    return {"app": f"tests.project.services:{attribute}", "middleware": "none"} | more


@pytest.fixture
async def app(gateway):
    """The service `items` wherever it implements something below /api; Django everywhere else."""
    async with running(gateway(services={"items": ITEMS}, routes=EVERYTHING)) as app:
        yield app


# -- who answers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "upstream", "status"),
    [
        ("GET", "/", "legacy", 200),
        ("GET", "/json/", "legacy", 200),
        ("GET", "/nothing/", "legacy", 404),
        ("GET", "/api/items/", "items", 200),
        ("HEAD", "/api/items/", "items", 200),
        ("GET", "/api/items/7/", "items", 200),
        ("GET", "/api/items/seven/", "legacy", 404),
        ("GET", "/api/items", "legacy", 301),
        ("GET", "/api/old/", "legacy", 200),
        ("GET", "/api/both/", "legacy", 200),
        ("DELETE", "/api/both/", "items", 204),
        ("PUT", "/api/items/", "legacy", 405),
        ("OPTIONS", "/api/items/", "legacy", 200),
        ("GET", "/api/new/", "items", 200),
        ("POST", "/api/new/", "items", 405),
        ("GET", "/api/new", "legacy", 404),
        ("GET", "/api/nothing/", "legacy", 404),
        ("GET", "/apiary/", "legacy", 404),
    ],
)
async def test_each_request_is_answered_by_its_owner(app, method, path, upstream, status):
    found = await ask(app, path, method)
    assert (found["x-served-by"], found.status) == (upstream, status)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/items/", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("PUT", "/api/both/", {"GET", "HEAD", "POST", "OPTIONS", "DELETE"}),
        ("OPTIONS", "/api/both/", {"GET", "HEAD", "POST", "OPTIONS", "DELETE"}),
        ("POST", "/api/new/", {"GET", "HEAD"}),
        ("PUT", "/api/old/", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("DELETE", "/only-get/", {"GET"}),
    ],
)
async def test_allow_names_the_methods_of_both_sides(app, method, path, allowed):
    assert (await ask(app, path, method)).methods() == allowed


async def test_a_path_that_django_can_not_resolve_on_the_event_loop_is_djangos(gateway):
    app = gateway(services={"items": ITEMS}, routes=[{"name": "r", "prefix": "/shelves", "service": "items"}])
    asked = [("DELETE", "one"), ("GET", "one"), ("GET", "missing")]
    answers = [await ask(app, f"/shelves/{name}/", method) for method, name in asked]
    assert [(found.status, found["x-served-by"]) for found in answers] == [
        (204, "items"), (200, "legacy"), (404, "legacy"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "digits", "status", "upstream"),
    [
        ("implemented", 4300, 200, "items"),
        ("implemented", 4301, 404, "legacy"),
        ("all", 4300, 200, "items"),
        ("all", 4301, 404, None),
    ],
)
async def test_a_number_with_more_digits_than_python_converts_is_not_found(gateway, claim, digits, status, upstream):
    app = gateway(services={"items": ITEMS}, routes=[EVERYTHING[0] | {"claim": claim}])
    found = await ask(app, f"/api/items/{'9' * digits}/")
    assert (found.status, found["x-served-by"]) == (status, upstream)


async def test_a_long_path_without_such_a_number_is_served(app):
    assert (await ask(app, "/api/echo/" + "9" * 4000 + "/" + "9" * 4000)).status == 200


async def test_head_has_the_headers_of_get_and_no_body(app):
    got, head = await ask(app, "/api/items/"), await ask(app, "/api/items/", "HEAD")
    assert (head.body, head["content-length"]) == (b"", got["content-length"])


@pytest.mark.parametrize(("method", "upstream"), [("POST", "items"), ("GET", "items"), ("PUT", "legacy")])
async def test_a_preflight_goes_where_the_real_request_would(app, method, upstream):
    headers = {"Origin": "https://a.example", "Access-Control-Request-Method": method}
    assert (await ask(app, "/api/items/", "OPTIONS", headers=headers))["x-served-by"] == upstream


async def test_a_service_may_be_claimed_whole(gateway):
    routes = [{"name": "plain", "prefix": "/api", "service": "plain", "claim": "all"}]
    app = gateway(services={"plain": local("plain")}, routes=routes)
    assert (await ask(app, "/api/what/ever/", "PATCH")).text == "anything"


async def test_head_is_answered_by_a_service_that_is_claimed_whole(gateway):
    app = gateway(services={"items": ITEMS}, routes=[EVERYTHING[0] | {"claim": "all"}])
    assert (await ask(app, "/api/items/", "HEAD")).status == 200


async def test_a_route_at_stage_legacy_changes_nothing(gateway):
    app = gateway(services={"items": ITEMS}, routes=[EVERYTHING[0] | {"stage": "legacy"}])
    found = await ask(app, "/api/items/")
    assert (found["x-served-by"], found.text) == ("legacy", "legacy GET")


@pytest.mark.parametrize(
    ("service", "method", "path", "text"),
    [
        ("nested", "GET", "/api/outer/inner/leaf", '{"leaf":true}'),
        ("nested", "PUT", "/api/outer/inner/word/abc", '{"word":"abc"}'),
        ("nested", "GET", "/api/mounted/deep/a/b", '{"rest":"a/b"}'),
        ("nested", "GET", "/api/tree/anything/at/all", "anything"),
        ("starlette", "PATCH", "/api/starlette/", "hello PATCH"),
        ("starlette", "GET", "/api/below/name", "hello GET"),
    ],
)
async def test_routers_mounts_and_convertors_of_a_service_are_found(gateway, service, method, path, text):
    routes = [{"name": "r", "prefix": "/api", "service": service}]
    found = await ask(gateway(services={service: local(service)}, routes=routes), path, method)
    assert (found["x-served-by"], found.text) == (service, text)


@pytest.mark.parametrize("path", ["/v1/things", "/things"])
async def test_a_service_with_a_root_path_of_its_own_answers_with_and_without_it(gateway, path):
    routes = [{"name": "r", "prefix": path, "service": "v"}]
    app = gateway(services={"v": local("versioned")}, routes=routes)
    assert (await ask(app, path)).json() == {"leaf": True}


# -- X-Served-By and X-Request-ID ---------------------------------------------------------------


@pytest.mark.parametrize("path", ["/echo/", "/api/echo/x"], ids=["legacy", "service"])
async def test_a_request_id_is_made_given_to_the_upstream_and_to_the_caller(app, path):
    found = await ask(app, path)
    seen = [value for name, value in headers_seen(found) if name.lower() == "x-request-id"]
    assert seen == found.all("x-request-id")
    assert len(seen[0]) == 32


@pytest.mark.parametrize("path", ["/echo/", "/api/echo/x"], ids=["legacy", "service"])
async def test_a_well_formed_request_id_is_kept(app, path):
    found = await ask(app, path, headers={"X-Request-ID": "mine-1"})
    seen = [value for name, value in headers_seen(found) if name.lower() == "x-request-id"]
    assert (seen, found.all("x-request-id")) == (["mine-1"], ["mine-1"])


@pytest.mark.parametrize("path", ["/echo/", "/api/echo/x"], ids=["legacy", "service"])
async def test_a_malformed_request_id_is_replaced(app, path):
    found = await ask(app, path, headers={"X-Request-ID": "<script>"})
    seen = [value for name, value in headers_seen(found) if name.lower() == "x-request-id"]
    assert seen == found.all("x-request-id") != ["<script>"]


@pytest.mark.parametrize(
    ("values", "kept"),
    [([b"<script>", b"mine-1"], True), ([b"mine-1", b"mine-1"], True), ([b"mine-1", b"<script>"], False)],
    ids=["accepted", "the same", "malformed"],
)
@pytest.mark.parametrize("path", ["/echo/", "/api/echo/x"], ids=["legacy", "service"])
async def test_of_two_request_ids_no_second_one_reaches_an_upstream(app, path, values, kept):
    found = await ask(app, path, headers=[(b"host", b"testserver"), *((b"x-request-id", value) for value in values)])
    seen = [value for name, value in headers_seen(found) if name.lower() == "x-request-id"]
    assert seen == found.all("x-request-id")
    assert (seen == ["mine-1"]) is kept


def headers_seen(found):
    """The headers an echoing view or endpoint saw, as pairs."""
    headers = found.json()["headers"]
    return [*headers.items()] if isinstance(headers, dict) else headers


async def test_both_headers_may_have_other_names(gateway):
    app = gateway(gateway={"served_by": "X-By", "request_id": "X-Trace"})
    found = await ask(app, "/echo/", headers={"X-Trace": "t1"})
    assert (found["x-by"], found["x-trace"], found["x-served-by"]) == ("legacy", "t1", None)


async def test_both_headers_may_be_off(gateway):
    app = gateway(gateway={"served_by": False, "request_id": False})
    found = await ask(app, "/echo/")
    assert (found["x-served-by"], found["x-request-id"]) == (None, None)
    assert "X-Request-Id" not in found.json()["headers"]


# -- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [[(b"host", b"localhost"), (b"host", b"localhost")], [(b"cookie", b"a=1"), (b"cookie", b"b=2")]],
    ids=["two hosts", "two cookies"],
)
@pytest.mark.parametrize("path", ["/json/", "/api/items/"])
async def test_what_can_be_read_in_two_ways_is_a_bad_request_on_either_side(app, path, headers):
    found = await ask(app, path, headers=headers)
    assert (found.status, found["x-served-by"]) == (400, None)


@pytest.mark.parametrize("target", ["/api%2Fitems/", "//api/items/", "/api/items/%0A", "/x/../api/items/"])
async def test_a_path_with_two_owners_is_a_bad_request(app, target):
    assert (await ask(app, target)).status == 400


REFUSED = pytest.mark.parametrize(
    ("target", "lines"),
    [
        ("/api/items/", [(b"host", b"localhost"), (b"host", b"localhost")]),
        ("/api%2Fitems/", [(b"host", b"localhost")]),
        ("/api/items/", [(b"host", b"evil.example")]),
    ],
    ids=["can't be read", "has two owners", "is not admitted"],
)


@REFUSED
@pytest.mark.parametrize("sent", [b"mine-1", b"<script>", None])
async def test_a_refusal_names_its_request(app, target, lines, sent):
    lines = lines if sent is None else [*lines, (b"x-request-id", sent)]
    found = await ask(app, target, headers=lines)
    (named,) = found.all("x-request-id")
    assert named == "mine-1" if sent == b"mine-1" else len(named) == 32


@REFUSED
async def test_a_refusal_is_one_line_in_the_access_log(app, target, lines, caplog):
    caplog.set_level(logging.INFO, "gateway.access")
    found = await ask(app, target, headers=lines)
    (record,) = [record for record in caplog.records if record.name == "gateway.access"]
    assert record.getMessage().startswith("GET /api/items/ 400 - ")
    assert (record.request_id, record.route) == (found["x-request-id"], None)


async def test_a_refused_socket_is_one_line_in_the_access_log(app, caplog):
    caplog.set_level(logging.INFO, "gateway.access")
    await open_socket(app, "/api/socket/", headers={"Host": "evil.example"})
    assert caplog.records[-1].getMessage().startswith("WEBSOCKET /api/socket/ 403 - ")


async def test_a_refusal_has_no_body_for_head(app):
    found = await ask(app, "/api/items/", "HEAD", headers={"Host": "evil.example"})
    assert (found.status, found.body) == (400, b"")


@pytest.mark.parametrize("host", ["evil.example", "a/legacy?x=", "localhost:port", ""])
@pytest.mark.parametrize("path", ["/host/", "/api/items/"], ids=["legacy", "service"])
async def test_allowed_hosts_holds_for_both_sides(app, path, host):
    assert (await ask(app, path, headers={"Host": host})).status == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost:8000", "testserver."])
@pytest.mark.parametrize("path", ["/host/", "/api/items/"], ids=["legacy", "service"])
async def test_allowed_hosts_lets_both_sides_answer(app, path, host):
    assert (await ask(app, path, headers={"Host": host})).status == 200


@pytest.fixture
def forwarding(gateway, project):
    """Behind a proxy that says in X-Forwarded-Host which host was asked for."""
    project.USE_X_FORWARDED_HOST = True
    project.ALLOWED_HOSTS = ["shop.example"]
    return gateway(services={"items": ITEMS}, routes=EVERYTHING)


SHOP, EVIL = (b"x-forwarded-host", b"shop.example"), (b"x-forwarded-host", b"evil.example")


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([(b"host", b"inner:8000"), SHOP], 200),
        ([(b"host", b"shop.example")], 200),
        ([(b"host", b"shop.example"), EVIL], 400),
        ([(b"host", b"shop.example"), (b"x-forwarded-host", b"")], 400),
        ([(b"host", b"inner:8000")], 400),
        ([(b"host", b"inner:8000"), EVIL, SHOP], 400),
    ],
)
@pytest.mark.parametrize("path", ["/host/", "/api/echo/x"], ids=["legacy", "service"])
async def test_a_forwarded_host_counts_for_both_sides_where_the_project_says_so(forwarding, path, lines, status):
    assert (await ask(forwarding, path, headers=lines)).status == status


async def test_a_service_sees_the_host_that_django_sees(forwarding):
    lines = [(b"host", b"evil.example"), SHOP]
    legacy, service = (
        await ask(forwarding, "/host/", headers=lines),
        await ask(forwarding, "/api/echo/x", headers=lines),
    )
    hosts = [value for name, value in service.json()["headers"] if name == "host"]
    assert (legacy.text, service.json()["host"], hosts) == ("shop.example", "shop.example", ["shop.example"])


@pytest.mark.parametrize(
    ("origin", "kind"), [("https://shop.example", "websocket.accept"), ("https://inner:8000", "websocket.close")]
)
async def test_a_socket_is_opened_for_pages_of_the_forwarded_host(forwarding, origin, kind):
    lines = [(b"host", b"inner:8000"), SHOP, (b"origin", origin.encode())]
    assert (await open_socket(forwarding, "/api/socket/", headers=lines))[0]["type"] == kind


@pytest.fixture
async def behind_tls(gateway, project):
    """A project that takes the scheme from its proxy, and sends whoever comes without https to it."""
    project.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    project.SECURE_SSL_REDIRECT = True
    services = {
        "items": {"app": "tests.project.services:items", "middleware": "none"},
        "bridged": {"app": "tests.http1.services:bridged"},
    }
    routes = [{"name": "api", "prefix": "/api", "service": "items"}]
    routes.append({"name": "b", "prefix": "/bridged", "service": "bridged", "claim": "all"})
    routes[0] |= {"stage": "canary", "weight": 50, "key": "cookie:a"}
    async with running(gateway(services=services, routes=routes, rollout={"cookie": "gateway"})) as app:
        yield app


def proto(value: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"testserver"), (b"x-forwarded-proto", value.encode())]


@pytest.mark.parametrize(
    ("value", "status"),
    [("https", 200), ("wss", 200), ("wss, ws", 200), ("http", 301), ("ws", 301), ("HTTPS", 301), ("", 301)],
)
@pytest.mark.parametrize("path", ["/json/", "/async/json/", "/bridged/x"])
async def test_wss_is_https_for_the_checks_of_django_and_nothing_else_is(behind_tls, path, value, status):
    assert (await ask(behind_tls, path, headers=proto(value))).status == status


@pytest.mark.parametrize("value", ["https", "wss"])
@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_a_socket_that_a_proxy_says_is_encrypted_is_opened(behind_tls, value, scheme):
    opened = await open_socket(behind_tls, "/bridged/x", headers=proto(value), scheme=scheme)
    assert opened[0]["type"] == "websocket.accept"


async def test_a_socket_that_is_not_is_sent_to_https(behind_tls):
    refused = await open_socket(behind_tls, "/bridged/x", headers=proto("ws"), scheme="wss")
    assert refused[0]["type"] != "websocket.accept"


@pytest.mark.parametrize(("value", "secure"), [("https", True), ("http", False)])
async def test_a_cookie_of_the_gateway_is_secure_where_the_project_says_https(behind_tls, value, secure):
    (line,) = (await ask(behind_tls, "/api/items/1/", headers=proto(value))).all("set-cookie")
    assert ("Secure" in line) is secure


async def test_a_page_that_came_unencrypted_opens_no_socket_of_one_that_is(behind_tls):
    headers = [*proto("https"), (b"origin", b"http://testserver")]
    assert (await open_socket(behind_tls, "/bridged/x", headers=headers))[0]["type"] == "websocket.close"


async def test_a_request_without_a_host_is_for_the_server(app):
    for path in ("/host/", "/api/echo/x"):
        connection = Connection(app, scope(path, http_version="1.0") | {"headers": []})
        connection.body()
        assert (await connection.done()).status == 200


async def test_headers_that_are_added_later_are_not_seen(app):
    late: list[tuple[bytes, bytes]] = [(b"host", b"testserver")]
    made = scope("/api/echo/x", headers=late)
    made["headers"] = late
    connection = Connection(app, made)
    await asyncio.sleep(0)
    late.append((b"x-late", b"1"))
    connection.body()
    assert "x-late" not in dict((await connection.done()).json()["headers"])


async def test_a_forwarded_host_is_hearsay_where_the_project_does_not_say_so(app):
    lines = [(b"host", b"testserver"), EVIL]
    legacy, service = await ask(app, "/host/", headers=lines), await ask(app, "/api/echo/x", headers=lines)
    assert (legacy.text, service.json()["host"]) == ("testserver", "testserver")


async def test_the_verdict_on_many_hosts_is_not_kept_for_ever(app):
    for number in range(1100):
        await ask(app, "/api/items/", headers={"Host": f"evil{number}"})
    assert (await ask(app, "/api/items/")).status == 200


async def test_header_names_with_underscores_reach_neither_side(app):
    headers = {"X_User": "root", "Content_Length": "7"}
    legacy, service = await ask(app, "/echo/", headers=headers), await ask(app, "/api/echo/x", headers=headers)
    assert "HTTP_X_USER" not in legacy.json()["meta"]
    assert not [name for name, _ in service.json()["headers"] if "_" in name]


async def test_a_scope_of_an_unknown_kind_is_refused_by_name(app):
    with pytest.raises(NotImplementedError, match="'ftp'"):
        await app(scope() | {"type": "ftp"}, None, None)


# -- sockets ------------------------------------------------------------------------------------


async def test_a_service_serves_a_socket(app):
    connection = Connection(app, scope("/api/socket/", kind="websocket") | {"state": {"stored": "kept"}})
    connection.give("websocket.connect")
    await connection.until(1)
    connection.give("websocket.receive", text="hello")
    await connection.until(2)
    connection.give("websocket.disconnect", code=1000)
    await connection.done()
    assert connection.messages[1]["text"] == "hello at startup"


async def test_an_accepted_socket_says_who_serves_it(app):
    accepted = (await open_socket(app, "/api/socket/"))[0]
    assert (b"x-served-by", b"items") in accepted["headers"]


@pytest.mark.parametrize("path", ["/api/chat/", "/json/", "/"])
async def test_a_socket_nobody_claims_is_closed_before_it_opens(app, path):
    (closed,) = await open_socket(app, path)
    assert closed["type"] == "websocket.close"


@pytest.mark.parametrize(
    ("origin", "kind"),
    [
        (None, "websocket.accept"),
        ("http://testserver", "websocket.accept"),
        ("HTTP://TESTSERVER", "websocket.accept"),
        ("https://friend.example", "websocket.accept"),
        ("https://any.wild.example", "websocket.accept"),
        ("http://friend.example", "websocket.close"),
        ("https://evil.example", "websocket.close"),
        ("https://testserver.evil.example", "websocket.close"),
        ("http://testserver:8001", "websocket.close"),
        ("null", "websocket.close"),
        ("", "websocket.close"),
    ],
)
async def test_a_socket_is_opened_only_for_pages_of_ours(gateway, project, origin, kind):
    project.CSRF_TRUSTED_ORIGINS = ["https://friend.example", "https://*.wild.example"]
    app = gateway(services={"items": ITEMS}, routes=EVERYTHING)
    headers = {} if origin is None else {"Origin": origin}
    assert (await open_socket(app, "/api/socket/", headers=headers))[0]["type"] == kind


async def test_a_socket_for_a_host_that_is_not_ours_is_refused(app):
    (closed,) = await open_socket(app, "/api/socket/", headers={"Host": "evil.example"})
    assert closed["type"] == "websocket.close"


# -- lifespan -----------------------------------------------------------------------------------


@pytest.fixture
def trace():
    project_services.trace.clear()
    return project_services.trace


def with_services(gateway, *names):
    return gateway(services={name: local(name) for name in names})


async def lifespan(app) -> list[dict]:
    """What the server is told when it starts and stops the application."""
    connection = Connection(app, {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}})
    connection.give("lifespan.startup")
    await connection.until(1)
    connection.give("lifespan.shutdown")
    await connection.done()
    return connection.messages


@pytest.mark.long
async def test_services_start_in_the_order_of_the_file_and_stop_in_reverse(gateway, trace):
    await lifespan(with_services(gateway, "first", "second", "third"))
    assert trace == [
        "first started", "second started", "third started", "third stopped", "second stopped", "first stopped",
    ]  # fmt: skip


async def test_the_server_is_told_of_start_and_stop(gateway):
    messages = await lifespan(with_services(gateway, "first"))
    assert [message["type"] for message in messages] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_service_that_fails_to_start_is_named(gateway):
    messages = await lifespan(with_services(gateway, "first", "fails_to_start"))
    assert messages[0]["type"] == "lifespan.startup.failed"
    assert messages[0]["message"] == "service 'fails_to_start' failed to start: RuntimeError: broken has no database"


async def test_services_that_had_started_are_stopped_when_a_later_one_fails(gateway, trace):
    with pytest.raises(RuntimeError, match="fails_to_start"):
        await with_services(gateway, "first", "second", "fails_to_start", "third").startup()
    assert trace == ["first started", "second started", "second stopped", "first stopped"]


async def test_services_are_stopped_when_control_fails_to_start(gateway, trace):
    class Control:
        async def startup(self):
            raise RuntimeError("can't start new thread")

        async def shutdown(self):
            trace.append("control stopped")

    app = with_services(gateway, "first")
    app.control = Control()
    with pytest.raises(RuntimeError, match=r"gateway\.control failed to start: can't start"):
        await app.startup()
    assert trace == ["first started", "first stopped", "control stopped"]


async def test_a_service_that_fails_to_stop_is_named_and_the_others_are_stopped(gateway, trace):
    messages = await lifespan(with_services(gateway, "first", "fails_to_stop", "third"))
    assert messages[1]["type"] == "lifespan.shutdown.failed"
    assert messages[1]["message"] == "'fails_to_stop' failed to stop: RuntimeError: stuck lost its database"
    assert trace[-3:] == ["third stopped", "stuck stopped", "first stopped"]


async def test_a_service_without_a_lifespan_is_fine(gateway):
    messages = await lifespan(with_services(gateway, "plain"))
    assert messages[0]["type"] == "lifespan.startup.complete"


async def test_what_a_lifespan_stored_is_there_for_requests(app):
    assert (await ask(app, "/api/echo/x")).json()["state"] == "at startup"


async def test_requests_do_not_share_what_they_store(app):
    first, second = scope("/api/echo/x"), scope("/api/echo/x")
    for asked in (first, second):
        connection = Connection(app, asked)
        connection.body()
        await connection.done()
    assert first["state"] is not second["state"]


# -- how it is built ----------------------------------------------------------------------------


async def test_a_gateway_can_be_built_while_a_loop_runs(gateway):
    assert asyncio.get_running_loop()
    assert (await ask(gateway(), "/json/")).status == 200


async def test_problems_found_while_a_loop_runs_are_raised_all_the_same():
    with pytest.raises(ConfigError, match="unknown table"):
        Gateway({"legacy": {"settings": "legacy.settings"}, "nonsense": {}})


async def test_a_factory_is_called(gateway):
    app = gateway(services={"f": local("factory")}, routes=[{"name": "d", "path": "/openapi.json", "service": "f"}])
    assert (await ask(app, "/openapi.json")).status == 200


def test_a_gateway_shows_its_source_and_services(gateway):
    assert repr(gateway(services={"items": ITEMS}, routes=EVERYTHING)).startswith(
        "Gateway('the configuration', services=['items'], Table("
    )


def test_the_snapshot_is_there_to_be_asked(gateway):
    assert gateway().snapshot.revision == 0


def test_from_file_imports_from_the_folder_of_the_file(tmp_path, monkeypatch, project):
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path])
    (tmp_path / "beside_gateway_toml.py").write_text("from tests.project.services import items as app\n")
    (tmp_path / "gateway.toml").write_text(
        '[legacy]\nsettings = "legacy.settings"\nstatic = false\n'
        '[services.s]\napp = "beside_gateway_toml:app"\nmiddleware = "none"\n'
    )
    assert list(Gateway.from_file(tmp_path / "gateway.toml").services) == ["s"]


async def test_the_path_of_the_gateways_cookie_is_as_browsers_write_it(gateway):
    routes = [{"name": "i", "prefix": "/api", "service": "items", "stage": "canary", "weight": 50, "key": "cookie:a"}]
    services = {"items": {"app": "tests.project.services:items", "middleware": "none"}}
    app = gateway(services=services, routes=routes, rollout={"cookie": "gateway"})
    async with running(app):
        found = await ask(app, "/api/items/1/", root_path="/süd;x")
    assert "; Path=/s%C3%BCd%3Bx; " in (found["set-cookie"] or "")
