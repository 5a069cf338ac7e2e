"""Notes the requests that a project sends to other servers while a recorded request is handled.

Methods of `http.client` (used by requests, urllib3, urllib and botocore) and httpcore (used by httpx) are replaced when
the first recording starts.
"""

from __future__ import annotations

import http.client
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import wraps
from importlib import import_module
from typing import Any

from gateway.compat.stdlib import body_through
from gateway.context.outbound import (
    OutboundCall,
    OutboundLog,
    base_url,
    failure_of,
    lower,
    parse_request,
    unchunked,
    url_of,
)
from gateway.context.recording import recorder

__all__ = ["note_clients"]

MARK = "notes_requests"
NOTES = "gateway_notes"  # attribute of a connection: the request that it sends
BODILESS = (204, 304)
HTTPCORE = (("httpx", "httpcore"), ("httpx2", "httpcore2"))


def note_clients() -> None:
    """From now on, note requests of the libraries that are imported by now."""
    _note_http_client()
    for library, used in HTTPCORE:
        if library in sys.modules:
            import_module(used)  # httpx imports it with its first client
        if (module := sys.modules.get(used)) is not None:
            _replace(module.ConnectionPool, "handle_request", _noting_pool)
            _replace(module.AsyncConnectionPool, "handle_async_request", _noting_async_pool)


