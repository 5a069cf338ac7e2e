"""uvicorn around the gateway: its configuration, how it stops, log lines.

Worker processes import this module, so it does without Typer.
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
from gateway.server.listening import waiting
from gateway.server.logs import not_cancelled, set_up_logging

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["LAST_WORK", "LINGER", "MARGIN", "Server", "ServerConfig", "loop_factory"]

logger = logging.getLogger("uvicorn.error")

# Seconds.
LINGER = 2.0  # for a request that is on its way on a kept connection
LAST_WORK = 10.0  # for the application's lifespan to end, once nobody is connected
UNDER_WAY = 0.1  # for connections that are being made
MARGIN = 5.0  # before what ends by itself is ended
TICK = 0.05


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration, with the gateway's access log and its reading of what proxies say, instead of uvicorn's.

    `proxies` is what `Proxies` takes, or None where none is believed.
    """

    def __init__(self, app: Any, *, access: bool, proxies: tuple[str, int] | None = None, **options: Any) -> None:
        self.gateway_access_log = access
        self.gateway_proxies = proxies
        # `dictConfig` closes every handler there is. The project's own are set up by now, so it is not used.
        super().__init__(app, log_config=None, access_log=False, proxy_headers=False, **options)

    def load(self) -> None:
        """Load the application, and with it the project's LOGGING, before log lines are set up."""
        super().load()
        if self.gateway_proxies is not None:
            self.loaded_app = Proxies(self.loaded_app, *self.gateway_proxies)
        set_up_logging(self.log_level, access=self.gateway_access_log)


class Server(uvicorn.Server):
    """uvicorn's server, with an end of its own: who is served is served to the end, within `grace` seconds.

    `serve` returns after the first signal (SIGTERM, SIGINT) once nothing is lost, or time is up. A second one cuts off
    what is open at once. `supervisor`, where there is one, is told of signals and gets its turn ten times a second.
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
        """uvicorn's handler of signals; nothing is raised again once they have been obeyed."""
        if sig == signal.SIGINT:
            self._linger = 0.0  # somebody at a keyboard waits
        if self._supervisor is not None:
            self._supervisor.ask_to_stop()
        if self._signalled:
            self.hurry()
        self._signalled = True
        self.stop()

    def stop(self) -> None:
        """Stop, from any thread."""
        if self.asked:
            return
        self.asked = self.should_exit = True
        self._deadline.begin(self._grace + LINGER + LAST_WORK if self.started else LAST_WORK)
        if self._loop is not None and (task := self._starting) is not None:
            self._loop.call_soon_threadsafe(task.cancel)

    def hurry(self) -> None:
        """Stop at once, from any thread: what is open is cut off. Asked again, the process ends."""
        if self.force_exit or not self.started:
            os._exit(1)
        self.force_exit = True
        self.stop()

    # -- uvicorn's phases -------------------------------------------------------------------------

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's; ends early when it is asked to stop."""
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
            if self.asked:  # uvicorn 0.35 would leave now, without a shutdown
                await self.shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        """As uvicorn's, which calls it ten times a second."""
        if self._supervisor is not None:
            if self._supervisor.tick():
                self.should_exit = True  # others serve from now on
            if self._supervisor.stopping:
                self.stop()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, then let those who are served come to an end.

        A kept connection may send one more request for a moment (`LINGER`), so that none is closed under a request that
        is on its way; every answer closes its connection. WebSockets are closed with code 1012, as uvicorn does it.
        Whatever is open after `grace` seconds is cut off. At last the application's lifespan ends.
        """
        if self._leaving:
            return
        self._leaving = True
        logger.info("Shutting down")
        if self._supervisor is not None:
            self._supervisor.tick()  # it was told of the signal, and is to refuse who is new
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
        await self._cut_off()
        try:
            async with asyncio.timeout(LAST_WORK):
                await self.lifespan.shutdown()
        except TimeoutError:
            logger.exception("Not everything has stopped within %g seconds", LAST_WORK)

    async def _stop_listening(self, sockets: list[socket.socket]) -> None:
        """Take the connections that wait for this process, and close its sockets."""
        # For handshakes under way, and for the supervisor: where a signal is for a whole group of processes, it is told
        # at the same time, and refuses who is new.
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
        """Wait until nobody is connected and no request is worked on; no longer than `until` or a second signal."""
        state, loop = self.server_state, asyncio.get_running_loop()
        while (state.connections or state.tasks) and loop.time() < until and not self.force_exit:
            await asyncio.sleep(TICK)
            if self._supervisor is not None:
                self._supervisor.tick()

    async def _cut_off(self) -> None:
        """End what is still open: tasks are cancelled, and what doesn't end with them loses its connection."""
        state = self.server_state
        if not (state.tasks or state.connections):
            return
        logger.warning("%d requests are cut off", len(state.tasks))
        errors = logging.getLogger("uvicorn.error")
        errors.addFilter(not_cancelled)
        for task in state.tasks:
            task.cancel()
        if state.tasks:
            await asyncio.wait(state.tasks, timeout=1)
        for connection in self._connections():
            if (transport := getattr(connection, "transport", None)) is not None:
                transport.close()
        await asyncio.sleep(0)
        errors.removeFilter(not_cancelled)


class Supervising(Protocol):
    """What starts processes in the place of this one."""

    def tick(self) -> bool:
        """Do what is due. Whether another process serves by now."""

    def ask_to_stop(self) -> None:
        """Let the next `tick` stop those, too: it may be asked amid one."""

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""


class Deadline(threading.Thread):
    """Ends the process, come what may, when its end takes longer than it may: whatever blocks the event loop, and
    threads of the project's that never end, would hold it up for ever.

    It waits from the start. A handler of a signal must start no thread: what it has interrupted may hold a lock that
    the new thread needs to begin, and then both would wait for ever.
    """

    def __init__(self) -> None:
        super().__init__(name="gateway-deadline", daemon=True)
        self._begun: SimpleQueue[float] = SimpleQueue()

    def begin(self, seconds: float) -> None:
        """The process has so long to end. From any thread and in any handler of a signal (`put` is reentrant)."""
        self._begun.put(seconds + MARGIN)

    def run(self) -> None:
        """Wait, then end."""
        seconds = self._begun.get()
        time.sleep(seconds)
        logger.error("Ended after %g seconds, with work undone", seconds)
        os._exit(1)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's event loop where it is installed, as uvicorn has it; None stands for asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


# -- log lines --------------------------------------------------------------------------------------
