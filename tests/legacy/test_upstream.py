"""The Django project as an upstream, message by message. What needs its database is in tests/test_asgi.py."""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import threading
import uuid
from functools import partial
from io import BytesIO

import pytest
from django.core import signals
from django.db import connections

from gateway.dispatch.errors import ClientGone
from gateway.legacy.body import Pipe
from gateway.legacy.call import ThreadCall
from gateway.legacy.replies import AsyncReply
from gateway.legacy.upstream import DjangoUpstream
from tests.project import gates
from tests.project.views import BLOCK, SECRET
from tests.support.asgi import Connection, ask, running, scope

pytestmark = pytest.mark.anyio
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def django(project):
    async with running(DjangoUpstream(threads=4, static=False)) as upstream:
        yield upstream


@pytest.fixture
async def single(project):
    """Django on one thread: whatever holds it up is noticed."""
    async with running(DjangoUpstream(threads=1, static=False)) as upstream:
        yield upstream


@pytest.fixture
def name():
    """A name for gates that no other test uses."""
    return uuid.uuid4().hex


def start(upstream, target, method="GET", *, body=b"", **more) -> Connection:
    connection = Connection(upstream.entry, scope(target, method, **more))
    connection.body(body)
    return connection


# -- requests -----------------------------------------------------------------------------------


async def test_a_view_answers(django):
    found = await ask(django.entry, "/json/")
    assert (found.status, found.json()) == (200, {"hello": "world"})


async def test_a_view_runs_on_a_thread_of_the_pool(django):
    found = await ask(django.entry, "/threads/")
    assert [name for name in found.json()["names"] if name.startswith("django-")]


async def test_a_view_sees_method_path_query_headers_and_body(django):
    found = await ask(django.entry, "/echo/a%20b?c=d&e", "PATCH", body=b"payload", headers={"X-One": "1"})
    seen = found.json()
    assert [seen[key] for key in ("method", "path", "query", "body")] == ["PATCH", "/echo/a b", "c=d&e", "payload"]
    assert seen["headers"]["X-One"] == "1"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("REQUEST_METHOD", "GET"),
        ("SCRIPT_NAME", ""),
        ("PATH_INFO", "/echo/"),
        ("REMOTE_ADDR", "127.0.0.1"),
        ("SERVER_NAME", "127.0.0.1"),
        ("SERVER_PORT", "8000"),
        ("wsgi.url_scheme", "https"),
        ("HTTP_X_TWICE", "a,b"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("REMOTE_PORT", "50000"),
        ("QUERY_STRING", "q=%C3%A9"),
        ("REMOTE_USER", None),
        ("HTTP_REMOTE_USER", "root"),
    ],
)
async def test_meta_has_what_code_written_for_wsgi_reads(django, key, value):
    headers = [
        (b"x-twice", b"a"),
        (b"x-twice", b"b"),
        (b"host", b"testserver"),
        (b"remote-user", b"root"),
        (b"remote_user", b"root"),
    ]
    found = await ask(django.entry, "/echo/?q=%C3%A9", headers=headers, scheme="https")
    assert found.json()["meta"].get(key) == value


@pytest.mark.parametrize(("sent", "read"), [("\u039e", "\u039e"), (b"key\xa0", "key\ufffd"), (b"a", "a")])
async def test_views_of_either_kind_have_the_same_cookies(django, sent, read):
    """Django alone reads those of asynchronous views as latin-1, in which a session's key may end with a space."""
    line = [(b"cookie", b"first=" + (sent.encode() if isinstance(sent, str) else sent))]
    for target in ("/echo/", "/async/meta/"):
        assert (await ask(django.entry, target, headers=line)).json()["cookies"] == {"first": read}


@pytest.mark.parametrize("target", ["/echo/", "/async/meta/"])
@pytest.mark.parametrize(("host", "port"), [("example.com", "80"), ("example.com:8443", "8443")])
async def test_over_a_unix_socket_meta_has_what_wsgi_servers_say_then(django, project, target, host, port):
    project.ALLOWED_HOSTS = ["example.com"]
    found = await ask(django.entry, target, headers={"Host": host}, client=None, server=("/run/gateway.sock", None))
    meta = found.json()["meta"]
    assert [meta[key] for key in ("REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT")] == ["", "example.com", port]


