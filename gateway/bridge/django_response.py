"""Turns a service's ASGI messages into a Django response."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import TypeVar

from django.http import BadHeaderError, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from starlette.types import Message

__all__ = ["Raw", "carry_cookies", "is_endless", "streaming_response", "whole_response"]

AnsweredT = TypeVar("AnsweredT", bound=HttpResponseBase)
Raw = list[tuple[bytes, bytes]]


def whole_response(start: Message, body: bytes, *, head: bool) -> HttpResponse:
    """The response with all of its `body`. `head`: the service was called with HEAD, so its length can't be checked.

    Raises ValueError when the declared length differs from that of the body.
    """
    headers, cookies = _read_headers(start)
    if not head:  # a middleware may change the content; its length is set when it is sent
        declared = headers.pop("Content-Length", None)
        if declared not in (None, str(len(body))) and start.get("status") != HTTPStatus.NOT_MODIFIED:
            raise ValueError(f"the service says that its answer has {declared} bytes, and sent {len(body)}")
    response = HttpResponse(body, status=start.get("status", 200), headers=headers)
    return _with_lines(response, headers, cookies)


def streaming_response(start: Message, chunks: AsyncIterable[bytes]) -> StreamingHttpResponse:
    """The response whose body comes in `chunks`."""
    headers, cookies = _read_headers(start)
    response = StreamingHttpResponse(chunks, status=start.get("status", 200), headers=headers)
    return _with_lines(response, headers, cookies)


def _with_lines(response: AnsweredT, headers: Mapping[str, str], cookies: Raw) -> AnsweredT:
    if "Content-Type" not in headers:
        del response.headers["Content-Type"]  # Django's default
    carry_cookies(response, cookies)
    return response


class CookiesBesideRaw(SimpleCookie):
    """The cookies that Django's code sets on a response which has raw ones too.

    It is true though it may be empty: `response.cookies` is how a middleware learns that a response sets cookies.
    Django's UpdateCacheMiddleware gives one that varies by Cookie and sets some to nobody else.
    """

    def __bool__(self) -> bool:
        return True


def carry_cookies(response: HttpResponseBase, cookies: Raw) -> None:
    """Let `response` set `cookies`, which are sent as the service made them (answer_start)."""
    if cookies:  # else nothing, since what caches responses keeps their attributes
        response.raw_cookies = cookies  # type: ignore[attr-defined] # not Django's
        own, response.cookies = response.cookies, CookiesBesideRaw()
        response.cookies.update(own)


def is_endless(start: Message) -> bool:
    """Whether a response that starts like this sends events until its caller disconnects."""
    return any(
        name.lower() == b"content-type" and value.lower().startswith(b"text/event-stream")
        for name, value in start.get("headers", ())
    )


@lru_cache(maxsize=1024)
def _title(name: bytes) -> str:
    return name.decode("latin-1").title()


def _read_headers(start: Message) -> tuple[dict[str, str], Raw]:
    """Headers and cookies. Lines of the same name are joined (RFC 9110, section 5.3), but for Set-Cookie."""
    headers: dict[str, str] = {}
    cookies: Raw = []
    for name, value in start.get("headers", ()):
        key = _title(name)
        if key == "Set-Cookie":
            if b"\n" in value or b"\r" in value:  # Django looks for them in all other headers
                raise BadHeaderError("a Set-Cookie header can't contain newlines")
            cookies.append((b"set-cookie", value))
        elif key in headers:
            headers[key] += ", " + value.decode("latin-1")
        else:
            headers[key] = value.decode("latin-1")
    return headers, cookies
