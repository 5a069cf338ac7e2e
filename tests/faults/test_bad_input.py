"""Whatever goes wrong, the outcome is clear, no traceback reaches a client and the process keeps serving."""

from __future__ import annotations

import contextlib
import re
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import SERVICES, project_toml
from tests.project.views import SECRET
from tests.support.remote import Peer, Remote
from tests.support.server import eventually

pytestmark = pytest.mark.server

FAR = """
[services.far]
url = "%s"
timeout = 0.3

[[routes]]
name = "far"
prefix = "/far"
service = "far"
claim = "all"
"""


@pytest.fixture(autouse=True)
def still_serving(request):
    """Both sides answer after each test as before it."""
    either = request.getfixturevalue("either") if "either" in request.fixturenames else None
    yield
    if either is not None:
        assert either.json("/json/") == {"hello": "world"}
        assert either.request("/api/items/").text == "service items"


def silent(answer: bytes) -> bool:
    """Whether nothing of an error's insides is in an answer."""
    return not re.search(rb"Traceback|RuntimeError|File \"|%s" % SECRET.encode(), answer)


# -- upstreams that fail ------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/raises/", "/exits/", "/stops-iteration/", "/api/raises/"])
def test_an_upstream_that_raises_is_an_internal_server_error(either, path):
    found = either.request(path)
    assert found.status == 500
    assert silent(found.body)


@pytest.mark.parametrize("path", ["/breaks-off/", "/breaks-off/?length", "/api/dies/", "/stream-raises/exit/"])
def test_an_answer_that_breaks_off_is_never_mistaken_for_a_whole_one(either, path):
    with either.connect() as wire:
        wire.get(path)
        answer = wire.rest()
    assert b"half" in answer
    assert not answer.endswith(b"0\r\n\r\n")
    assert silent(answer)


def test_a_service_that_raises_is_in_the_log_with_its_traceback(either):
    before = len(either.log)
    either.request("/api/raises/")
    assert eventually(lambda: SECRET in either.log[before:] and "Traceback" in either.log[before:])


def test_a_hundred_failures_at_once_are_a_hundred_answers(either):
    paths = ["/raises/", "/exits/", "/api/raises/", "/nothing/"] * 25
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda path: either.request(path).status, paths))
    assert statuses == [500, 500, 500, 404] * 25


# -- clients that vanish ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_head",
    [
        "GET /waits/{name}/ HTTP/1.1",
        "GET /endless/{name}/ HTTP/1.1",
        "GET /async/endless/{name}/ HTTP/1.1",
        "GET /file/50000000/ HTTP/1.1",
        "GET /static/admin/css/base.css HTTP/1.1",
        "GET /api/events/{name}/ HTTP/1.1",
        "POST /digest/ HTTP/1.1\r\nContent-Length: 100000",
        "POST /upload/ HTTP/1.1\r\nTransfer-Encoding: chunked",
        "POST /api/items/ HTTP/1.1\r\nContent-Length: 100000",
        "GET /json/ HTTP/1.1\r\nX-Unfinished",
    ],
)
def test_clients_that_vanish_hold_nothing_up(either, request_head):
    name = uuid.uuid4().hex
    before = len(either.log)
    for _ in range(20):
        with either.connect() as wire:
            wire.send(request_head.format(name=name).encode() + b"\r\nHost: localhost\r\n\r\n")
    either.open_gate(name)
    assert either.json("/json/") == {"hello": "world"}
    assert "Traceback" not in either.log[before:]


def test_200_clients_killed_at_once_leave_no_connection_open(either):
    def vanish(number: int) -> None:
        with either.connect() as wire:
            wire.get(["/orm/", "/async/orm/", "/api/items/", "/large/1000000/"][number % 4])

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(vanish, range(200)))
    assert eventually(lambda: either.json("/connections/")["open"] == 0)


# -- requests that make no sense ----------------------------------------------------------------


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nBad Header: 1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET foo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"POST /digest/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    ],
    ids=lambda value: repr(value[:40]),
)
def test_a_request_that_makes_no_sense_is_refused_or_closed(either, request_bytes):
    with either.connect() as wire:
        with contextlib.suppress(OSError):  # the server may have closed before it heard the end
            wire.send(request_bytes)
            wire.finish()
        answer = wire.rest()
    assert silent(answer)
    assert not answer or 400 <= int(answer.split(b" ")[1]) < 500


