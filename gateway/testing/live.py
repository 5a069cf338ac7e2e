"""A gateway that runs in this process, and requests to it."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import weakref
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.app import Gateway
from gateway.bridge.bridge import Bridge
from gateway.clock import Clock
from gateway.compat.django import settings_in_force
from gateway.config.files import find, read
from gateway.dispatch.errors import ClientGone, UpstreamError
from gateway.legacy.upstream import DjangoUpstream
from gateway.rollout.breaker import CircuitBreaker
from gateway.rollout.decision import LEGACY
from gateway.rollout.stage import State
from gateway.testing.client_call import ClientCall, asking, current, watch_django
from gateway.testing.clock import CountedRandomness, SwitchedClock, SwitchedRandomness
from gateway.testing.executors import (
    AsyncCallerExecutor,
    CallerExecutor,
    CallerThreadExecutor,
    SyncCallerExecutor,
    divert_workers,
    keep_connections,
    use_caller_threads,
    use_executor,
)
from gateway.testing.rereading import reread_settings
from gateway.testing.tally import count
from gateway.upstreams.base import Upstream

__all__ = ["LiveAnswer", "LiveGateway", "configure", "frozen", "running", "stop", "unprotected"]

T = TypeVar("T")
# Prefixes of the settings that affect how files are served.
_STATIC = ("DEBUG", "FORCE_SCRIPT_NAME", "INSTALLED_APPS", "MEDIA_", "MIDDLEWARE", "STATIC", "STORAGES", "WHITENOISE_")


@dataclass(frozen=True, slots=True)
class LiveAnswer:
    """A response: the status, the header lines with names in lower case, and the chunks of the body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    chunks: list[bytes]

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks)


class LiveGateway:
    """Runs `gateway` on an event loop in a thread of its own; its lifespan is run once, from `start` to `stop`."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(CallerExecutor(thread_name_prefix="gateway-testing"))
        self._thread = threading.Thread(target=self._run, name="gateway-testing", daemon=True)
        self._handlers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._settings = settings_in_force()  # at the last refresh
        self._urls = gateway.legacy.urls if gateway.config.routes else None  # what routes were compiled for

    def __repr__(self) -> str:
        return f"LiveGateway({self.gateway!r})"

    def start(self) -> None:
        """Start the gateway and its services. Raises RuntimeError when one of them doesn't start."""
        watch_django()
        divert_workers()
        keep_connections()
        use_caller_threads(self.gateway.legacy)
        unprotected(self.gateway)
        self._thread.start()
        try:
            self.run(self.gateway.startup())
        except BaseException:
            self._end()
            raise
        for upstream in self.gateway.upstreams.values():
            _watch(upstream)

    def stop(self) -> list[str]:
        """Stop the services and the gateway; returns what failed, in words."""
        try:
            return self.run(self.gateway.shutdown())
        finally:
            self._end()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the gateway's loop, and its synchronous code here, until it is done."""
        executor = SyncCallerExecutor()
        with use_executor(executor):
            answer = asyncio.run_coroutine_threadsafe(_at(executor, work), self._loop)
        return executor.serve(answer)

    async def arun(self, work: Coroutine[Any, Any, T]) -> T:
        """As `run`, for asynchronous tests: synchronous code runs where `sync_to_async` runs that of the test."""
        executor = AsyncCallerExecutor()
        with use_executor(executor):
            answer = asyncio.run_coroutine_threadsafe(_at(executor, work), self._loop)
        try:
            return await asyncio.wrap_future(answer)
        finally:
            executor.close()

    def ask(self, scope: Scope, body: bytes, asked: ClientCall) -> LiveAnswer:
        """Send a whole request. Raises what the gateway raises, which closes the connection in production."""
        with asking(asked):
            answer = self.run(_ask(self.gateway, scope, body))
        count(asked.served_by)
        return answer

    async def aask(self, scope: Scope, body: bytes, asked: ClientCall) -> LiveAnswer:
        """As `ask`, for asynchronous tests."""
        with asking(asked):
            answer = await self.arun(_ask(self.gateway, scope, body))
        count(asked.served_by)
        return answer

    def refresh(self, handler: object = None) -> None:
        """Make the gateway use the current settings of Django.

        Django's client loads the middleware with its first request, so that a test may override settings before;
        `handler` is that client's. No effect when nothing can have changed.
        """
        new = handler is not None and handler not in self._handlers
        before, self._settings = self._settings, settings_in_force()
        if not new and before == self._settings:
            return
        if new:
            self._handlers.add(handler)
        legacy = self.gateway.legacy
        if isinstance(legacy, DjangoUpstream):
            legacy.reload()
            if _of_files(before) != _of_files(self._settings):
                legacy.reload_static()
        for service in self.gateway.services.values():
            if isinstance(bridge := getattr(service, "surroundings", None), Bridge):
                bridge.reload()
        self._urls = reread_settings(self.gateway, self._urls)

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


