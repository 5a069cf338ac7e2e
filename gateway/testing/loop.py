"""A gateway that runs in this process, and how to ask it."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from asgiref.sync import ThreadSensitiveContext
from django.core.signals import setting_changed
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.app import Gateway
from gateway.bridge.middleware import Bridge
from gateway.config import find_or_fail
from gateway.rollout.decision import LEGACY
from gateway.rollout.health import Health
from gateway.testing.asked import Asked, asking, current, watch_django
from gateway.testing.desk import (
    AsyncDesk,
    Desk,
    HomeExecutor,
    SyncDesk,
    at_home,
    bring_home,
    divert_workers,
    keep_connections,
)
from gateway.upstreams.base import ClientGone, Upstream, UpstreamError
from gateway.upstreams.django import DjangoUpstream

__all__ = ["Answer", "Running", "configure", "running", "stop", "unprotected"]

T = TypeVar("T")
_STATIC = ("DEBUG", "MEDIA_URL", "STATIC", "WHITENOISE_")  # how the settings begin that serving files goes by
SETTINGS_VARIABLE = "DJANGO_SETTINGS_MODULE"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the header lines with names in lower case, and the chunks of the body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    chunks: list[bytes]

    @property
    def body(self) -> bytes:
        """All of the body."""
        return b"".join(self.chunks)


class Running:
    """`gateway`, on an event loop in a thread of its own; its lifespan is run once, from `start` to `stop`."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(HomeExecutor(thread_name_prefix="gateway-testing"))
        self._thread = threading.Thread(target=self._run, name="gateway-testing", daemon=True)
        self._handlers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._changed: set[str] = set()  # settings, since the last refresh

    def __repr__(self) -> str:
        return f"Running({self.gateway!r})"

    def start(self) -> None:
        """Start the gateway and its services. Raises RuntimeError when one of them doesn't start."""
        watch_django()
        divert_workers()
        keep_connections()
        bring_home(self.gateway.legacy)
        unprotected(self.gateway)
        self._thread.start()
        try:
            self.run(self.gateway.startup())
        except BaseException:
            self._end()
            raise
        for upstream in self.gateway.upstreams.values():
            _watch(upstream)
        setting_changed.connect(self._settings_changed)

    def stop(self) -> list[str]:
        """Stop the services and the gateway; returns what failed, in words."""
        setting_changed.disconnect(self._settings_changed)
        try:
            return self.run(self.gateway.shutdown())
        finally:
            self._end()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for `work`, which runs on the gateway's loop, and run its synchronous code here meanwhile."""
        desk = SyncDesk()
        with at_home(desk):
            answer = asyncio.run_coroutine_threadsafe(_at(desk, work), self._loop)
        return desk.serve(answer)

    async def arun(self, work: Coroutine[Any, Any, T]) -> T:
        """As `run`, for asynchronous tests: synchronous code runs where `sync_to_async` runs that of the test."""
        desk = AsyncDesk()
        with at_home(desk):
            answer = asyncio.run_coroutine_threadsafe(_at(desk, work), self._loop)
        try:
            return await asyncio.wrap_future(answer)
        finally:
            desk.close()

    def ask(self, scope: Scope, body: bytes, asked: Asked) -> Answer:
        """One whole request. Raises what the gateway raises, which closes the connection in production."""
        with asking(asked):
            return self.run(_ask(self.gateway, scope, body))

    async def aask(self, scope: Scope, body: bytes, asked: Asked) -> Answer:
        """As `ask`, for asynchronous tests."""
        with asking(asked):
            return await self.arun(_ask(self.gateway, scope, body))

    def refresh(self, handler: object = None) -> None:
        """Let Django's settings, as they are now, be those that the gateway goes by.

        Django's client loads the middleware when it asks for the first time, so that a test may override settings
        before; `handler` is that client's. Without effect when nothing can have changed.
        """
        new = handler is not None and handler not in self._handlers
        if not new and not self._changed:
            return
        if new:
            self._handlers.add(handler)
        changed, self._changed = self._changed, set()
        legacy = self.gateway.legacy
        if isinstance(legacy, DjangoUpstream):
            legacy.reload()
            if any(name.startswith(_STATIC) for name in changed):
                legacy.reload_static()
        for service in self.gateway.services.values():
            if isinstance(bridge := getattr(service, "surroundings", None), Bridge):
                bridge.reload()

    def _settings_changed(self, *, setting: str, **_: object) -> None:
        self._changed.add(setting)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


