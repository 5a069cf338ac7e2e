"""Gives recorded responses to the project's HTTP clients, and notes their requests."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection
from io import BytesIO
from typing import IO, Any
from urllib.parse import parse_qs, urlsplit

from gateway.context.intentions import Intentions
from gateway.context.mirror_scope import MirrorScope, NotConnected
from gateway.context.outbound import base_url, parse_request, url_of
from gateway.parity.decoding import UnreadableBody, parse_json
from gateway.parity.plain_values import plain_bytes
from gateway.shield.guard import GuardedCall
from gateway.shield.sockets import check_address
from gateway.workbench.corpus import Outbound, RecordedResponse
from gateway.workbench.replay.outbound.answers import RecordedAnswers
from gateway.workbench.replay.outbound.socket import PlayedSocket

__all__ = ["PlayedClients"]

FORM = "application/x-www-form-urlencoded"
NO_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class PlayedClients:
    """The HTTP clients of one side, which runs in `scope`. A request without a recorded response is sent if `scope`
    allows connections to its host, and refused otherwise."""

    def __init__(self, answers: RecordedAnswers, intentions: Intentions, scope: MirrorScope) -> None:
        self.refused = False  # whether a request was refused
        self._answers = answers
        self._intentions = intentions
        self._scope = scope
        self._asked: dict[int, tuple[str, str]] = {}  # method and URL, by connection
        self._through: set[int] = set()  # connections that are being opened

    def make(self, call: GuardedCall) -> Any:
        """As in OutboundClients."""
        if call.name == "handle_request":
            return self._httpcore(call)
        if call.name == "handle_async_request":
            return self._async_httpcore(call)
        if isinstance(call.target, HTTPConnection):
            return self._http_client(call)
        return self._other(call)

    def _found(self, method: str, url: str, media_type: str, body: bytes) -> Outbound | None:
        """Note the request and return its response, if recorded. Raises NotConnected."""
        address, _, query = url.partition("?")
        value = {"query": _pairs(query), "body": _body(media_type, body)}
        self._intentions.note("request", f"{method} {address}", value)
        found = self._answers.next(method, url, media_type, body)
        if found is None:
            self._check(url)
        return found

    def _check(self, url: str) -> None:
        at = urlsplit(url)
        try:
            check_address(self._scope, (at.hostname or "", at.port or (443 if at.scheme == "https" else 80)))
        except NotConnected:
            self.refused = True
            raise

    # -- httpcore ---------------------------------------------------------------------------------

    def _httpcore(self, call: GuardedCall) -> Any:
        request = call.args[0] if call.args else call.kwargs["request"]
        body = b"".join(request.stream)
        found = self._found(*_of_httpcore(request), body)
        if found is not None:
            return _httpcore_answer(found, call.target)
        request.stream = _Whole(body)
        return call.method(call.target, *call.args, **call.kwargs)

    async def _async_httpcore(self, call: GuardedCall) -> Any:
        request = call.args[0] if call.args else call.kwargs["request"]
        body = b"".join([part async for part in request.stream])
        found = self._found(*_of_httpcore(request), body)
        if found is not None:
            return _httpcore_answer(found, call.target)
        request.stream = _Whole(body)
        return await call.method(call.target, *call.args, **call.kwargs)

    # -- http.client ------------------------------------------------------------------------------

    def _http_client(self, call: GuardedCall) -> Any:
        connection: Any = call.target
        if call.name == "putrequest":
            method, target = _of_putrequest(*call.args, **call.kwargs)
            self._asked[id(connection)] = method, url_of(connection, target)
            if connection.sock is not None:  # it may have been opened before this side ran
                connection.sock.close()
                self._open(connection)
        elif id(connection) not in self._through:
            return self._open(connection)
        return call.method(connection, *call.args, **call.kwargs)

    def _open(self, connection: Any) -> None:
        connection.sock = PlayedSocket(lambda sent: self._read(connection, sent))
        if hasattr(connection, "is_verified"):  # otherwise urllib3 warns of an unverified server
            connection.is_verified = True

    def _read(self, connection: Any, sent: bytes) -> IO[bytes]:
        """The response to the bytes `sent`, as bytes."""
        method, url = self._asked.pop(id(connection), ("", ""))
        headers, body = parse_request(sent)
        media_type = _media_type(dict(headers).get(b"content-type", b""))
        found = self._found(method, url, media_type, body)
        if found is None:
            return self._real(connection, sent)
        if found.answer is None:
            raise TimeoutError("timed out") if found.failed == "timeout" else ConnectionRefusedError("refused")
        return BytesIO(_written(found.answer, method))

    def _real(self, connection: Any, sent: bytes) -> IO[bytes]:
        """The response of the server itself."""
        self._through.add(id(connection))
        try:
            connection.connect()
        finally:
            self._through.discard(id(connection))
        connection.sock.sendall(sent)
        read: IO[bytes] = connection.sock.makefile("rb")
        return read

    # -- others -----------------------------------------------------------------------------------

    def _other(self, call: GuardedCall) -> Any:
        """Note a request of aiohttp. Nothing is played back for it: it is sent if that is allowed, and refused
        otherwise."""
        url = call.target.url
        value = {"query": _pairs(url.query_string)}
        self._intentions.note("request", f"{call.target.method} {url.with_query(None)}", value)
        self._check(str(url))
        return call.method(call.target, *call.args, **call.kwargs)


class _Whole:
    """A body that can be read more than once."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


