"""`uvicorn gateway.asgi:app`, as a client on the other end of a socket sees it."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.conftest import SERVICES, project_toml
from tests.support.server import Server, Wire, eventually

pytestmark = pytest.mark.server


@pytest.fixture
def name() -> str:
    """A name for gates that no other test uses."""
    return uuid.uuid4().hex


# -- the same verdict under both of uvicorn's parsers -------------------------------------------


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["GET /json/ HTTP/1.1", "Host: localhost"], 200),
        (["GET /api/items/ HTTP/1.1", "Host: localhost"], 200),
        (["GET http://localhost/json/ HTTP/1.1", "Host: localhost"], 200),
        (["GET http://localhost/api/items/ HTTP/1.1", "Host: localhost"], 200),
        (["GET /json/ HTTP/1.1", "Host: localhost", "Host: localhost"], 400),
        (["GET /api/items/ HTTP/1.1", "Host: localhost", "Host: evil"], 400),
        (["GET /json/ HTTP/1.1", "Host: localhost", "Cookie: a=1", "Cookie: b=2"], 400),
        (["GET /api/items/ HTTP/1.1", "Host: localhost", "Cookie: a=1", "Cookie: b=2"], 400),
        (["GET /json/ HTTP/1.1", "Host: evil.example"], 400),
        (["GET /api/items/ HTTP/1.1", "Host: evil.example"], 400),
        (["GET /host/ HTTP/1.1", "Host: a/legacy?x="], 400),
        (["GET /api/items/ HTTP/1.1", "Host: a/legacy?x="], 400),
        (["GET /api%2Fitems/ HTTP/1.1", "Host: localhost"], 400),
        (["GET /api/items/%0A HTTP/1.1", "Host: localhost"], 400),
        (["GET //api/items/ HTTP/1.1", "Host: localhost"], 400),
        (["GET /x/../api/items/ HTTP/1.1", "Host: localhost"], 400),
        (["GET /echo//double HTTP/1.1", "Host: localhost"], 200),
        (["GET /echo/a%2Fb HTTP/1.1", "Host: localhost"], 200),
        (["GET /nothing/ HTTP/1.1", "Host: localhost"], 404),
        (["HEAD /api/items/ HTTP/1.1", "Host: localhost"], 200),
        (["HEAD /json/ HTTP/1.1", "Host: localhost"], 200),
        (["DELETE /api/items/ HTTP/1.1", "Host: localhost"], 405),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else str(value),
)
def test_a_request_gets_the_same_status_under_both_parsers(either, lines, status):
    assert either.status_of(*lines) == status


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/json/", "/api/items/", "/api/items/7/", "/streamed/open/", "/file/1000/"])
def test_a_connection_can_be_used_again_after_every_answer(either, method, path):
    either.open_gate("open")
    with either.connect() as wire:
        wire.send(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        wire.send(b"GET /json/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert wire.rest().endswith(b'{"hello": "world"}')


def test_an_absolute_target_is_routed_by_its_path_on_both_sides(either):
    heads = [
        either.raw(f"GET http://localhost{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        for path in ("/json/", "/api/items/")
    ]
    served = [re.search(rb"x-served-by: (\w+)", head)[1] for head in heads]
    assert served == [b"legacy", b"items"]


def test_a_chunked_upload_is_read_under_both_parsers(either):
    parts = [b"5\r\nhello\r\n", b"6\r\n world\r\n", b"0\r\n\r\n"]
    with either.connect() as wire:
        wire.send(
            b"POST /digest/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        for part in parts:
            wire.send(part)
        assert b'"size": 11' in wire.rest()


# -- answers that take their time ---------------------------------------------------------------


@pytest.mark.parametrize("path", ["streamed", "async/streamed"])
def test_the_first_byte_of_a_slow_stream_arrives_before_the_last_is_made(either, name, path):
    with either.connect() as wire:
        wire.get(f"/{path}/{name}/", "Connection: close")
        wire.until(b"first\n")
        either.open_gate(name)
        assert b"last\n" in wire.rest()


@pytest.mark.parametrize("path", ["endless", "async/endless"])
def test_an_endless_stream_stops_when_the_client_leaves(either, name, path):
    with either.connect() as wire:
        wire.get(f"/{path}/{name}/")
        wire.until(b"xxx")
    assert either.await_gate(f"{name}-stopped")


def test_a_long_stream_waits_for_a_client_that_does_not_read(server, name):
    with Wire(server.port, receive_buffer=2**14) as wire:
        wire.get(f"/long/{name}/", "Connection: close")
        wire.until(b"xxx")
        for _ in range(50):
            server.json("/json/")
        assert not server.json(f"/gates/{name}-ended/peek/")["open"]


def test_a_file_for_a_slow_client_holds_no_django_thread(narrow, name):
    with Wire(narrow.port, receive_buffer=2**14) as wire:
        wire.get(f"/file/100000000/?gate={name}")
        wire.until(b"\0\0\0")
        assert narrow.json("/json/") == {"hello": "world"}
    assert narrow.await_gate(f"{name}-closed")


def test_a_client_that_leaves_while_its_view_works_frees_the_thread(narrow, name):
    with narrow.connect() as wire:
        wire.get(f"/waits/{name}/")
        assert narrow.await_gate(f"{name}-entered")
    narrow.open_gate(name)
    assert narrow.json("/json/") == {"hello": "world"}


def test_clients_that_leave_in_the_middle_of_their_bodies_reach_no_view(server):
    head = b"POST /digest/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
    for _ in range(50):
        with server.connect() as wire:
            wire.send(head + b"x" * 1000)
    assert server.json("/json/") == {"hello": "world"}


def test_server_sent_events_of_a_service_arrive_one_by_one(either, name):
    with either.connect() as wire:
        wire.get(f"/api/events/{name}/", "Connection: close")
        wire.until(b"data: first\n\n")
        either.open_gate(name)
        assert b"data: last\n\n" in wire.rest()


# -- sockets ------------------------------------------------------------------------------------


def test_a_service_serves_a_socket(either):
    with connect(f"ws://127.0.0.1:{either.port}/api/socket/", proxy=None) as socket:
        socket.send("hello")
        assert socket.recv(timeout=20) == "hello at startup"


@pytest.mark.parametrize(
    ("path", "origin"),
    [("/json/", None), ("/nothing/", None), ("/api/items/", None), ("/api/socket/", "https://evil.example")],
)
def test_a_socket_nobody_takes_is_refused_without_a_traceback(serve, either, path, origin):
    before = len(either.log)
    with pytest.raises(InvalidStatus) as caught:
        connect(f"ws://127.0.0.1:{either.port}{path}", origin=origin, proxy=None)
    assert caught.value.response.status_code in (403, 404)
    either.json("/json/")
    assert "Traceback" not in either.log[before:]


# -- the database -------------------------------------------------------------------------------


def mixed(server: Server, count: int) -> None:
    """Requests that succeed, fail, and are left, eight at a time; all of them use the database."""

    def one(number: int) -> None:
        if number % 4 == 3:
            with server.connect() as wire:
                wire.get("/orm/")
        else:
            server.request(["/orm/", "/orm/?then=raise", "/async/orm/"][number % 4])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(count)))


def test_connections_are_closed_after_every_kind_of_request(server):
    mixed(server, 80)
    assert eventually(lambda: server.json("/connections/")["open"] == 0)


def test_the_connection_of_an_async_stream_is_closed_after_it(server):
    assert {server.request("/async-stream-with-orm/").status for _ in range(3)} == {200}
    assert eventually(lambda: server.json("/connections/")["open"] == 0)


def test_persistent_connections_are_no_more_than_threads(narrow):
    for _ in range(20):
        narrow.request("/orm/")
    found = narrow.json("/connections/")
    assert (found["open"], found["seen"]) == (1, 1)


def test_async_requests_leave_no_threads_behind(server):
    with ThreadPoolExecutor(16) as pool:
        statuses = set(pool.map(lambda _: server.request("/async/orm/").status, range(300)))
    names = server.json("/threads/")["names"]
    assert statuses == {200}
    assert len([name for name in names if name.startswith("django-async")]) <= 16
    assert len(names) < 60


# -- what belongs to one request ----------------------------------------------------------------


@pytest.mark.parametrize("path", ["/locale/", "/async/locale/"])
def test_200_interleaved_requests_each_keep_their_own_language_and_time_zone(server, path):
    languages, zones = ["en", "el", "de"], ["Asia/Tokyo", "America/New_York", "Europe/Athens", "UTC"]

    def ask(number: int) -> tuple:
        wanted = languages[number % 3], zones[number % 4], str(number)
        headers = {"Accept-Language": wanted[0], "X-Time-Zone": wanted[1]}
        found = server.json(f"{path}?id={number}", headers=headers)
        return wanted, (found["language"], found["zone"], found["id"])

    with ThreadPoolExecutor(16) as pool:
        wrong = [pair for pair in pool.map(ask, range(200)) if pair[0] != pair[1]]
    assert wrong == []


def test_a_session_lasts_over_requests(server):
    first = server.request("/counter/")
    cookie = first["set-cookie"].partition(";")[0]
    assert (first.json(), server.json("/counter/", headers={"Cookie": cookie})) == ({"count": 1}, {"count": 2})


def test_a_form_without_a_csrf_token_is_forbidden(server):
    assert server.request("/form/", "POST").status == 403


def test_a_form_with_its_csrf_token_is_accepted(server):
    got = server.request("/form/")
    headers = {"Cookie": got["set-cookie"].partition(";")[0], "X-CSRFToken": got.json()["token"]}
    assert server.json("/form/", "POST", headers=headers)["method"] == "POST"


def test_a_language_prefix_is_django_s_affair(server):
    assert server.request("/el/translated/").text == "el /el/translated/"


def test_staff_can_log_in_to_the_admin(server):
    got = server.request("/admin/login/")
    csrf = got["set-cookie"].partition(";")[0]
    token = csrf.partition("=")[2]
    body = f"csrfmiddlewaretoken={token}&username=staff&password=staff&next=/admin/"
    headers = {"Cookie": csrf, "Content-Type": "application/x-www-form-urlencoded"}
    done = server.request("/admin/login/", "POST", body=body, headers=headers)
    session = next(line for line in done.all("set-cookie") if line.startswith("sessionid"))
    assert (done.status, done["location"]) == (302, "/admin/")
    assert "Site administration" in server.request("/admin/", headers={"Cookie": session.partition(";")[0]}).text


def test_the_admin_has_its_styles_without_debug_and_without_collectstatic(server):
    assert server.json("/debug/")["debug"] is False
    found = server.request("/static/admin/css/base.css")
    assert (found.status, found["content-type"]) == (200, 'text/css; charset="utf-8"')


# -- bodies -------------------------------------------------------------------------------------


def test_a_large_upload_arrives_whole_and_leaves_no_file_behind(server, tmp_path):
    body = b"0123456789abcdef" * 2**18  # 4 MB, above what Django keeps in memory
    assert server.json("/digest/", "POST", body=body) == {
        "size": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
    }


@pytest.mark.slow
def test_a_body_of_100_mb_is_not_kept_in_memory(serve):
    def resident(server: Server) -> int:
        return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{server.pid}/status").read_text())[1]) // 1024

    with serve(project_toml(SERVICES)) as server:
        server.json("/digest/", "POST", body=b"x" * 2**20)
        before = resident(server)
        found = server.json("/digest/", "POST", body=(b"x" * 2**20 for _ in range(100)))
        assert found["size"] == 100 * 2**20
        assert resident(server) - before < 50


def test_a_header_with_bytes_outside_ascii_reaches_both_sides(either):
    head = b"GET %s HTTP/1.1\r\nHost: localhost\r\nX-Name: caf\xe9\r\nConnection: close\r\n\r\n"
    for path in (b"/echo/", b"/api/echo/x"):
        body = either.raw(head % path).partition(b"\r\n\r\n")[2]
        headers = json.loads(body)["headers"]
        assert "café" in json.dumps(headers, ensure_ascii=False)


def test_a_header_with_bytes_outside_ascii_comes_back_from_both_sides(either):
    for path in ("/odd-headers/", "/api/odd-headers/"):
        assert either.request(path)["x-latin"] == "naïve"


# -- the root path, in every combination --------------------------------------------------------

ROOTS = {
    "--root-path": (["--root-path", "/shop"], "", {}),
    "[gateway] root_path": ([], 'root_path = "/shop"', {}),
    "FORCE_SCRIPT_NAME": ([], "", {"FORCE_SCRIPT_NAME": "/shop"}),
    "--root-path and root_path": (["--root-path", "/shop"], 'root_path = "/shop"', {}),
}


@pytest.fixture(scope="module", params=ROOTS)
def rooted(request, serve):
    """A server that knows it is served below /shop, by each of the ways to say so."""
    arguments, gateway, settings = ROOTS[request.param]
    with serve(project_toml(SERVICES, gateway=gateway), *arguments, settings=settings) as server:
        yield server


@pytest.fixture(params=["", "/shop"], ids=["proxy strips", "proxy leaves it"])
def proxied(request, rooted):
    """Ask as a proxy would that strips /shop, and as one that leaves it."""
    return lambda path, **more: rooted.request(request.param + path, **more)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("reversed", "/shop/json/"),
        ("script_name", "/shop"),
        ("path", "/shop/addresses/"),
        ("absolute", "http://localhost/shop/addresses/"),
    ],
)
def test_urls_below_a_root_path_are_the_same_however_it_is_known(proxied, key, value):
    assert proxied("/addresses/", headers={"Host": "localhost"}).json()[key] == value


def test_the_admin_below_a_root_path_sends_to_its_login(proxied):
    assert proxied("/admin/")["location"] == "/shop/admin/login/?next=/shop/admin/"


def test_a_missing_slash_below_a_root_path_is_added(proxied):
    assert proxied("/json")["location"] == "/shop/json/"


@pytest.mark.parametrize("path", ["/static/admin/css/base.css", "/api/items/", "/json/", "/"])
def test_everything_is_found_below_a_root_path(proxied, path):
    assert proxied(path).status == 200


def test_a_service_below_a_root_path_is_told(proxied):
    seen = proxied("/api/echo/x").json()
    assert (seen["path"], seen["root_path"]) == ("/shop/api/echo/x", "/shop")


def test_a_path_that_merely_begins_like_the_root_is_another(rooted):
    assert rooted.request("/shopfoo/").status == 404


# -- starting and stopping ----------------------------------------------------------------------


def ended(serve, toml: str, *arguments: str) -> tuple[int, str]:
    server = serve(toml, *arguments)
    code = server.wait()
    return code, server.stop()


def test_a_configuration_with_problems_ends_the_process_with_status_3_and_names_them_all(serve):
    toml = '[legacy]\nsettings = "no.such.settings"\nthreads = 0\n[services.x]\napp = "no.such:app"\n'
    code, log = ended(serve, toml)
    assert code == 3
    assert "3 problems" in log or "4 problems" in log
    assert "Traceback" not in log
    assert "Uvicorn running" not in log


def test_a_service_that_fails_to_start_ends_the_process_with_status_3_and_is_named(serve):
    services = '[services.broken]\napp = "tests.project.services:fails_to_start"\nmiddleware = "none"\n'
    code, log = ended(serve, project_toml(services))
    assert code == 3
    assert "service 'broken' failed to start: RuntimeError: broken has no database\n" in log
    assert "Uvicorn running" not in log


def test_a_server_that_is_asked_to_end_does_so_without_a_word_of_complaint(serve):
    with serve(project_toml(SERVICES)) as server:
        mixed(server, 20)
        log = server.stop()
    assert "Application shutdown complete" in log
    assert "was never awaited" not in log
    assert "ResourceWarning" not in log


def test_a_request_in_flight_is_answered_before_the_server_ends(serve, name):
    with serve(project_toml(SERVICES)) as server, server.connect() as wire:
        wire.get(f"/waits/{name}/", "Connection: close")
        assert server.await_gate(f"{name}-entered")
        stopping = threading.Thread(target=server.stop)
        wire.send(b"")
        release = Wire(server.port)
        stopping.start()
        release.get(f"/gates/{name}/open/")
        assert wire.rest().endswith(b"waited")
        release.__exit__()
        stopping.join()


# -- other servers of Django --------------------------------------------------------------------


def test_channels_serves_http_and_sockets_behind_the_gateway(serve):
    toml = project_toml().replace("[legacy]", '[legacy]\nasgi = "tests.project.asgi:application"')
    with serve(toml) as server:
        assert server.json("/json/") == {"hello": "world"}
        with connect(f"ws://127.0.0.1:{server.port}/ws/echo/", proxy=None) as socket:
            socket.send("hello")
            assert socket.recv(timeout=20) == "consumer hello"


def test_flask_is_served_in_the_place_of_django(serve, name):
    with serve('[legacy]\nwsgi = "tests.project.wsgi:flask_app"\n') as server, server.connect() as wire:
        wire.get(f"/streamed/{name}/", "Connection: close")
        wire.until(b"first\n")
        server.open_gate(name)
        assert b"last\n" in wire.rest()


def test_django_is_served_through_its_own_wsgi_handler_too(serve):
    toml = project_toml().replace("[legacy]", '[legacy]\nwsgi = "tests.project.wsgi:django_app"')
    with serve(toml) as server:
        assert server.json("/json/") == {"hello": "world"}
        assert server.request("/admin/")["location"] == "/admin/login/?next=/admin/"
