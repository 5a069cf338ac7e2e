"""Records the requests and responses of an upstream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs

from starlette.types import Message, Receive, Scope, Send

from gateway.app import Gateway

__all__ = ["Recorded", "record"]


@dataclass(slots=True)
class Recorded:
    """One request as the upstream got it, and its response.

    Header names are in lower case, and lines with the same name are joined with ", ", those of Set-Cookie with a line
    break. `status` is 0 before there is a response; `error` is what the upstream raised instead.
    """

    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    body: bytes = b""
    status: int = 0
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: bytes = b""
    error: Exception | None = None

    @property
    def query(self) -> dict[str, list[str]]:
        """The query string, parsed."""
        return parse_qs(self.query_string, keep_blank_values=True)

    def json(self) -> Any:
        """The request's body as JSON. Raises ValueError when it isn't."""
        return json.loads(self.body)

    def response_json(self) -> Any:
        """The response's body as JSON. Raises ValueError when it isn't."""
        return json.loads(self.response_body)


@contextmanager
def record(name: str, *, gateway: Gateway | None = None) -> Iterator[list[Recorded]]:
    """In this block, record the requests and responses of upstream `name` ("legacy", or a service's name).

    `gateway`: by default the one that tests use. Raises LookupError, which names the upstreams.
    """
    if gateway is None:
        from gateway.testing.live import running

        gateway = running().gateway
    if name not in gateway.upstreams:
        raise LookupError(f"there is no upstream {name!r}; there are: {', '.join(gateway.upstreams)}")
    upstream = cast("Any", gateway.upstreams[name])
    entry = upstream.entry
    found: list[Recorded] = []

    async def recording(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await entry(scope, receive, send)
            return
        one = _begun(scope)
        found.append(one)
        try:
            await entry(scope, _noting_body(one, receive), _noting_answer(one, send))
        except Exception as exc:
            one.error = exc
            raise

    upstream.entry = recording
    try:
        yield found
    finally:
        upstream.entry = entry


def _begun(scope: Scope) -> Recorded:
    query = scope.get("query_string", b"").decode("latin-1")
    return Recorded(scope["method"], scope["path"], query, _joined(scope["headers"]))


def _noting_body(one: Recorded, receive: Receive) -> Receive:
    async def noting() -> Message:
        message = await receive()
        if message["type"] == "http.request":
            one.body += message.get("body", b"")
        return message

    return noting


def _noting_answer(one: Recorded, send: Send) -> Send:
    async def noting(message: Message) -> None:
        if message["type"] == "http.response.start":
            one.status = message["status"]
            one.response_headers = _joined(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            one.response_body += message.get("body", b"")
        await send(message)

    return noting


def _joined(lines: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in lines:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        between = "\n" if key == "set-cookie" else ", "
        found[key] = f"{found[key]}{between}{text}" if key in found else text
    return found