def _of_httpcore(request: Any) -> tuple[str, str, str]:
    """The method, URL and media type of a request."""
    url = request.url
    base = base_url(url.scheme.decode("ascii"), url.host.decode("ascii"), url.port)
    given = {name.lower(): value for name, value in request.headers}
    address = base + url.target.decode("ascii", "replace").partition("#")[0]
    return request.method.decode("ascii"), address, _media_type(given.get(b"content-type", b""))


def _httpcore_answer(found: Outbound, pool: Any) -> Any:
    """The response as the pool would return it."""
    library: Any = sys.modules[_library_of(pool)]
    if found.answer is None:
        raise library.ReadTimeout("timed out") if found.failed == "timeout" else library.ConnectError("refused")
    return library.Response(found.answer.status, headers=[*_headers(found.answer)], content=found.answer.body)


def _library_of(pool: object) -> str:
    """httpcore or httpcore2: the one that defines the pool's base class."""
    names = (cls.__module__.partition(".")[0] for cls in type(pool).__mro__)
    return next(name for name in names if name.startswith("httpcore"))


def _written(answer: RecordedResponse, method: str) -> bytes:
    """The response as bytes, as from a server that closes the connection afterwards."""
    known = answer.status in {*HTTPStatus}
    reason = HTTPStatus(answer.status).phrase if known else ""
    lines = [f"HTTP/1.1 {answer.status} {reason}".encode("ascii")]
    lines += [name + b": " + value for name, value in _headers(answer)]
    if answer.status not in NO_BODY and method != "HEAD":
        lines.append(b"content-length: %d" % len(answer.body))
    return b"\r\n".join([*lines, b"connection: close", b"", answer.body])


def _headers(answer: RecordedResponse) -> Iterator[tuple[bytes, bytes]]:
    """The response's headers, without those of the connection and the encoding of the body."""
    for name, value in answer.headers:
        if name not in ("connection", "content-length", "keep-alive", "transfer-encoding"):
            yield name.encode("latin-1", "replace"), value.encode("latin-1", "replace")


def _of_putrequest(method: str, url: str, *_: object, **__: object) -> tuple[str, str]:
    return method, url


# -- requests, in a form to compare ----------------------------------------------------------------


def _media_type(value: bytes) -> str:
    return value.decode("latin-1").partition(";")[0].strip().lower()


def _pairs(query: str) -> dict[str, Any]:
    """The values by name; a list for names that occur more than once."""
    return {
        name: values if len(values) > 1 else values[0]
        for name, values in parse_qs(query, keep_blank_values=True).items()
    }


def _body(media_type: str, body: bytes) -> Any:
    """A body as a value: parsed JSON, or the pairs of a form."""
    if not body:
        return None
    if media_type == "application/json" or media_type.endswith("+json"):
        with suppress(UnreadableBody):
            return parse_json(body, "utf-8")
    if media_type == FORM:
        return _pairs(body.decode("utf-8", "replace"))
    return plain_bytes(body)
