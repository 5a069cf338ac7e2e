"""Converts the environ of Django's test client to ASGI, and the response to a Django response."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from http.cookies import CookieError
from typing import Any, cast
from urllib.parse import quote

from django.conf import settings
from django.http import HttpResponse, SimpleCookie, StreamingHttpResponse
from django.http.response import HttpResponseBase
from starlette.types import Scope

from gateway.testing.live import LiveAnswer

__all__ = ["body_of", "response_of", "scope_as_sent", "scope_of", "unsendable"]

# Keys that `scope_of` converts, so that the request gets them anyway; the rest of an environ is the server's.
_SENT = frozenset({"PATH_INFO", "QUERY_STRING", "REQUEST_METHOD", "SCRIPT_NAME"})
# Django's client has these in every environ, without a value unless a test sets one.
_OFTEN_EMPTY = frozenset({"HTTP_COOKIE", "CONTENT_TYPE", "CONTENT_LENGTH"})
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_sendable_key = re.compile(r"HTTP_[A-Z0-9_]+|CONTENT_TYPE|CONTENT_LENGTH").fullmatch
_token = re.compile(rb"[!#$%&'*+.^`|~0-9a-z-]+").fullmatch  # RFC 9110, section 5.6.2; Django drops an underscore


def scope_of(environ: Mapping[str, Any]) -> Scope:
    """The ASGI scope of the request that `environ` describes."""
    # As under WSGI, PATH_INFO is what follows the path under which the site is served. The gateway strips that path
    # twice, for the server and for a proxy, so it is prepended here: a test's mistakes are left for the project.
    root = (settings.FORCE_SCRIPT_NAME or _path(environ.get("SCRIPT_NAME") or "")).rstrip("/")
    path = root + root + (_path(environ["PATH_INFO"]) or "/")
    scheme = environ.get("wsgi.url_scheme", "http")
    host, port = str(environ.get("SERVER_NAME", "testserver")), str(environ.get("SERVER_PORT", "80"))
    headers = [line for key, value in environ.items() if (line := _header(key, value)) is not None]
    if not any(name == b"host" for name, _ in headers):  # required by HTTP/1.1; Django derives it from the same keys
        address = host if port == _DEFAULT_PORTS.get(scheme) else f"{host}:{port}"
        headers.append((b"host", address.encode("latin-1")))
    client = environ.get("REMOTE_ADDR")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": str(environ.get("SERVER_PROTOCOL", "HTTP/1.1")).rpartition("/")[2],
        "method": environ["REQUEST_METHOD"].upper(),
        "scheme": scheme,
        "path": path,
        "raw_path": quote(path).encode("ascii"),
        "root_path": root,
        "query_string": str(environ.get("QUERY_STRING", "")).encode("latin-1"),
        "headers": headers,
        "client": (str(client), _number(environ.get("REMOTE_PORT"))) if client else None,
        "server": (host, _number(port)),
        "state": {},
    }


def scope_as_sent(scope: Scope) -> tuple[Scope, dict[str, Any]]:
    """The scope that a server would have made of AsyncClient's, and for META what HTTP can't carry."""
    path = scope["path"].encode("latin-1").decode("utf-8", "replace")
    query = scope.get("query_string", b"")
    host, port = scope["server"]
    lines = [(name, value) for name, value in scope["headers"] if value or name != b"cookie"]
    sent = {
        **scope,
        "path": path,
        "root_path": scope.get("root_path", ""),
        "query_string": query.encode("latin-1") if isinstance(query, str) else query,
        "headers": [line for line in lines if _is_line(line)],
        "server": (host, int(port)),
        "state": {},
    }
    return sent, {_key(name): value.decode("latin-1") for name, value in lines if not _is_line((name, value))}


def _is_line(line: tuple[bytes, bytes]) -> bool:
    return bool(_token(line[0])) and not any(byte in line[1] for byte in b"\r\n\0")


def _key(name: bytes) -> str:
    """The key of a header in `request.META`."""
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in _OFTEN_EMPTY else f"HTTP_{key}"


def body_of(environ: Mapping[str, Any]) -> bytes:
    """The body of the request that `environ` describes: CONTENT_LENGTH bytes, as Django reads it."""
    stream = environ["wsgi.input"]
    wanted = _number(environ.get("CONTENT_LENGTH"))
    there = len(stream) if hasattr(stream, "__len__") else wanted  # FakePayload raises when more is read
    body: bytes = stream.read(min(wanted, there)) if wanted else b""
    return body


def unsendable(environ: Mapping[str, Any]) -> dict[str, Any]:
    """What a test put into `environ` that HTTP can't carry unchanged, for `request.META`.

    Django's client puts an environ into META unchanged: header values that are None, numbers, lazy translations or
    contain characters that HTTP lacks; and variables such as REMOTE_USER.
    """
    return {key: value for key, value in environ.items() if not _is_carried(key, value)}


def _is_carried(key: str, value: object) -> bool:
    """Whether `request.META` gets `value` through HTTP."""
    if not _is_header(key):
        return key in _SENT or key.startswith("wsgi.")
    if not isinstance(value, str) or type(value) is not str or not _sendable_key(key):
        return False
    return _is_text(value) and _is_latin(value) and not (value == "" and key in _OFTEN_EMPTY)


def _path(text: str) -> str:
    """As Django reads it (PEP 3333 has the bytes in latin-1)."""
    return text.encode("latin-1").decode("utf-8", "replace")


def _number(value: object) -> int:
    """CONTENT_LENGTH as Django reads it: 0 if it is not a number."""
    try:
        return int(str(value))
    except ValueError:
        return 0


def _is_header(key: str) -> bool:
    return key.startswith("HTTP_") or key in ("CONTENT_TYPE", "CONTENT_LENGTH")


def _header(key: str, value: object) -> tuple[bytes, bytes] | None:
    """The header line for it; None if HTTP has none. Values that aren't strings are converted to text."""
    if not _is_header(key) or value is None or (value == "" and key in _OFTEN_EMPTY):
        return None
    name = key.removeprefix("HTTP_").replace("_", "-").lower().encode("ascii", "replace")
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    if not _token(name) or not _is_text(text):
        return None
    # Browsers and curl send UTF-8 for characters that latin-1 lacks.
    return name, text.encode("latin-1" if _is_latin(text) else "utf-8")


def _is_text(value: str) -> bool:
    return not any(character in "\r\n\0" for character in value)


def _is_latin(value: str) -> bool:
    return all(character <= "\xff" for character in value)


def response_of(answer: LiveAnswer, made: HttpResponseBase | None) -> HttpResponseBase:
    """`answer` as a Django response: the one that Django `made`, if there is one, updated from what was sent."""
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


def _take_headers(response: HttpResponseBase, answer: LiveAnswer) -> None:
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


def _take_cookies(response: HttpResponseBase, answer: LiveAnswer) -> None:
    """Cookies that Django doesn't know: those that a service set."""
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
    """Make the stream, which was read on the way, readable again."""
    response.streaming_content = _again(chunks) if response.is_async else iter(chunks)


async def _again(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
