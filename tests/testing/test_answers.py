"""What a test gets is the response that was sent: Django's object where Django made it, with what came in between."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse, StreamingHttpResponse

from gateway.testing.environ import response_of
from gateway.testing.live import LiveAnswer


def sent(*headers: tuple[bytes, bytes], status: int = 200, chunks: tuple[bytes, ...] = (b"text",)) -> LiveAnswer:
    return LiveAnswer(status, [*headers], [*chunks])


def test_djangos_own_object_stays_with_what_tests_put_on_it():
    made = HttpResponse(b"text", headers={"X-Kept": "1"})
    made.context = {"name": "you"}
    found = response_of(sent((b"content-type", b"text/html; charset=utf-8"), (b"x-kept", b"1")), made)
    assert found is made
    assert (found.content, found.headers["X-Kept"], found.context) == (b"text", "1", {"name": "you"})


def test_a_response_that_was_replaced_on_the_way_is_another():
    found = response_of(sent(status=503, chunks=()), HttpResponse(b"text"))
    assert (found.status_code, found.content) == (503, b"")


def test_a_service_s_response_is_one_too():
    found = response_of(sent((b"x-a", b"1"), status=201, chunks=(b"a", b"b")), None)
    assert (found.status_code, found.content, found.headers["X-A"]) == (201, b"ab", "1")


def test_headers_and_body_are_those_that_were_sent():
    made = HttpResponse(b"text", headers={"X-Removed": "1", "X-Changed": "1"})
    found = response_of(sent((b"x-changed", b"2"), (b"vary", b"a"), (b"vary", b"b"), chunks=(b"other",)), made)
    assert dict(found.headers) == {"X-Changed": "2", "Vary": "a, b"}
    assert found.content == b"other"


def test_cookies_of_the_service_are_beside_those_of_django():
    made = HttpResponse(b"text")
    made.set_cookie("own", "django's")
    own = made.cookies["own"]
    lines = [b"own=django's", b"theirs=1; Path=/a; HttpOnly", b"no/name=1"]
    found = response_of(sent(*((b"set-cookie", line) for line in lines)), made)
    assert found.cookies["own"] is own
    assert found.cookies.keys() == {"own", "theirs"}
    assert (found.cookies["theirs"].value, found.cookies["theirs"]["path"]) == ("1", "/a")


def test_a_stream_can_still_be_read():
    made = StreamingHttpResponse(iter([b"read", b"already"]))
    found = response_of(sent(chunks=(b"one ", b"two")), made)
    assert [*found.streaming_content] == [b"one ", b"two"]


def test_so_can_an_asynchronous_one():
    async def already():
        yield b"read"

    async def read() -> list[bytes]:
        found = response_of(sent(chunks=(b"one ", b"two")), StreamingHttpResponse(already()))
        return [part async for part in found.streaming_content]

    assert async_to_sync(read)() == [b"one ", b"two"]


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/plain/thread/", "/echo/"])
async def test_in_an_asynchronous_test_a_service_without_django_answers_too(gateway_async_client, path):
    response = await gateway_async_client.get(path)
    assert (response.status_code, response.served_by) == (200, "plain" if path.startswith("/plain") else "legacy")
