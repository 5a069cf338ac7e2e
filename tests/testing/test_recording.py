"""`record` keeps what an upstream is asked and answers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gateway.testing import record
from tests.support.asgi import Connection, scope


def test_a_service_is_recorded(gateway_client):
    with record("bridged") as seen:
        gateway_client.post("/bridged/echo/?a=1&a=", "body", content_type="text/plain", headers={"X-Test": "1"})
    (one,) = seen
    assert (one.method, one.path, one.query, one.body) == ("POST", "/bridged/echo/", {"a": ["1", ""]}, b"body")
    assert (one.headers["x-test"], one.headers["content-type"]) == ("1", "text/plain")
    assert (one.status, one.response_json()["method"]) == (200, "POST")
    assert one.response_headers["content-type"] == "application/json"


@pytest.mark.parametrize("upstream", ["plain", "bridged"])
def test_each_cookie_that_is_set_has_a_line(gateway_client, record_upstream, upstream):
    seen = record_upstream(upstream)
    gateway_client.get(f"/{upstream}/cookies/")
    lines = seen[0].response_headers["set-cookie"].splitlines()
    assert lines == ["color=blue; Path=/a; SameSite=lax", "size=10; Path=/b; SameSite=lax"]


def test_the_project_is_recorded(gateway_client, record_upstream):
    seen = record_upstream("legacy")
    gateway_client.post("/echo/", {"a": 1}, content_type="application/json")
    gateway_client.get("/nothing/")
    assert [(one.path, one.status) for one in seen] == [("/echo/", 200), ("/nothing/", 404)]
    assert seen[0].json() == {"a": 1}


def test_nobody_else_is_recorded(gateway_client, record_upstream):
    seen = record_upstream("plain")
    gateway_client.get("/echo/")
    gateway_client.get("/bridged/echo/")
    assert seen == []


def test_each_request_has_the_identifier_that_the_caller_is_told(gateway_client, record_upstream):
    (seen, response) = (record_upstream("plain"), gateway_client.get("/plain/echo/"))
    assert seen[0].headers["x-request-id"] == response["X-Request-ID"]


def test_what_was_raised_is_recorded(gateway_client, record_upstream):
    seen = record_upstream("plain")
    gateway_client.raise_request_exception = False
    gateway_client.get("/plain/raises/")
    assert (seen[0].status, repr(seen[0].error)) == (500, "ZeroDivisionError('service')")


def test_after_the_block_nothing_is_recorded(gateway_client):
    with record("plain") as seen:
        pass
    gateway_client.get("/plain/echo/")
    assert seen == []


def test_an_unknown_upstream_is_an_error_that_names_those_there_are(record_upstream):
    with pytest.raises(LookupError, match="there is no upstream 'plan'; there are: legacy, plain, bridged"):
        record_upstream("plan")


async def echo(scope, receive, send):
    """Reads until its client leaves, and sends more than status and body."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close"})
        return
    while (await receive())["type"] != "http.disconnect":
        pass
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.debug", "info": {}})
    await send({"type": "http.response.body", "body": b"answer"})


@pytest.mark.anyio
async def test_of_each_message_what_is_no_request_and_no_answer_is_passed_on_alone():
    upstream = SimpleNamespace(entry=echo)
    with record("echo", gateway=SimpleNamespace(upstreams={"echo": upstream})) as seen:
        socket, request = (Connection(upstream.entry, scope("/x", kind=kind)) for kind in ("websocket", "http"))
        request.body(b"one ", more=True)
        request.body(b"two")
        request.leave()
        await socket.done()
        await request.done()
    assert [(one.path, one.body, one.status, one.response_body) for one in seen] == [("/x", b"one two", 200, b"answer")]
    assert [message["type"] for message in socket.messages] == ["websocket.close"]
    assert "http.response.debug" in [message["type"] for message in request.messages]
    assert upstream.entry is echo