async def test_an_asynchronous_view_finds_in_meta_what_wsgi_has(django):
    meta = (await ask(django.entry, "/async/meta/", scheme="https")).json()["meta"]
    assert (meta["SERVER_PROTOCOL"], meta["wsgi.url_scheme"], meta["REMOTE_ADDR"]) == ("HTTP/1.1", "https", "127.0.0.1")


async def test_a_query_that_is_no_utf_8_is_read_as_under_wsgi(django):
    connection = Connection(django.entry, scope("/echo/") | {"query_string": b"q=\xe9"})
    connection.body()
    assert (await connection.done()).json()["fields"] == {"q": "é"}


async def test_cookies_of_one_line_are_read(django):
    found = await ask(django.entry, "/echo/", headers={"Cookie": "a=1; b=two"})
    assert found.json()["cookies"] == {"a": "1", "b": "two"}


async def test_a_header_with_bytes_outside_ascii_is_read_as_latin_1(django):
    found = await ask(django.entry, "/echo/", headers=[(b"host", b"testserver"), (b"x-name", b"caf\xe9")])
    assert found.json()["headers"]["X-Name"] == "café"


async def test_a_path_that_is_no_utf_8_is_not_found(django):
    assert (await ask(django.entry, "/%E9/")).status == 404


@pytest.mark.parametrize(
    ("root_path", "script_name"), [("", ""), ("/shop", "/shop")], ids=["at the root", "below a path"]
)
async def test_reverse_puts_the_root_path_before_every_url(django, root_path, script_name):
    found = (await ask(django.entry, "/addresses/", root_path=root_path)).json()
    assert (found["reversed"], found["script_name"]) == (f"{script_name}/json/", script_name)
    assert found["absolute"] == f"http://testserver{script_name}/addresses/"


async def test_force_script_name_wins(django, project):
    project.FORCE_SCRIPT_NAME = "/forced"
    assert (await ask(django.entry, "/addresses/")).json()["reversed"] == "/forced/json/"


# -- bodies -------------------------------------------------------------------------------------


async def test_a_body_in_many_parts_arrives_whole(django):
    connection = Connection(django.entry, scope("/digest/", "POST"))
    for _ in range(50):
        connection.body(b"x" * 1000, more=True)
    connection.body()
    assert (await connection.done()).json()["sha256"] == hashlib.sha256(b"x" * 50_000).hexdigest()


async def test_no_thread_waits_for_a_slow_body(single):
    slow = Connection(single.entry, scope("/digest/", "POST"))
    slow.body(b"half", more=True)
    assert (await ask(single.entry, "/json/")).status == 200
    slow.body(b"half")
    assert (await slow.done()).json()["size"] == 8


@pytest.mark.parametrize(("size", "kind"), [(10, "InMemoryUploadedFile"), (3 * 2**20, "TemporaryUploadedFile")])
async def test_an_upload_is_kept_as_django_keeps_it(django, size, kind):
    content = b"u" * size
    body = multipart("file", "name.bin", content)
    headers = {"Content-Type": "multipart/form-data; boundary=BOUND", "Content-Length": str(len(body))}
    found = (await ask(django.entry, "/upload/", "POST", body=body, headers=headers)).json()
    assert found["files"]["file"] == ["name.bin", size, kind, hashlib.sha256(content).hexdigest()]


def multipart(field: str, filename: str, content: bytes) -> bytes:
    head = f'--BOUND\r\nContent-Disposition: form-data; name="{field}"; filename="{filename}"\r\n\r\n'
    return head.encode() + content + b"\r\n--BOUND--\r\n"


async def test_a_form_is_read(django):
    found = await ask(django.entry, "/upload/", "POST", body=b"a=1&b=%CE%BE", headers=FORM | {"Content-Length": "12"})
    assert found.json()["fields"] == {"a": "1", "b": "\u03be"}


async def test_django_keeps_its_own_limit_for_bodies(django, project):
    project.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    headers = {"Content-Length": "11"}
    assert (await ask(django.entry, "/whole-body/", "POST", body=b"x" * 11, headers=headers)).status == 413


async def test_a_client_that_leaves_in_the_middle_of_its_body_reaches_no_view(gateway, name):
    async with running(gateway()) as app:
        connection = Connection(app, scope(f"/waits/{name}/", "POST"))
        connection.body(b"half", more=True)
        connection.leave()
        assert (await connection.done()).messages == []
    assert not gates.is_open(f"{name}-entered")