def _replace(cls: type, name: str, noting: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    owner = next(base for base in cls.__mro__ if name in vars(base))
    method = vars(owner)[name]
    if not hasattr(method, MARK):
        noted = wraps(method)(noting(method))
        setattr(noted, MARK, True)
        setattr(owner, name, noted)


def _log() -> OutboundLog | None:
    current = recorder.get()
    return (
        None if current is None or current.elsewhere else current.outbound
    )  # requests that are passed on are the gateway's own


# -- httpcore -------------------------------------------------------------------------------------


def _noting_pool(method: Callable[..., Any]) -> Callable[..., Any]:
    def handle_request(self: Any, request: Any) -> Any:
        call = _begun(request)
        if call is None:
            return method(self, request)
        request.stream = _Sent(request.stream, call)
        try:
            response = method(self, request)
        except BaseException as exc:
            call.failed = failure_of(exc)
            raise
        _answered(call, response)
        response.stream = _Received(response.stream, call)
        return response

    return handle_request


def _noting_async_pool(method: Callable[..., Any]) -> Callable[..., Any]:
    async def handle_async_request(self: Any, request: Any) -> Any:
        call = _begun(request)
        if call is None:
            return await method(self, request)
        request.stream = _AsyncSent(request.stream, call)
        try:
            response = await method(self, request)
        except BaseException as exc:
            call.failed = failure_of(exc)
            raise
        _answered(call, response)
        response.stream = _AsyncReceived(response.stream, call)
        return response

    return handle_async_request


def _begun(request: Any) -> OutboundCall | None:
    log, url = _log(), request.url
    if log is None:
        return None
    base = base_url(url.scheme.decode("ascii"), url.host.decode("ascii"), url.port)
    call = log.begin(request.method.decode("ascii"), base + url.target.decode("ascii", "replace").partition("#")[0])
    if call is not None:
        call.sent_headers = lower(request.headers)
    return call


def _answered(call: OutboundCall, response: Any) -> None:
    call.status, call.headers = response.status, lower(response.headers)


class _Stream:
    """A body that is being transferred. All other attributes are those of the library's object."""

    def __init__(self, stream: Any, call: OutboundCall) -> None:
        self._stream = stream
        self._call = call


class _Sent(_Stream):
    def __iter__(self) -> Iterator[bytes]:
        self._call.sent = bytearray()  # it may be sent again, by another connection
        for part in self._stream:
            self._call.add_sent(part)
            yield part


class _AsyncSent(_Stream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._call.sent = bytearray()  # as above
        async for part in self._stream:
            self._call.add_sent(part)
            yield part


class _Received(_Stream):
    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            self._call.add_received(part)
            yield part
        self._call.whole = True

    def close(self) -> None:
        self._stream.close()


class _AsyncReceived(_Stream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            self._call.add_received(part)
            yield part
        self._call.whole = True

    async def aclose(self) -> None:
        await self._stream.aclose()


# -- http.client ----------------------------------------------------------------------------------


def _note_http_client() -> None:
    connection = http.client.HTTPConnection
    _replace(connection, "putrequest", _noting_putrequest)
    _replace(connection, "send", _noting_send)
    _replace(connection, "getresponse", _noting_getresponse)


class _Sending:
    """A request that a connection sends: its head, then its body in parts."""

    def __init__(self, call: OutboundCall) -> None:
        self.call = call
        self.within = False  # a CONNECT request for a tunnel may come in between
        self._head: bytes | None = None

    def add(self, data: Any) -> None:
        """Add a part that was sent."""
        if not isinstance(data, bytes | bytearray | memoryview):
            self.call.sent = None  # it can be read only once
        elif self._head is None:
            self._head = bytes(data)
        else:
            self.call.add_sent(bytes(data))

    def end(self) -> None:
        """The request was sent completely."""
        call = self.call
        call.sent_headers, body = parse_request((self._head or b"") + bytes(call.sent or b""))
        call.sent = None if call.sent is None else bytearray(body)


def _noting_putrequest(original: Callable[..., Any]) -> Callable[..., Any]:
    def putrequest(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        log = _log()
        vars(self).pop(NOTES, None)
        call = None if log is None else log.begin(method, url_of(self, url))
        if call is not None:
            vars(self)[NOTES] = _Sending(call)
        return original(self, method, url, *args, **kwargs)

    return putrequest


def _noting_send(original: Callable[..., Any]) -> Callable[..., Any]:
    def send(self: Any, data: Any) -> Any:
        sending = vars(self).get(NOTES)
        if sending is None or sending.within:
            return original(self, data)
        sending.add(data)
        sending.within = True
        try:
            return original(self, data)
        except Exception as exc:
            sending.call.failed = failure_of(exc)
            raise
        finally:
            sending.within = False

    return send


def _noting_getresponse(original: Callable[..., Any]) -> Callable[..., Any]:
    def getresponse(self: Any) -> Any:
        sending = vars(self).pop(NOTES, None)
        if sending is None:
            return original(self)
        sending.end()
        call = sending.call
        try:
            response = original(self)
        except Exception as exc:
            call.failed = failure_of(exc)
            raise
        call.status = response.status
        call.headers = lower((n.encode("latin-1"), v.encode("latin-1")) for n, v in response.getheaders())
        if not body_through(response, lambda body: _Reading(body, call)):
            call.whole = True  # it has no body
        return response

    return getresponse


class _Reading:
    """The file from which a response is read; the call is complete when it was read to its end."""

    def __init__(self, body: Any, call: OutboundCall) -> None:
        self._body = body
        self._call = call
        self._ended = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)

    def _noted(self, part: bytes, size: int | None) -> bytes:
        self._ended = self._ended or (not part and size != 0) or size is None or size < 0
        self._call.add_received(part)
        return part

    def read(self, size: int | None = -1) -> bytes:
        return self._noted(self._body.read(size), size)

    def read1(self, size: int = -1) -> bytes:
        return self._noted(self._body.read1(size), 1)

    def readline(self, size: int = -1) -> bytes:
        return self._noted(self._body.readline(size), 1)

    def readinto(self, buffer: Any) -> int:
        size: int = self._body.readinto(buffer)
        self._noted(bytes(memoryview(buffer)[:size]), len(buffer))
        return size

    def close(self) -> None:
        self._body.close()
        call = self._call
        if call.body is None or call.whole:
            return
        headers = dict(call.headers)
        if call.method == "HEAD" or call.status in BODILESS:
            call.whole = True
        elif b"chunked" in headers.get(b"transfer-encoding", b"").lower():
            body = unchunked(bytes(call.body))
            call.whole, call.body = body is not None, bytearray(body or b"")
        elif b"content-length" in headers:
            call.whole = headers[b"content-length"].strip() == b"%d" % len(call.body)
        else:
            call.whole = self._ended
