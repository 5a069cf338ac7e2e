"""Runs uvicorn for the gateway: its configuration, shutdown, log lines.

Imported in every worker, so it doesn't use Typer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

import uvicorn

from gateway.compat.uvicorn import new_protocol
from gateway.http1 import Proxies
from gateway.http1.connection import AnswersRequests
from gateway.http1.proxies import DirectBehindProxies
from gateway.server.listening import waiting
from gateway.server.logs import not_cancelled, set_up_logging

if TYPE_CHECKING:
    from uvicorn.server import ServerState

    from gateway.app import Gateway

__all__ = ["LAST_WORK", "LINGER", "MARGIN", "Server", "ServerConfig", "loop_factory"]

logger = logging.getLogger("uvicorn.error")

# Seconds.
LINGER = 2.0  # for another request on a keep-alive connection
LAST_WORK = 10.0  # for the application's lifespan to end, after the last connection
UNDER_WAY = 0.1  # for connections that are being established
MARGIN = 5.0  # before what doesn't end by itself is killed
TICK = 0.05


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration, with the gateway's access log and proxy headers instead of uvicorn's.

    `proxies` are the arguments of `Proxies`, or None to ignore proxy headers.
    """

    def __init__(self, app: Any, *, access: bool, proxies: tuple[str, int] | None = None, **options: Any) -> None:
        self.gateway_access_log = access
        self.gateway_proxies = proxies
        self.direct: AnswersRequests | None = None  # for the protocol (http1/httptools.py)
        # `dictConfig` would close all existing handlers, also the project's, so it is not used.
        super().__init__(app, log_config=None, access_log=False, proxy_headers=False, **options)

    def load(self) -> None:
        """Load the application, and with it the project's LOGGING, before logging is set up."""
        super().load()
        if self.loaded_app is self.app:  # otherwise something around it has to see each request
            self.direct = self.app.direct_path()
        if self.gateway_proxies is not None:
            self.loaded_app = proxies = Proxies(self.loaded_app, *self.gateway_proxies)
            self.direct = self.direct and DirectBehindProxies(self.direct, proxies)
        set_up_logging(self.log_level, access=self.gateway_access_log)