# -- whole answers ------------------------------------------------------------------------------


async def test_each_cookie_is_a_line_of_its_own(django):
    lines = (await ask(django.entry, "/cookies/")).all("set-cookie")
    assert [line.split("=")[0] for line in lines] == ["first", "second"]


async def test_headers_outside_ascii_are_sent_as_django_encodes_them(django):
    found = await ask(django.entry, "/odd-headers/")
    assert (found["x-latin"], found["x-greek"]) == ("naïve", "=?utf-8?b?zrHOss6z?=")


@pytest.mark.parametrize("size", [0, 1, 2**18, 2**18 + 1, 2**20, 2**20 + 7])
async def test_content_of_any_size_is_sent_whole_and_in_blocks(django, size):
    found = await ask(django.entry, f"/large/{size}/")
    assert (len(found.body), found.complete) == (size, True)
    assert max(len(message["body"]) for message in found.messages[1:]) <= 2**18


async def test_head_is_answered_without_a_body_of_a_stream(django, name):
    found = await ask(django.entry, f"/streamed/{name}/", "HEAD")
    assert (found.status, found.body, found.complete) == (200, b"", True)


# -- signals and threads ------------------------------------------------------------------------


@pytest.fixture
def cycle():
    """Where request_started and request_finished were sent, as (which, thread)."""
    sent: list[tuple[str, int]] = []
    all_sent = threading.Semaphore(0)

    def started(**_):
        sent.append(("started", threading.get_ident()))

    def finished(**_):
        if ("started", threading.get_ident()) in sent:  # and so not one of an earlier test
            sent.append(("finished", threading.get_ident()))
            all_sent.release()

    signals.request_started.connect(started)
    signals.request_finished.connect(finished)
    yield sent, all_sent
    signals.request_started.disconnect(started)
    signals.request_finished.disconnect(finished)


@pytest.mark.parametrize(
    "target",
    [
        "/json/",
        "/raises/",
        "/exits/",
        "/stops-iteration/",
        "/nothing/",
        "/file/10/",
        "/large/1000000/",
        "/breaks-off/",
        "/async-stream-of-sync-view/",
    ],
)
async def test_request_started_and_finished_are_sent_once_on_the_thread_that_works(gateway, cycle, target):
    sent, all_sent = cycle
    async with running(gateway()) as app:
        connection = Connection(app, scope(target))
        connection.body()
        await asyncio.wait([connection.task])
        connection.task.exception()  # a stream that breaks off raises
        assert await asyncio.to_thread(all_sent.acquire, timeout=10)
    assert [which for which, _ in sent] == ["started", "finished"]
    assert len({thread for _, thread in sent} - {threading.get_ident()}) == 1


async def test_request_finished_is_sent_when_the_client_leaves_in_the_middle(django, cycle, name):
    _, all_sent = cycle
    connection = start(django, f"/endless/{name}/")
    await connection.until(2)
    connection.leave()
    await connection.done()
    assert await asyncio.to_thread(all_sent.acquire, timeout=10)


@pytest.mark.parametrize("target", ["/exits/", "/raises/", "/stops-iteration/", "/breaks-off/"])
async def test_a_thread_survives_whatever_a_view_raises(gateway, target):
    async with running(gateway(legacy={"settings": "legacy.settings", "threads": 1, "static": False})) as app:
        for _ in range(3):
            connection = Connection(app, scope(target))
            connection.body()
            await asyncio.wait([connection.task])
            connection.task.exception()
        assert (await ask(app, "/json/")).status == 200


async def test_concurrent_requests_run_at_the_same_time(django, name):
    waiting = [start(django, f"/waits/{name}-{number}/") for number in range(4)]
    for number in range(4):
        assert await gates.wait_async(f"{name}-{number}-entered")
    for number in range(4):
        gates.open_gate(f"{name}-{number}")
    assert [(await connection.done()).text for connection in waiting] == ["waited"] * 4


async def test_threads_end_with_the_upstream_and_close_their_connections(project, monkeypatch):
    closed = threading.Semaphore(0)
    monkeypatch.setattr(connections, "close_all", closed.release)
    async with running(DjangoUpstream(threads=2, static=False)) as upstream:
        await ask(upstream.entry, "/json/")
    assert await asyncio.to_thread(closed.acquire, timeout=10)


