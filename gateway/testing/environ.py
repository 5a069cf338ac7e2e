"""Between the environ of Django's test client and ASGI, and from the answer back to a response of Django's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from http.cookies import CookieError
from typing import Any, cast
from urllib.parse import quote

from django.http import HttpResponse, SimpleCookie, StreamingHttpResponse
from django.http.response import HttpResponseBase
from starlette.types import Scope

from gateway.testing.loop import Answer

__all__ = ["body_of", "response_of", "scope_of", "unsendable"]

# What `scope_of` has a place for; the rest of an environ is the server's own, and not sent.
_SENT = frozenset(
    {
        "CONTENT_LENGTH",
        "CONTENT_TYPE",
        "PATH_INFO",
        "QUERY_STRING",
        "REMOTE_ADDR",
        "REMOTE_PORT",
        "REQUEST_METHOD",
        "SCRIPT_NAME",
        "SERVER_NAME",
        "SERVER_PORT",
        "SERVER_PROTOCOL",
    }
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def scope_of(environ: Mapping[str, Any]) -> Scope:
    """The ASGI scope of the request that `environ` describes."""
    root = _path(environ.get("SCRIPT_NAME", "")).rstrip("/")
    path = root + (_path(environ["PATH_INFO"]) or "/")
    scheme = environ.get("wsgi.url_scheme", "http")
    host, port = str(environ.get("SERVER_NAME", "testserver")), str(environ.get("SERVER_PORT", "80"))
    headers = [
        (_header_name(key), str(value).encode("latin-1"))
        for key, value in environ.items()
        if _is_header(key) and value != "" and _sendable(value)
    ]
    if "HTTP_HOST" not in environ:  # which HTTP/1.1 requires; Django then makes it of the same two
        address = host if port == _DEFAULT_PORTS.get(scheme) else f"{host}:{port}"
        headers.append((b"host", address.encode("latin-1")))
    client = environ.get("REMOTE_ADDR")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": str(environ.get("SERVER_PROTOCOL", "HTTP/1.1")).rpartition("/")[2],
        "method": environ["REQUEST_METHOD"],
        "scheme": scheme,
        "path": path,
        "raw_path": quote(path).encode("ascii"),
        "root_path": root,
        "query_string": str(environ.get("QUERY_STRING", "")).encode("latin-1"),
        "headers": headers,
        "client": (client, int(environ.get("REMOTE_PORT") or 0)) if client else None,
        "server": (host, int(port)),
        "state": {},
    }


def body_of(environ: Mapping[str, Any]) -> bytes:
    """The body of the request that `environ` describes."""
    body: bytes = environ["wsgi.input"].read()
    return body


def unsendable(environ: Mapping[str, Any]) -> dict[str, Any]:
    """What a test put into `environ` that no HTTP request can carry, such as REMOTE_USER."""
    return {
        key: value
        for key, value in environ.items()
        if (not _sendable(value) if _is_header(key) else key not in _SENT and not key.startswith("wsgi."))
    }


def _path(text: str) -> str:
    """As Django reads it (PEP 3333 has the bytes in latin-1)."""
    return text.encode("latin-1").decode("utf-8", "replace")


def _is_header(key: str) -> bool:
    return key.startswith("HTTP_") or key in ("CONTENT_TYPE", "CONTENT_LENGTH")


def _header_name(key: str) -> bytes:
    return key.removeprefix("HTTP_").replace("_", "-").lower().encode("ascii")


def _sendable(value: object) -> bool:
    text = str(value)
    return not any(character > "\xff" or character in "\r\n\0" for character in text)


def response_of(answer: Answer, made: HttpResponseBase | None) -> HttpResponseBase:
    """`answer` as a response of Django's: the one that Django `made`, if it made one, as it came through."""
    response = made
    if response is None or response.status_code != answer.status:
        response = HttpResponse(status=answer.status)
    _take_headers(response, answer)
    _take_cookies(response, answer)
    if response.streaming:
        _take_stream(cast("StreamingHttpResponse", response), answer.chunks)
    elif cast("HttpResponse", response).content != answer.body:
        cast("HttpResponse", response).content = answer.body
    return response


def _take_headers(response: HttpResponseBase, answer: Answer) -> None:
    found: dict[str, str] = {}
    for line, value in answer.headers:
        if line != b"set-cookie":
            name, text = line.decode("latin-1").title(), value.decode("latin-1")
            found[name] = f"{found[name]}, {text}" if name in found else text
    for name in [name for name in response.headers if name.title() not in found]:
        del response.headers[name]
    for name, text in found.items():
        if response.headers.get(name) != text:
            response.headers[name] = text


def _take_cookies(response: HttpResponseBase, answer: Answer) -> None:
    """The cookies that Django doesn't know of: a service set them."""
    for name, value in answer.headers:
        if name != b"set-cookie":
            continue
        try:
            found = SimpleCookie(value.decode("latin-1"))
        except CookieError:
            continue
        for key, morsel in found.items():
            if key not in response.cookies:
                response.cookies[key] = morsel


def _take_stream(response: StreamingHttpResponse, chunks: list[bytes]) -> None:
    """The stream was read on the way; it can be read once more."""
    response.streaming_content = _again(chunks) if response.is_async else iter(chunks)


async def _again(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
