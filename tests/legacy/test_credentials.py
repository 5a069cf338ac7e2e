"""What is read of a request is noted, however it is read."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.http import QueryDict

from gateway.legacy.credentials import Way, note_reading
from gateway.legacy.environ import environ_of
from gateway.legacy.request import request_of
from gateway.routing.request import read_request
from tests.support.asgi import scope

AUTHORIZATION, EVERYTHING = ("header", b"authorization"), ("everything", b"")

READINGS = {
    "META": (lambda request: request.META["HTTP_AUTHORIZATION"], AUTHORIZATION),
    "META.get": (lambda request: request.META.get("HTTP_AUTHORIZATION"), AUTHORIZATION),
    "in META": (lambda request: "HTTP_X_KEY" in request.META, ("header", b"x-key")),
    "all of META": (lambda request: dict(request.META), EVERYTHING),
    "META, unpacked": (lambda request: {**request.META}, EVERYTHING),
    "items of META": (lambda request: sorted(request.META.items(), key=str), EVERYTHING),
    "values of META": (lambda request: list(request.META.values()), EVERYTHING),
    "names in META": (lambda request: [name for name in request.META], EVERYTHING),  # noqa: C416
    "headers": (lambda request: request.headers["authorization"], AUTHORIZATION),
    "headers.get": (lambda request: request.headers.get("X-Key"), ("header", b"x-key")),
    "in headers": (lambda request: "x_key" in request.headers, ("header", b"x-key")),
    "all headers": (lambda request: dict(request.headers), EVERYTHING),
    "cookies": (lambda request: request.COOKIES.get("\u03ba"), ("cookie", "\u03ba".encode())),
    "all cookies": (lambda request: dict(request.COOKIES), EVERYTHING),
    "query": (lambda request: request.GET.get("key"), ("query", b"")),
    "query, as it is": (lambda request: QueryDict(request.environ["QUERY_STRING"]), ("query", b"")),
    "address": (lambda request: request.META["REMOTE_ADDR"], ("client", b"")),
    "host": (lambda request: request.get_host(), ("header", b"host")),
    "content type": (lambda request: request.META.get("CONTENT_TYPE"), ("header", b"content-type")),
}
ONE = {"Authorization": "Key ada-1", "Cookie": "a=b; \u03ba=1", "X-Key": "1", "Content-Type": "a/b"}
OTHER = {
    "Authorization": "Key bob-1",
    "Cookie": "a=b; \u03ba=2",
    "X-Key": "2",
    "Content-Type": "c/d",
    "Host": "localhost",
}


def asked(path, headers, client):
    """A scope and its facts."""
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    made = scope(path, headers=encoded, client=(client, 1))
    return made, read_request(made, "", None)


@pytest.mark.parametrize("reading", READINGS)
def test_what_is_read_is_noted_and_two_that_differ_in_it_are_two(reading):
    look, carrier = READINGS[reading]
    one, info = asked("/?key=ada", ONE, "10.0.0.1")
    request = request_of(environ_of(one, BytesIO()))
    noted = note_reading(request)
    look(request)
    assert noted == {carrier} or carrier == EVERYTHING in noted
    way = Way(0, b"sessionid")
    way.add(noted)
    other, others = asked("/?key=bob", OTHER, "10.0.0.2")
    assert way.key(way.shown(info, one)) == way.key(way.shown(*reversed(asked("/?key=ada", ONE, "10.0.0.1"))))
    assert way.key(way.shown(info, one)) != way.key(way.shown(others, other))


@pytest.mark.parametrize("key", ["wsgi.url_scheme", "SERVER_NAME", "REQUEST_METHOD"])
def test_what_is_the_same_for_all_callers_is_not(key):
    made, _ = asked("/", ONE, "10.0.0.1")
    request = request_of(environ_of(made, BytesIO()))
    noted = note_reading(request)
    assert request.META[key]
    assert noted == set()


def test_nor_is_a_token_against_forgery():
    made, _ = asked("/", {"Cookie": "csrftoken=a"}, "10.0.0.1")
    request = request_of(environ_of(made, BytesIO()))
    noted = note_reading(request)
    assert request.COOKIES["csrftoken"] == "a"
    assert noted == set()


def test_of_two_ways_none_knows_what_the_other_does():
    made, info = asked("/", ONE, "10.0.0.1")
    one, other = Way(0, b"sessionid"), Way(1, b"sessionid")
    assert one.key(one.shown(info, made)) != other.key(other.shown(info, made))