async def test_what_one_request_activates_is_not_active_in_the_next(single):
    first = await ask(single.entry, "/zone/", headers={"X-Time-Zone": "Asia/Tokyo"})
    second = await ask(single.entry, "/zone/")
    assert (first.text, second.text) == ("Asia/Tokyo", "Europe/Athens")


# -- failures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/raises/", "/exits/", "/stops-iteration/"])
async def test_a_failing_view_is_an_internal_server_error_that_says_nothing(gateway, target):
    async with running(gateway()) as app:
        found = await ask(app, target)
    assert found.status == 500
    assert SECRET not in found.text
    assert "Traceback" not in found.text


async def test_debug_propagate_exceptions_reaches_the_log_and_not_the_client(gateway, project, caplog):
    project.DEBUG_PROPAGATE_EXCEPTIONS = True
    async with running(gateway()) as app:
        found = await ask(app, "/raises/")
    assert (found.status, found.text) == (500, "Internal Server Error")
    assert SECRET in caplog.text


async def test_a_stream_that_fails_in_the_middle_closes_the_connection(django):
    connection = start(django, "/breaks-off/")
    with pytest.raises(RuntimeError, match=SECRET):
        await connection.done()
    assert connection.messages[-1].get("more_body")


@pytest.mark.parametrize("kind", ["exit", "cancel"])
async def test_a_stream_that_raises_what_ends_a_program_ends_the_request_alone(django, kind):
    connection = start(django, f"/stream-raises/{kind}/")
    with pytest.raises(RuntimeError, match="the view raised"):
        await connection.done()
    assert (await ask(django.entry, "/json/")).status == 200


def test_an_answer_that_comes_after_the_shutdown_is_a_line_in_the_log(project, name, caplog):
    async def leave_early():
        upstream = DjangoUpstream(threads=1, static=False)
        start(upstream, f"/waits-then-endless/{name}/")
        await gates.wait_async(f"{name}-entered")

    asyncio.run(leave_early())
    gates.open_gate(name)
    assert gates.wait(f"{name}-stopped")
    assert f"the answer to /waits-then-endless/{name}/ came after the shutdown" in caplog.text


# -- streams ------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["streamed", "async/streamed"])
async def test_the_first_part_of_a_slow_stream_is_sent_before_the_last_is_made(django, name, target):
    connection = start(django, f"/{target}/{name}/")
    messages = await connection.until(2)
    assert messages[1]["body"] == b"first\n"
    gates.open_gate(name)
    assert (await connection.done()).body == b"first\nlast\n"


@pytest.mark.parametrize("target", ["endless", "async/endless"])
async def test_an_endless_stream_stops_when_the_client_leaves(django, name, target):
    connection = start(django, f"/{target}/{name}/")
    await connection.until(5)
    connection.leave()
    await connection.done()
    assert await gates.wait_async(f"{name}-stopped")


@pytest.mark.long
async def test_a_stream_waits_for_a_client_that_does_not_read(django, name):
    connection = start(django, f"/long/{name}/")
    await connection.until(2)
    connection.stop_reading()
    for _ in range(50):
        await ask(django.entry, "/json/")
    assert not gates.is_open(f"{name}-ended")
    connection.read_on()
    assert len((await connection.done()).body) == 1024 * len(BLOCK)


async def test_a_stream_whose_client_left_frees_its_thread(single, name):
    connection = start(single, f"/endless/{name}/")
    await connection.until(2)
    connection.leave()
    await connection.done()
    assert (await ask(single.entry, "/json/")).status == 200


async def test_an_async_stream_of_a_sync_view_keeps_language_and_time_zone(django):
    headers = {"Accept-Language": "el", "X-Time-Zone": "Asia/Tokyo"}
    text = (await ask(django.entry, "/async-stream-of-sync-view/", headers=headers)).text
    assert text.split() == ["el", "Asia/Tokyo", "somebody"]


async def test_async_streams_of_sync_views_keep_every_context_variable_apart(django):
    answers = await asyncio.gather(
        *(ask(django.entry, f"/async-stream-of-sync-view/?visitor=v{number}") for number in range(10))
    )
    assert [found.text.split()[-1] for found in answers] == [f"v{number}" for number in range(10)]


