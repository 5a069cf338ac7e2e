"""A recording has what the project asked other servers meanwhile, and what it was answered: redacted, and bounded."""

from __future__ import annotations

import asyncio
import contextvars
import http.client
import io
import json
import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest
import requests

from gateway.context import outbound as bounds
from gateway.context.outbound import OutboundLog, failure_of, unchunked
from gateway.context.recording import Recorder, recorder
from gateway.parity.pointer import compile_patterns
from gateway.parity.redact.pseudonyms import Pseudonyms
from gateway.recording.calls import calls_to_json
from gateway.recording.clients import note_clients
from gateway.recording.plan import Plan, Selection, Target
from gateway.workbench.corpus import Case, Outbound
from gateway.workbench.corpus.case import case_of
from tests.project import sharing
from tests.support.asgi import ask, running
from tests.support.clients import (
    CLIENTS,
    by_async_httpx,
    by_http_client,
    by_httpx,
    by_httpx_streamed,
    by_requests,
)
from tests.support.outside import Outside, outside

JSON = "application/json"
PSEUDONYMS = Pseudonyms(b"secret", frozenset(), compile_patterns(()))
each = pytest.mark.parametrize("ask_by", CLIENTS, ids=lambda ask: ask.__name__)


@pytest.fixture
def server() -> Iterator[Outside]:
    with outside() as found:
        yield found


def noted(work: Callable[[], Any], pseudonyms: Pseudonyms | None = None, limit: int = bounds.LONGEST) -> list[Outbound]:
    """What a recording has of `work`."""
    note_clients()
    notes = Recorder()
    notes.outbound = OutboundLog(limit)
    context = contextvars.copy_context()
    context.run(recorder.set, notes)
    context.run(work)
    line = {"template": "/", "method": "GET", "path": "/", "outbound": calls_to_json(notes.outbound, pseudonyms)}
    return [*case_of(json.dumps(line)).outbound]


@each
def test_a_request_is_noted_with_its_answer(ask_by, server):
    (call,) = noted(lambda: ask_by("POST", f"{server.url}/pay?day=1", b'{"amount": 1}', JSON))
    assert (call.method, call.url) == ("POST", f"{server.url}/pay?day=1")
    assert (call.body, call.media_type, call.masked) == (b'{"amount": 1}', JSON, False)
    assert call.answer is not None
    assert (call.answer.status, json.loads(call.answer.body)) == (200, {"times": 1, "got": '{"amount": 1}'})
    assert dict(call.answer.headers)["content-type"] == JSON
    assert call.failed is None


@each
def test_an_answer_in_chunks_is_noted_as_a_whole(ask_by, server):
    (call,) = noted(lambda: ask_by("GET", f"{server.url}/chunks/5/"))
    assert call.answer is not None
    assert call.answer.body == b"abc" * 5
    assert "transfer-encoding" not in dict(call.answer.headers)


@each
def test_an_answer_without_a_body_is_noted(ask_by, server):
    (call,) = noted(lambda: ask_by("GET", f"{server.url}/empty"))
    assert call.answer is not None
    assert (call.answer.status, call.answer.body) == (204, b"")


@each
def test_the_client_gets_what_it_would_have_got(ask_by, server):
    found = []
    noted(lambda: found.append(ask_by("POST", f"{server.url}/x", b"12", JSON)))
    assert [(status, json.loads(body)) for status, body in found] == [(200, {"times": 1, "got": "12"})]
    assert server.asked == [("POST", "/x", b"12")]


@each
def test_outside_of_a_recording_nothing_is_noted(ask_by, server):
    note_clients()
    assert recorder.get() is None
    assert ask_by("GET", f"{server.url}/x")[0] == 200
    assert noted(lambda: None) == []


@each
def test_an_answer_that_ends_with_its_connection_is_noted(ask_by, server):
    (call,) = noted(lambda: ask_by("GET", f"{server.url}/until-closed"))
    assert call.answer is not None
    assert call.answer.body == b"all of it"


@pytest.mark.parametrize("ask_by", [by_http_client, by_httpx])
def test_an_answer_to_head_is_noted(ask_by, server):
    (call,) = noted(lambda: ask_by("HEAD", f"{server.url}/x"))
    assert call.answer is not None
    assert (call.method, call.answer.status, call.answer.body) == ("HEAD", 200, b"")