@pytest.mark.parametrize("value", [b"caf\xe9", b"\xff\xfe", "\u03be".encode(), b"\x80" * 1000])
@pytest.mark.parametrize(
    "header", [b"X-Name", b"Cookie", b"User-Agent", b"Accept-Language", b"X-Request-ID", b"Origin"]
)
@pytest.mark.parametrize("path", [b"/json/", b"/api/items/"])
def test_a_header_with_any_bytes_is_no_problem(either, header, value, path):
    head = b"GET %s HTTP/1.1\r\nHost: localhost\r\n%s: %s\r\nConnection: close\r\n\r\n" % (path, header, value)
    assert either.raw(head).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", ["/%E9/", "/%00/", "/%FF%FE", "/%", "/%zz", "/?%E9=%FF", "/api/items/%00"])
def test_a_path_or_query_with_any_bytes_is_no_problem(either, path):
    assert either.status_of(f"GET {path} HTTP/1.1", "Host: localhost") in (200, 400, 404)


# -- bodies larger than a limit -----------------------------------------------------------------


def test_a_body_above_djangos_limit_is_djangos_to_refuse(either):
    assert either.request("/whole-body/", "POST", body=b"x" * 3_000_000).status == 413


@pytest.fixture(scope="module")
def limited(serve):
    toml = project_toml(SERVICES.replace('middleware = "none"', 'middleware = "none"\nmax_body = 1000', 1))
    with serve(toml) as server:
        yield server


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"x" * 1000, 200), (b"x" * 1001, 413), ([b"x" * 600, b"x" * 600], 413), ([b"x" * 600, b"x" * 300], 200)],
    ids=["at the limit", "above", "chunked above", "chunked below"],
)
def test_a_services_limit_holds_however_the_body_comes(limited, body, status):
    assert limited.request("/api/items/", "POST", body=body).status == status


def test_a_services_limit_is_none_of_djangos(limited):
    assert limited.json("/digest/", "POST", body=b"x" * 5000)["size"] == 5000


# -- services elsewhere -------------------------------------------------------------------------


def failing(peer: Peer) -> None:
    """A server that fails as its path says."""
    line, _ = peer.head()
    if "/hang" in line:
        peer.is_left()
    elif "/half" in line:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    elif "/nonsense" in line:
        peer.send(b"nonsense\r\n\r\n")
    elif "/fine" in line:
        peer.answer(b"fine")


@pytest.fixture(scope="module")
def far(serve):
    remote = Remote(failing)
    with serve(project_toml(SERVICES + FAR % remote.url)) as server:
        yield server
    remote.close()


@pytest.mark.parametrize(
    ("path", "status"),
    [("/far/fine", 200), ("/far/closes", 502), ("/far/nonsense", 502), ("/far/hang", 504)],
)
def test_a_service_elsewhere_that_fails_has_a_status_for_it(far, path, status):
    found = far.request(path)
    assert (found.status, found["x-served-by"]) == (status, "far")
    assert silent(found.body)


def test_a_service_elsewhere_that_dies_in_the_middle_closes_the_connection(far):
    with far.connect() as wire:
        wire.get("/far/half")
        answer = wire.rest()
    assert answer.endswith(b"half")


def test_a_service_elsewhere_that_hangs_holds_nobody_else_up(far):
    with ThreadPoolExecutor(8) as pool:
        hanging = [pool.submit(far.request, "/far/hang") for _ in range(8)]
        assert far.json("/json/") == {"hello": "world"}
        assert [future.result().status for future in hanging] == [504] * 8


# -- ten thousand routes ------------------------------------------------------------------------


@pytest.mark.slow
def test_ten_thousand_routes_start_and_are_served(serve):
    routes = "".join(
        f'[[routes]]\nname = "r{i}"\nprefix = "/many/{i}"\nservice = "items"\nclaim = "all"\n' for i in range(10_000)
    )
    with serve(project_toml(SERVICES + routes)) as server:
        served = [server.request(path)["x-served-by"] for path in ("/many/9999/x", "/many/10000/x", "/json/")]
    assert served == ["items", "legacy", "legacy"]


# -- a database that is away --------------------------------------------------------------------


def test_a_database_that_is_away_costs_only_the_requests_that_need_it(serve, tmp_path):
    nowhere = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "no" / "where.sqlite3")}}
    with serve(project_toml(SERVICES), settings={"DATABASES": nowhere}) as server:
        statuses = [server.request(path).status for path in ("/orm/", "/async/orm/", "/json/", "/api/items/")]
    assert statuses == [500, 500, 200, 200]
