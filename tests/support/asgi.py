"""ASGI by hand: requests as messages, so that a test decides when a client sends, waits and leaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import unquote

PATIENCE = 20.0  # seconds; only a failing test waits that long

Headers = Mapping[str, str] | Iterable[tuple[bytes, bytes]]


def scope(
    target: str = "/",
    method: str = "GET",
    *,
    headers: Headers = (),
    kind: str = "http",
    root_path: str = "",
    **more: Any,
) -> dict[str, Any]:
    """The scope that uvicorn makes of a request for `target`; Host is testserver unless given."""
    raw, _, query = target.partition("?")
    lines = [*headers.items()] if isinstance(headers, Mapping) else [*headers]
    encoded = [(_bytes(name).lower(), _bytes(value)) for name, value in lines]
    if not any(name == b"host" for name, _ in encoded):
        encoded.insert(0, (b"host", b"testserver"))
    made = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "scheme": "http" if kind == "http" else "ws",
        "root_path": root_path,
        "path": root_path + unquote(raw),
        "raw_path": (root_path + raw).encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "headers": encoded,
        "state": {},
    }
    return made | ({"method": method} if kind == "http" else {"subprotocols": []}) | more


class Connection:
    """One request on its way through `app`: what it was sent is in `messages`."""

    def __init__(self, app: Any, scope: dict[str, Any]) -> None:
        self.messages: list[dict[str, Any]] = []
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._news = asyncio.Condition()
        self._reading = asyncio.Event()
        self._reading.set()
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        return await self._incoming.get()

    async def _send(self, message: dict[str, Any]) -> None:
        await self._reading.wait()
        async with self._news:
            self.messages.append(message)
            self._news.notify_all()

    # -- as the client --------------------------------------------------------------------------

    def body(self, chunk: bytes = b"", *, more: bool = False) -> None:
        """Send a part of the request's body."""
        self._incoming.put_nowait({"type": "http.request", "body": chunk, "more_body": more})

    def give(self, kind: str, **fields: Any) -> None:
        """Send any message."""
        self._incoming.put_nowait({"type": kind, **fields})

    def leave(self) -> None:
        """Close the connection."""
        self._incoming.put_nowait({"type": "http.disconnect"})

    def stop_reading(self) -> None:
        """Accept nothing more, as a client whose buffers are full."""
        self._reading.clear()

    def read_on(self) -> None:
        """Accept what is sent again."""
        self._reading.set()

    async def until(self, count: int) -> list[dict[str, Any]]:
        """Wait until there are `count` messages, or the application is done."""

        async def enough() -> None:
            async with self._news:
                await self._news.wait_for(lambda: len(self.messages) >= count)

        waiting = asyncio.ensure_future(enough())
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait({waiting, self.task}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        return self.messages

    async def done(self) -> Answer:
        """Wait for the end, and read what was answered. Raises what the application raised."""
        async with asyncio.timeout(PATIENCE):
            await self.task
        return Answer(self.messages)


class Answer:
    """The messages of an HTTP answer, read."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        self.messages = messages
        starts = [message for message in messages if message["type"] == "http.response.start"]
        bodies = [message for message in messages if message["type"] == "http.response.body"]
        self.status: int = starts[0]["status"] if starts else 0
        self.lines: list[tuple[bytes, bytes]] = [*starts[0].get("headers", ())] if starts else []
        self.body = b"".join(message.get("body", b"") for message in bodies)
        self.complete = bool(bodies) and not bodies[-1].get("more_body", False)

    def __getitem__(self, name: str) -> str | None:
        found = self.all(name)
        return ", ".join(found) if found else None

    def all(self, name: str) -> list[str]:
        """Every line of a header."""
        return [value.decode("latin-1") for key, value in self.lines if key.lower() == name.lower().encode()]

    def methods(self) -> set[str]:
        """What Allow lists."""
        return {method.strip() for value in self.all("allow") for method in value.split(",")}

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


async def ask(app: Any, target: str, method: str = "GET", *, body: bytes = b"", **more: Any) -> Answer:
    """One whole request."""
    connection = Connection(app, scope(target, method, **more))
    connection.body(body)
    return await connection.done()


class Browser:
    """Keeps cookies from one answer to the next, and sends the CSRF token along as the site's own pages do."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.cookies: dict[str, str] = {}

    @property
    def header(self) -> dict[str, str]:
        """The Cookie header, where there is one."""
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}

    async def ask(self, target: str, method: str = "GET", *, headers: Headers = (), **more: Any) -> Answer:
        """One whole request."""
        token = {"X-CSRFToken": self.cookies["csrftoken"]} if "csrftoken" in self.cookies else {}
        found = await ask(self.app, target, method, headers={**self.header, **token, **dict(headers)}, **more)
        for line in found.all("set-cookie"):
            for morsel in SimpleCookie(line).values():
                if morsel["max-age"] == "0":
                    self.cookies.pop(morsel.key, None)
                else:
                    self.cookies[morsel.key] = morsel.coded_value
        return found


async def open_socket(app: Any, target: str, *, headers: Headers = (), **more: Any) -> list[dict[str, Any]]:
    """What comes back when a WebSocket is opened and, if accepted, closed at once."""
    connection = Connection(app, scope(target, headers=headers, kind="websocket", **more))
    connection.give("websocket.connect")
    await connection.until(1)
    connection.give("websocket.disconnect", code=1000)
    await connection.done()
    return connection.messages


@contextlib.asynccontextmanager
async def running(gateway: Any) -> AsyncIterator[Any]:
    """A started gateway (or upstream), stopped in the end."""
    await gateway.startup()
    try:
        yield gateway
    finally:
        await gateway.shutdown()


async def until(true: Callable[[], bool]) -> bool:
    """Whether it comes true before patience ends. For what another thread does after the answer."""
    for _ in range(int(PATIENCE * 1000)):
        if true():
            return True
        await asyncio.sleep(0.001)
    return False


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1")