def read_once(answer: http.client.HTTPResponse) -> bytes:
    return b"".join(iter(answer.read1, b""))


def read_into_buffers(answer: http.client.HTTPResponse) -> bytes:
    found, buffer = b"", bytearray(5)
    while size := answer.readinto(buffer):
        found += buffer[:size]
    return found


def read_by_lines(answer: http.client.HTTPResponse) -> bytes:
    return b"".join(answer)


@pytest.mark.parametrize("path", ["x", "until-closed", "chunks/3/"])
@pytest.mark.parametrize("read", [read_once, read_into_buffers, read_by_lines])
def test_an_answer_is_noted_however_it_is_read(server, path, read):
    found = []

    def work() -> None:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        connection.request("GET", f"/{path}")
        answer = connection.getresponse()
        found.append(read(answer))
        answer.close()
        connection.close()

    (call,) = noted(work)
    assert call.answer is not None
    assert [call.answer.body] == found


def send_a_file(connection: http.client.HTTPConnection) -> None:
    connection.putrequest("POST", "/x")
    connection.putheader("Content-Length", "2")
    connection.endheaders()
    connection.send(io.BytesIO(b"12"))


@pytest.mark.parametrize(
    ("send", "body"),
    [
        (lambda connection: connection.request("POST", "/x", io.BytesIO(b"12"), {"Content-Length": "2"}), b"12"),
        (lambda connection: connection.request("POST", "/x", [b"1", b"2"], {"Content-Length": "2"}), b"12"),
        (send_a_file, b""),  # which http.client reads by itself, and only once
    ],
)
def test_a_body_in_parts_is_sent_and_noted_unless_only_the_client_reads_it(server, send, body):
    def work() -> None:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        send(connection)
        connection.getresponse().read()
        connection.close()

    (call,) = noted(work)
    assert server.asked == [("POST", "/x", b"12")]
    assert (call.body, call.answer is None) == (body, False)


@pytest.mark.parametrize("ask", [partial(requests.get, timeout=0.05), partial(httpx.get, timeout=0.05)])
def test_a_server_that_does_not_answer_in_time_is_noted_as_that(ask):
    def work() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises((OSError, httpx.ReadTimeout)):
            ask(f"http://127.0.0.1:{silent.getsockname()[1]}/")

    (call,) = noted(work)
    assert (call.answer, call.failed) == (None, "timeout")


@pytest.mark.parametrize("ask_by", [by_http_client, by_requests])
def test_a_server_that_hangs_up_is_noted_as_a_connection_that_failed(ask_by, server):
    def work() -> None:
        with pytest.raises(OSError, match="Remote end closed connection"):
            ask_by("GET", f"{server.url}/hangs-up")

    (call,) = noted(work)
    assert (call.answer, call.failed) == (None, "connection")


def test_a_request_by_a_proxy_is_noted_with_its_own_url(server):
    (call,) = noted(lambda: requests.get("http://shop.example/x#top", proxies={"http": server.url}, timeout=5))
    assert call.url == "http://shop.example/x"
    assert server.asked == [("GET", "http://shop.example/x", b"")]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), "timeout"),
        (httpx.ReadTimeout(""), "timeout"),
        (ConnectionResetError(), "connection"),
        (httpx.ConnectError(""), "connection"),
        (httpx.UnsupportedProtocol(""), None),
        (ValueError(), None),
    ],
)
def test_a_failure_is_one_of_two_kinds_or_can_not_be_played_back(error, kind):
    assert failure_of(error) == kind


@pytest.mark.parametrize("body", [b"3\r\nabc\r\n", b"3\r\nab", b"zz\r\nabc\r\n0\r\n\r\n", b"3"])
def test_chunks_without_the_last_one_are_no_body(body):
    assert unchunked(body) is None


@pytest.mark.parametrize("ask_by", [by_http_client, by_requests, by_httpx, by_async_httpx])
def test_what_could_not_be_reached_is_noted_as_that(ask_by):
    def work() -> None:
        with pytest.raises((OSError, httpx.TransportError)):
            ask_by("GET", "http://127.0.0.1:9/")

    (call,) = noted(work)
    assert (call.answer, call.failed) == (None, "connection")


