"""Django's responses for a service's answers hold nothing that a cache would keep beside what Django's own hold."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from gateway.bridge.django_response import whole_response
from gateway.bridge.replies import answer_start
from gateway.bridge.route import MARK, Call

TEXT = (b"content-type", b"text/plain")


def answered(*headers: tuple[bytes, bytes]) -> HttpResponse:
    return whole_response({"status": 200, "headers": [TEXT, *headers]}, b"text", head=False)


def viewed(*headers: tuple[bytes, bytes]) -> HttpResponse:
    """The response of a view that a service has lifted."""
    request = RequestFactory().get("/")
    request.scope = {}
    call = Call()
    call.result = HttpResponse(b"text", content_type="text/plain")
    found = call.make(request, lambda _: answered((MARK.encode(), b"1"), *headers), lambda *_: HttpResponse())
    assert isinstance(found, HttpResponse)
    return found


@pytest.mark.parametrize("made", [answered, viewed])
def test_without_cookies_it_is_cached_as_djangos_own(made):
    own = HttpResponse(b"text", status=200, headers={"Content-Type": "text/plain"})
    assert vars(made()).keys() | {"status_code"} == vars(own).keys()


@pytest.mark.parametrize("made", [answered, viewed])
def test_cookies_are_sent_as_they_were(made):
    sent = [(b"set-cookie", b"one=1; Path=/"), (b"set-cookie", b"two=2; Secure")]
    start = answer_start(made(*sent), "GET")
    assert [header for header in start["headers"] if header[0] == b"set-cookie"] == sent


def test_of_a_header_with_several_lines_one_is_made():
    """Django's headers have one value each; RFC 9110, section 5.3, says how they are joined."""
    found = answered((b"x-a", b"1"), (b"vary", b"Cookie"), (b"X-A", b"2"))
    assert (found["X-A"], found["Vary"]) == ("1, 2", "Cookie")