async def test_what_an_async_stream_does_to_its_context_does_not_outlive_it(django):
    before = contextvars.copy_context()
    await ask(django.entry, "/async-stream-of-sync-view/")
    assert [*contextvars.copy_context()] == [*before]


async def test_async_streams_of_sync_views_use_different_threads_at_the_same_time(django, name):
    waiting = [start(django, f"/async-stream-that-waits/{name}-{number}/") for number in range(4)]
    for number in range(4):
        assert await gates.wait_async(f"{name}-{number}-entered")
    for number in range(4):
        gates.open_gate(f"{name}-{number}")
    answers = [await connection.done() for connection in waiting]
    assert all("django-async-" in found.text for found in answers)


async def test_an_async_stream_whose_client_left_cleans_up_on_its_thread(django, name):
    connection = start(django, f"/async-stream-that-waits/{name}/?endless")
    gates.open_gate(name)
    await connection.until(3)
    connection.leave()
    await connection.done()
    assert gates.is_open(f"{name}-stopped-on-django-async")


async def test_an_async_stream_without_synchronous_code_takes_no_thread(django):
    await ask(django.entry, "/async-stream-of-sync-view/")
    assert django.pools.leases.started == 0


async def test_a_client_that_stops_reading_does_not_keep_a_thread(single, name, monkeypatch):
    monkeypatch.setattr("gateway.legacy.call.Pipe", partial(Pipe, patience=0.05))
    connection = start(single, f"/endless/{name}/")
    await connection.until(2)
    connection.stop_reading()
    assert (await ask(single.entry, "/json/")).status == 200
    assert not (await connection.done()).complete
    assert gates.is_open(f"{name}-stopped")


async def test_a_request_whose_client_leaves_a_long_queue_reaches_no_view(single, name):
    first, second, third, last = (start(single, f"/waits/{name}-{number}/") for number in range(4))
    assert await gates.wait_async(f"{name}-0-entered")
    third.leave()
    with pytest.raises(ClientGone):
        await third.done()
    for number in range(4):
        gates.open_gate(f"{name}-{number}")
    assert [(await connection.done()).text for connection in (first, second, last)] == ["waited"] * 3
    assert not gates.is_open(f"{name}-2-entered")


async def test_a_request_in_a_long_queue_is_answered_like_any_other(single, name):
    start(single, f"/waits/{name}/")
    assert await gates.wait_async(f"{name}-entered")
    targets = ["/json/", "/large/1000000/", "/file/10/", "/raises/", "/async-stream-of-sync-view/", "/breaks-off/"]
    waiting = [start(single, target) for target in targets]
    await asyncio.sleep(0)
    gates.open_gate(name)
    ended = await asyncio.gather(*(connection.done() for connection in waiting), return_exceptions=True)
    assert [getattr(found, "status", None) for found in ended] == [200, 200, 200, 500, 200, None]


async def test_a_reply_that_comes_in_the_moment_its_client_leaves_the_queue_is_closed():
    loop, closed = asyncio.get_running_loop(), asyncio.Event()
    exchange = ThreadCall(None, None, scope(), BytesIO(), loop)

    async def receive():
        loop.call_soon(loop.call_soon, exchange.future.set_result, AsyncReply({}, None, closed.set))
        return {"type": "http.disconnect"}

    with pytest.raises(ClientGone):
        await exchange.reply_unless_gone(receive)
    assert closed.is_set()


async def test_a_stream_whose_start_can_not_be_sent_is_closed(django, name):
    async def send(message):
        raise OSError("the connection is gone")

    with pytest.raises(OSError, match="gone"):
        await django.entry(scope(f"/endless/{name}/"), empty_body, send)
    assert await gates.wait_async(f"{name}-stopped")


async def empty_body():
    return {"type": "http.request", "body": b"", "more_body": False}


async def test_a_stream_whose_request_is_cancelled_before_it_starts_is_closed(django, name):
    connection = start(django, f"/waits-then-endless/{name}/")
    assert await gates.wait_async(f"{name}-entered")
    connection.task.cancel()
    await asyncio.wait([connection.task])
    gates.open_gate(name)
    assert await gates.wait_async(f"{name}-stopped")