def unprotected(gateway: Gateway) -> Gateway:
    """Let tests see what each service does: no legacy stands in for one that fails, no breaker opens because of other
    tests, and nothing is mirrored, stored or looked up, which would happen on nobody's thread and connection. Returns
    it."""
    gateway.control = None
    gateway.falls_back = gateway.mirrors.enabled = False
    for name in gateway.health:
        gateway.health[name] = Health(name, breaker=None)
    return gateway


async def _at(desk: Desk, work: Coroutine[Any, Any, T]) -> T:
    # Entered for good: a task that outlives this must find an executor too, and the desk has one for it.
    await ThreadSensitiveContext(executor=desk).__aenter__()  # type: ignore[no-untyped-call]
    return await work


async def _ask(app: ASGIApp, scope: Scope, body: bytes) -> Answer:
    """One request to an ASGI application, whose client stays until it has the whole answer."""
    messages: list[Message] = []
    unread = [{"type": "http.request", "body": body, "more_body": False}]
    answered = asyncio.Event()

    async def receive() -> Message:
        if unread:
            return unread.pop()
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        messages.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            answered.set()

    await app(scope, receive, send)
    start = next((message for message in messages if message["type"] == "http.response.start"), None)
    if start is None:
        raise RuntimeError(f"{scope['method']} {scope['path']} was not answered")
    headers = [(name.lower(), value) for name, value in start.get("headers", ())]
    chunks = [message.get("body", b"") for message in messages if message["type"] == "http.response.body"]
    return Answer(start["status"], headers, [chunk for chunk in chunks if chunk])


def _watch(upstream: Upstream) -> None:
    """Note on each question who was to answer it, and with what exception that failed."""
    entry = upstream.entry

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        asked = current()
        if asked is None:
            await entry(scope, receive, send)
            return
        asked.served_by = upstream.name
        try:
            await entry(scope, receive, send)
        except (ClientGone, UpstreamError):
            raise
        except Exception as exc:
            if upstream.name != LEGACY:  # of legacy's, Django has told
                asked.failure = exc
            raise

    cast("Any", upstream).entry = watched


# -- the one of this process ---------------------------------------------------------------------

Source = Path | str | Mapping[str, Any]


class _State:
    """What runs, where it is configured, and in which process (a test runner may fork)."""

    running: Running | None = None
    source: Source | None = None
    process = 0
    lock = threading.RLock()


def configure(source: Source | None) -> None:
    """Name the configuration for `running`: a file, or a mapping shaped like one; None: the file that is found.

    Stops what runs with another one.
    """
    with _State.lock:
        if source != _State.source:
            stop()
            _State.source = source


def running() -> Running:
    """The gateway of this test run, started now if nobody has asked it yet. Raises ConfigError, RuntimeError."""
    with _State.lock:
        if _State.running is None or _State.process != os.getpid():
            started = Running(_build(_State.source))
            started.start()
            _State.running, _State.process = started, os.getpid()
        return _State.running


def stop() -> list[str]:
    """Stop it, if it runs; returns what failed, in words."""
    with _State.lock:
        found, _State.running = _State.running, None
        return found.stop() if found is not None and _State.process == os.getpid() else []


def _build(source: Source | None) -> Gateway:
    """The gateway that `source` configures, for the settings in force: a test run has its own, as often as not."""
    active = os.environ.get(SETTINGS_VARIABLE)
    if not isinstance(source, Mapping):
        return Gateway.from_file(source or find_or_fail(), settings=active)
    legacy = {**source.get("legacy", {}), "settings": active} if active else source.get("legacy", {})
    return Gateway({**source, "legacy": legacy})