def test_credentials_stay_out(server):
    def work() -> None:
        url = server.url.replace("http://", "http://ada:secret@")
        requests.get(f"{url}/x", headers={"X-Api-Key": "secret", "Cookie": "a=secret"}, timeout=5)
        httpx.get(f"{url}/x", headers={"Authorization": "Bearer secret", "X-Fine": "yes"})

    calls = noted(work)
    assert len(calls) == 2
    assert "secret" not in str(calls)
    assert dict(calls[1].headers)["x-fine"] == "yes"


def test_what_is_personal_has_a_pseudonym(server):
    body = json.dumps({"email": "ada@example.org", "amount": 1}).encode()
    url = f"{server.url}/users?email=ada%40example.org"
    (call,) = noted(lambda: by_httpx("POST", url, body, JSON), PSEUDONYMS)
    assert "ada" not in str(call)
    assert (call.masked, json.loads(call.body)["amount"]) == (True, 1)


def test_long_bodies_are_left_out_on_either_side(server):
    calls = noted(lambda: [by_requests("POST", f"{server.url}/x", b"x" * 100, "text/plain")], limit=50)
    assert [(call.body, call.answer) for call in calls] == [(b"", None)]
    calls = noted(lambda: [by_httpx_streamed("POST", f"{server.url}/x", b"x" * 100, "text/plain")], limit=50)
    assert [(call.body, call.answer) for call in calls] == [(b"", None)]
    (call,) = noted(lambda: by_httpx("GET", f"{server.url}/chunks/100/"), limit=50)
    assert call.answer is None


def test_so_many_calls_are_kept(server, monkeypatch):
    monkeypatch.setattr(bounds, "MOST", 2)
    assert len(noted(lambda: [by_httpx("GET", f"{server.url}/x") for _ in range(3)])) == 2


def test_an_answer_that_was_not_read_to_its_end_is_left_out(server):
    def work() -> None:
        with requests.get(f"{server.url}/chunks/1000/", stream=True, timeout=5) as answer:
            next(answer.iter_content(2))
        with httpx.stream("GET", f"{server.url}/chunks/1000/") as other:
            next(other.iter_raw(2))
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        connection.request("GET", "/chunks/1000/")
        connection.getresponse().read(2)
        connection.close()

    assert [call.answer for call in noted(work)] == [None] * 3


def test_tasks_of_one_request_are_noted_apart(server):
    async def both() -> None:
        async with httpx.AsyncClient() as client:
            await asyncio.gather(*(client.get(f"{server.url}/{name}") for name in "ab"))

    calls = noted(lambda: asyncio.run(both()))
    assert sorted(call.url[-1] for call in calls) == ["a", "b"]
    assert all(call.answer is not None for call in calls)


# -- through the gateway ------------------------------------------------------------------------------


def plan() -> Plan:
    return Plan("one", 4e9, b"secret", Selection((Target(template="/{rest:path}"),)))


async def recorded(app: Any) -> list[Case]:
    (session,) = app.recordings._sessions
    for _ in range(2000):
        await asyncio.sleep(0.005)
        if session.pending == session.finished:
            break
    (batch,) = app.recordings.drain()
    return [case_of(one.document) for one in batch.found.values() if one.document]


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/s/sync/", "/s/async/"])
@pytest.mark.parametrize("stage", ["shadow", "live"])
async def test_a_case_has_what_was_asked_for_it(gateway, project, server, path, stage):
    project.ROOT_URLCONF = "tests.project.sharing"
    for side in ("legacy", "service"):
        sharing.acts[side] = lambda: by_httpx("GET", f"{server.url}/rates")
    services = {"s": {"app": "tests.project.sharing:app"}}
    route = {"name": "s", "prefix": "/s", "service": "s", "stage": stage, "mirror": {"shadow": 0, "live": 0}}
    async with running(gateway(services=services, routes=[route])) as app:
        app.recordings.follow([plan()])
        await ask(app, path)
        (case,) = await recorded(app)
    assert [(call.method, call.url) for call in case.outbound] == [("GET", f"{server.url}/rates")]