class Server(uvicorn.Server):
    """uvicorn's server, with its own shutdown: running requests are finished, within `grace` seconds.

    `serve` returns after the first signal (SIGTERM, SIGINT), once all requests are finished or `grace` is over. A
    second signal aborts them at once. `supervisor`, if given, gets signals and is ticked ten times a second.
    """

    def __init__(
        self, config: ServerConfig, gateway: Gateway, grace: float, supervisor: Supervising | None = None
    ) -> None:
        super().__init__(config)
        self.asked = False  # to stop
        self.on_started: Callable[[], object] = lambda: None
        self.on_leaving: Callable[[], object] = lambda: None
        self._gateway = gateway
        self._grace = grace
        self._supervisor = supervisor
        self._signalled = self._leaving = False
        self._starting: asyncio.Task[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._linger = LINGER
        self._deadline = Deadline()
        self._deadline.start()

    # -- signals ----------------------------------------------------------------------------------

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn passes it
        """uvicorn's signal handler; signals are not raised again afterwards."""
        if sig == signal.SIGINT:
            self._linger = 0.0  # don't keep a user at a terminal waiting
        if self._supervisor is not None:
            self._supervisor.ask_to_stop()
        if self._signalled:
            self.hurry()
        self._signalled = True
        self.stop()

    def stop(self) -> None:
        """Stop gracefully, from any thread."""
        if self.asked:
            return
        self.asked = self.should_exit = True
        self._deadline.begin(self._grace + LINGER + LAST_WORK if self.started else LAST_WORK)
        if self._loop is not None and (task := self._starting) is not None:
            self._loop.call_soon_threadsafe(task.cancel)

    def hurry(self) -> None:
        """Stop at once, from any thread: running requests are aborted. A second call ends the process."""
        if self.force_exit or not self.started:
            os._exit(1)
        self.force_exit = True
        self.stop()

    # -- uvicorn's phases -------------------------------------------------------------------------

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's; ends early when a stop was requested."""
        self._loop, self._starting = asyncio.get_running_loop(), asyncio.current_task()
        try:
            if not self.asked:
                await super().startup(sockets)
        except asyncio.CancelledError:
            if not self.asked:
                raise
        self._starting = None
        if self.started:
            self.on_started()
            if self.asked:  # uvicorn 0.35 would return now, without a shutdown
                await self.shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        """As uvicorn's, which calls it ten times a second."""
        if self._supervisor is not None:
            if self._supervisor.tick():
                self.should_exit = True  # another process serves from now on
            if self._supervisor.stopping:
                self.stop()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, then let running requests finish.

        A keep-alive connection may send another request for a moment (`LINGER`), so that none is closed while a request
        is on its way; every response closes its connection. WebSockets are closed with code 1012, as uvicorn does. What
        is still open after `grace` seconds is aborted. Finally the application's lifespan ends.
        """
        if self._leaving:
            return
        self._leaving = True
        logger.info("Shutting down")
        if self._supervisor is not None:
            self._supervisor.tick()  # it got the signal, and must refuse new connections
        self.on_leaving()
        began = asyncio.get_running_loop().time()
        await self._stop_listening(sockets or [])
        self._gateway.close_connections()
        for connection in self._connections():
            if isinstance(connection, self._socket_protocol):
                connection.shutdown()
        await self._idle(began + min(self._linger, self._grace))
        for connection in self._connections():
            connection.shutdown()
        await self._idle(began + self._grace)
        await _cut_off(self.server_state)
        try:
            async with asyncio.timeout(LAST_WORK):
                await self.lifespan.shutdown()
        except TimeoutError:
            logger.exception("Not everything has stopped within %g seconds", LAST_WORK)

    async def _stop_listening(self, sockets: list[socket.socket]) -> None:
        """Accept the queued connections, and close the sockets of this process."""
        # For connections that are being established, and for the supervisor: if a signal is sent to the whole process
        # group, it gets the signal at the same time, and refuses new connections.
        await asyncio.sleep(UNDER_WAY)
        same = [sock.dup() for sock in sockets]
        taken = waiting(same)
        for server in self.servers:
            server.close()
        for sock in (*sockets, *same):
            sock.close()
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.connect_accepted_socket(partial(new_protocol, self), sock) for sock in taken))

    @property
    def _socket_protocol(self) -> Any:
        return self.config.ws_protocol_class or ()

    def _connections(self) -> list[Any]:
        return list(self.server_state.connections)

    async def _idle(self, until: float) -> None:
        """Wait until there are no connections and requests, but only until `until` or a second signal."""
        state, loop = self.server_state, asyncio.get_running_loop()
        while (state.connections or state.tasks) and loop.time() < until and not self.force_exit:
            await asyncio.sleep(TICK)
            if self._supervisor is not None:
                self._supervisor.tick()


class Supervising(Protocol):
    """Starts processes that replace this one: the supervisor."""

    def tick(self) -> bool:
        """Do what is due. Returns whether another process serves now."""

    def ask_to_stop(self) -> None:
        """Stop at the next `tick`."""

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""


class Deadline(threading.Thread):
    """Ends the process when its shutdown takes longer than allowed, even if the event loop is blocked, or threads of
    the project never end.

    The thread is started early. A signal handler must not start a thread: the interrupted code may hold a lock that the
    new thread needs to start, which would be a deadlock.
    """

    def __init__(self) -> None:
        super().__init__(name="gateway-deadline", daemon=True)
        self._begun: SimpleQueue[float] = SimpleQueue()

    def begin(self, seconds: float) -> None:
        """Set the time for the shutdown, in seconds. Callable from any thread and signal handler (`put` is
        reentrant)."""
        self._begun.put(seconds + MARGIN)

    def run(self) -> None:
        """Wait for `begin`, then end the process when the time is over."""
        seconds = self._begun.get()
        time.sleep(seconds)
        logger.error("Ended after %g seconds, with work undone", seconds)
        os._exit(1)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's event loop if it is installed, as in uvicorn; None stands for asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _cut_off(state: ServerState) -> None:
    """Abort what is still open: tasks are cancelled; if that isn't enough, connections are closed."""
    if not (state.tasks or state.connections):
        return
    cycles = [cycle for one in state.connections if (cycle := getattr(one, "cycle", None)) is not None]
    unanswered = sum(not cycle.response_complete for cycle in cycles)  # those on the direct path have no task
    logger.warning("%d requests are cut off", max(unanswered, len(state.tasks)))
    errors = logging.getLogger("uvicorn.error")
    errors.addFilter(not_cancelled)
    for task in state.tasks:
        task.cancel()
    if state.tasks:
        await asyncio.wait(state.tasks, timeout=1)
    for connection in list(state.connections):
        if (transport := getattr(connection, "transport", None)) is not None:
            transport.close()
    await asyncio.sleep(0)
    errors.removeFilter(not_cancelled)
