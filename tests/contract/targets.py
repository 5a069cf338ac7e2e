"""The ways to ask: Django alone, the services alone, and both through the gateway."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

import httpx
from django.test import Client
from starlette.types import ASGIApp

from gateway.upstreams.lifespan import Lifespan

T = TypeVar("T")
ORIGIN = "http://testserver"
PATIENCE = 60  # seconds; only a failing test waits that long


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are in lower case, and of cookies there are only the names."""

    status: int
    headers: Mapping[str, str]
    cookies: frozenset[str]
    body: bytes

    @classmethod
    def of(cls, response: httpx.Response) -> Self:
        headers = {name: value for name, value in response.headers.items() if name != "set-cookie"}
        cookies = (line.partition("=")[0] for line in response.headers.get_list("set-cookie"))
        return cls(response.status_code, headers, frozenset(cookies), response.content)


class Target(Protocol):
    """Something that answers requests."""

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer: ...


class Django:
    """The project alone, through Django's own handler."""

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        content_type = headers.get("Content-Type", "application/octet-stream")
        response = client.generic(method, path, body, content_type, headers=dict(headers))
        headers = {name.lower(): value for name, value in response.items()}
        return Answer(response.status_code, headers, frozenset(response.cookies), response.content)


class Application:
    """An ASGI application with its lifespan, on an event loop in a thread of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._lifespan = Lifespan(app)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        await self._lifespan.startup()
        self._ready.set()
        await self._stop.wait()
        await self._lifespan.shutdown()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait here for what runs on the application's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def client(self) -> httpx.AsyncClient:
        """A client whose requests go to this application; for use in `run`."""

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await self._app({**scope, "state": dict(self._lifespan.state)}, receive, send)

        return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=ORIGIN)

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        return self.run(self._ask(method, path, headers, body))

    async def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        async with self.client() as client:
            return Answer.of(await client.request(method, path, headers=dict(headers), content=body))


class Browser:
    """A client of an application that keeps its cookies and proves that its forms are its own."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._client = application.client()

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self._application.run(self._client.get(path, **options))

    def post(self, path: str, data: dict[str, Any] | None = None) -> httpx.Response:
        return self.request("POST", path, data)

    def request(self, method: str, path: str, data: dict[str, Any] | None = None) -> httpx.Response:
        """Send a form."""
        headers = {"X-CSRFToken": self.cookie("csrftoken"), "Referer": ORIGIN}
        return self._application.run(self._client.request(method, path, data=data, headers=headers))

    def cookie(self, name: str) -> str:
        return self._client.cookies.get(name, "")

    def close(self) -> None:
        self._application.run(self._client.aclose())