# -- files --------------------------------------------------------------------------------------


async def test_a_file_is_sent_whole_with_its_length(django):
    found = await ask(django.entry, "/file/1000001/")
    assert (found["content-length"], len(found.body), found.complete) == ("1000001", 1_000_001, True)


async def test_a_file_for_a_slow_client_holds_no_thread(single):
    slow = start(single, "/file/50000000/")
    await slow.until(2)
    slow.stop_reading()
    assert (await ask(single.entry, "/json/")).status == 200
    slow.leave()
    slow.read_on()
    await slow.done()


async def test_a_file_is_closed_when_the_client_leaves(django, name):
    connection = start(django, f"/file/50000000/?gate={name}")
    await connection.until(2)
    connection.leave()
    await connection.done()
    assert await gates.wait_async(f"{name}-closed")


# -- asynchronous Django ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/nested/async/7/", "number 7"),
        ("/color/red/", "colour red"),
        ("/colour/red/", "colour red"),
        ("/en/async-translated/", "en"),
        ("/el/async-translated/", "el"),
    ],
)
async def test_an_async_view_runs_on_the_event_loop_wherever_it_is_in_the_urlconf(django, path, text):
    assert django._project.views.answer(path)
    assert (await ask(django.entry, path)).text == text


@pytest.mark.parametrize("path", ["/json/", "/nested/json/", "/", "/nested/async/seven/", "/fr/async-translated/"])
async def test_everything_else_is_no_async_view(django, path):
    assert not django._project.views.answer(path)


@pytest.mark.parametrize(("name", "status"), [("one", 200), ("missing", 404)])
async def test_an_async_view_whose_path_can_only_be_resolved_on_a_thread_answers(django, name, status):
    assert (await ask(django.entry, f"/async/shelves/{name}/")).status == status


async def test_an_async_view_answers_below_a_root_path(django):
    assert (await ask(django.entry, "/nested/async/7/", root_path="/shop")).text == "number 7"


@pytest.mark.slow
async def test_async_requests_do_not_leave_threads_behind(django):
    for _ in range(15):
        answers = await asyncio.gather(*(ask(django.entry, "/async/hop/") for _ in range(20)))
        assert {found.status for found in answers} == {200}
    assert django.pools.leases.started <= 4


async def test_sync_code_of_one_async_request_stays_on_one_thread(django):
    assert len(set((await ask(django.entry, "/async/hop/")).json()["threads"])) == 1


async def test_async_requests_use_different_threads_at_the_same_time(django, name):
    waiting = [start(django, f"/async/waits/{name}-{number}/") for number in range(4)]
    for number in range(4):
        assert await gates.wait_async(f"{name}-{number}-entered")
    for number in range(6):
        gates.open_gate(f"{name}-{number}")
    assert {(await connection.done()).status for connection in waiting} == {200}


async def test_async_only_middleware_runs_in_an_asynchronous_chain(project):
    project.MIDDLEWARE = [*project.MIDDLEWARE, "tests.project.middleware.async_only"]
    async with running(DjangoUpstream(threads=2, static=False)) as upstream:
        found = await ask(upstream.entry, "/json/")
    assert (found.status, found["x-async-only"]) == (200, "yes")


# -- what the gateway asks ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/json/", True),
        ("/json", True),
        ("/nested/async/7/", True),
        ("/nested/async/x/", False),
        ("/el/translated/", True),
        ("/en/translated/", True),
        ("/fr/translated/", False),
        ("/translated/", False),
        ("/nothing/", False),
        ("/", True),
        ("/shelves/one/", True),
        ("/shelves/missing/", False),
    ],
)
def test_the_urlconf_is_asked_which_paths_it_has(project, path, known):
    assert DjangoUpstream(static=False).knows(path) is known


@pytest.mark.parametrize("path", ["/shelves/one/", "/shelves/missing/"])
async def test_a_path_that_can_not_be_resolved_on_the_event_loop_is_known(django, path):
    assert django.knows(path) is True


def test_without_append_slash_the_slash_counts(project):
    project.APPEND_SLASH = False
    assert DjangoUpstream(static=False).knows("/json") is False


def test_the_upstream_shows_settings_and_threads():
    assert repr(DjangoUpstream(threads=7, static=False)) == "DjangoUpstream('legacy.settings', threads=7)"