def _of_files(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name.startswith(_STATIC)}


def unprotected(gateway: Gateway) -> Gateway:
    """Change the gateway so that tests see what each service does: legacy is no fallback, breakers stay closed, and
    nothing is mirrored, stored or looked up, which would run outside of the test's thread and connection. Returns
    `gateway`."""
    gateway.control = None
    gateway.dispatcher.falls_back = gateway.mirrors.enabled = False
    for name in gateway.breakers:
        gateway.breakers[name] = CircuitBreaker(name, breaker=None)
    return gateway


async def _at(executor: CallerThreadExecutor, work: Coroutine[Any, Any, T]) -> T:
    # Never exited: a task that outlives this request needs an executor too.
    await ThreadSensitiveContext(executor=executor).__aenter__()  # type: ignore[no-untyped-call]
    try:
        return await work
    finally:
        # Nothing in the request waits for its last synchronous code; the test does.
        await asyncio.wrap_future(executor.submit(lambda: None))


async def _ask(app: ASGIApp, scope: Scope, body: bytes) -> LiveAnswer:
    """One request to an ASGI application; the client stays connected until it has the whole response."""
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
    return LiveAnswer(start["status"], headers, [chunk for chunk in chunks if chunk])


def _watch(upstream: Upstream) -> None:
    """Note on each call which upstream was to answer, and the exception that it raised."""
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
            if upstream.name != LEGACY:  # legacy's are noted by the Django handlers
                asked.failure = exc
            raise

    cast("Any", upstream).entry = watched


# -- the gateway of this process ----------------------------------------------------------------

ConfigSource = Path | str | Mapping[str, Any]
_CLOCK, _RANDOMNESS = SwitchedClock(), SwitchedRandomness()


class _State:
    """The running gateway, its configuration, and its process (a test runner may fork)."""

    running: LiveGateway | None = None
    source: ConfigSource | None = None
    states: Mapping[str, State] = {}
    process = 0
    lock = threading.RLock()


@contextmanager
def frozen(clock: Clock) -> Iterator[None]:
    """In this block, `running()` uses `clock`, and draws the same values each time."""
    with _CLOCK.switched(clock), _RANDOMNESS.switched(CountedRandomness()):
        yield


def configure(source: ConfigSource | None, states: Mapping[str, State] | None = None) -> None:
    """Set the configuration for `running`: a file, or a mapping shaped like one; None: the file that is found, or a
    gateway without routes if there is none. `states` overrides the states of routes.

    Stops a gateway that runs with another configuration.
    """
    with _State.lock:
        if source != _State.source or (states or {}) != _State.states:
            stop()
            _State.source, _State.states = source, states or {}


def running() -> LiveGateway:
    """The gateway of this test run, started if necessary. Raises ConfigError, RuntimeError."""
    with _State.lock:
        if _State.running is None or _State.process != os.getpid():
            started = LiveGateway(_build(_State.source, _State.states))
            started.start()
            _State.running, _State.process = started, os.getpid()
        return _State.running


def stop() -> list[str]:
    """Stop it, if it runs; returns the errors, in words."""
    with _State.lock:
        found, _State.running = _State.running, None
        return found.stop() if found is not None and _State.process == os.getpid() else []


def _build(source: ConfigSource | None, states: Mapping[str, State]) -> Gateway:
    """The gateway for `source`, with the settings in force: test runs often have their own."""
    document, name = _read(source)
    if settings.configured and isinstance(legacy := document.get("legacy"), Mapping):
        legacy = {key: value for key, value in legacy.items() if key != "settings"}
        document = {**document, "legacy": legacy}
    gateway = Gateway(document, source=name, clock=_CLOCK, randomness=_RANDOMNESS)
    if states:
        gateway.publish(gateway.snapshot.at(states, gateway.snapshot.revision))
    return gateway


def _read(source: ConfigSource | None) -> tuple[Mapping[str, Any], str]:
    """The tables of `source`, and its name for messages. Modules are imported from a file's folder too."""
    if isinstance(source, Mapping):
        return source, "the configuration"
    path = Path(source) if source is not None else find()
    if path is None:
        return {"legacy": {}}, "the configuration"
    if (folder := str(path.resolve().parent)) not in sys.path:
        sys.path.insert(0, folder)
    return read(path), str(path)
