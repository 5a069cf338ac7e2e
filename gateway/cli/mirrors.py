"""`gateway mirrors`: the process that makes mirrors for those that serve."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.common import ConfigOption, build, config_path, misuse
from gateway.cli.serve import LogLevel
from gateway.server.terminal import StartError

if TYPE_CHECKING:
    import socket

    from gateway.app import Gateway
    from gateway.server.listening import SocketPath

__all__ = ["EPILOG", "mirrors"]

logger = logging.getLogger("gateway.parity")

EPILOG = """\
\b
Examples:
  gateway mirrors
  gateway mirrors --priority normal

It listens on the socket in the configuration, to which the processes that serve connect:

\b
  [mirror]
  socket = "run/mirrors.sock"

A mirror that blocks the event loop or kills its process then affects no caller. Start one beside each \
server, as the same user, and restart both together: they must have the same configuration. While it doesn't run, \
nothing is mirrored, which "gateway status" shows as dropped: away.

Without a socket, "gateway serve" starts this process automatically if writes are mirrored ([mirror] process).
"""


class Priority(enum.StrEnum):
    """The scheduling priority of this process."""

    idle = "idle"
    normal = "normal"


def mirrors(
    context: typer.Context,
    config: ConfigOption = None,
    priority: Annotated[
        Priority | None,
        typer.Option(
            help="idle: other processes go first; normal: like any other.",
            show_default="idle; normal where a database is SQLite, whose locks callers would wait for",
        ),
    ] = None,
    log_level: Annotated[LogLevel, typer.Option(help="The lowest level that is logged.")] = LogLevel.info,
    for_server: Annotated[
        Path | None,
        typer.Option(hidden=True, help="Listen here, for the server that has started this, and end with it."),
    ] = None,
) -> None:
    """Mirror requests for the servers on this machine."""
    path = config_path(context, config)
    gateway = build(path)
    where = for_server or gateway.config.mirror_socket
    if where is None:
        misuse(f'{path} names no socket for this; write [mirror] and socket = "run/mirrors.sock" there')

    from gateway.server import listening
    from gateway.server import uvicorn as server
    from gateway.server.logs import set_up_logging

    with _alone(where.parent):
        [sock] = listening.bind_unix(where, mode=0o660, option="[mirror] socket")
        ending = Ending()
        sock.listen()  # from now on the path is in use, and connections are queued
        socket_path = listening.SocketPath(where)
    set_up_logging(log_level.value, access=False)
    if for_server is None:
        routes = ", ".join(route.name for route in gateway.config.routes) or "none"
        typer.echo(f"mirrors on unix:{where} (Ctrl+C stops it)\n  routes      {routes}", err=True)
    else:
        _end_with_server()
    with asyncio.Runner(loop_factory=server.loop_factory()) as runner:
        runner.run(_serve(gateway, sock, socket_path, priority or _suitable(gateway), ending, path))
    if ending.again:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this program, as it was called


def _suitable(gateway: Gateway) -> Priority:
    """The priority that suits the project's databases. At a low priority a mirror may hold locks for long while other
    processes keep the processors busy: PostgreSQL and MariaDB tell which callers wait for them
    (gateway.shield.watcher), SQLite doesn't."""
    if gateway.config.legacy.wsgi is not None:  # nothing knows its databases
        return Priority.normal
    from django.db import connections

    return Priority.normal if any(connections[alias].vendor == "sqlite" for alias in connections) else Priority.idle


def _end_with_server() -> None:
    """Stop this process when the other end of its standard input is closed."""

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 1024):
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="gateway-server-watch", daemon=True).start()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time in this block, by a lock on the folder: another may be about to use the same path. Creates
    the folder, accessible to its user only, if necessary. Raises StartError."""
    import fcntl  # not on every system, like Unix sockets

    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(folder, os.O_RDONLY)
    except OSError as exc:
        raise StartError(f"can't use the folder {folder}: {exc.strerror}") from exc
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


async def _serve(
    gateway: Gateway, sock: socket.socket, socket_path: SocketPath, priority: Priority, ending: Ending, path: Path
) -> None:
    """Receive copies and mirror them until a signal comes. Raises StartError when something does not start."""
    stop = ending.event()
    receiver = gateway.mirroring.take_mirrors()
    listening = None
    try:
        if await _started(gateway, stop):
            if priority is Priority.idle:
                _step_back(watches=gateway.config.legacy.wsgi is None)
            gc.collect()
            gc.freeze()
            listening = await asyncio.start_unix_server(receiver, sock=sock.dup())
            logger.info("mirrors are taken")
            await _until_ended(stop, ending, path)
    finally:
        socket_path.leave()
        sock.close()
        if listening is not None:
            listening.close()
    receiver.stop()
    await gateway.shutdown()
    receiver.close()


async def _until_ended(stop: asyncio.Event, ending: Ending, path: Path) -> None:
    """Wait for a signal to end. SIGHUP is one if the file at `path` is valid; then the process starts again."""
    await stop.wait()
    while ending.again:
        check = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _CHECK, str(path), stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        _, problem = await check.communicate()
        if check.returncode == 0:
            logger.info("Starting again")
            return
        logger.error("Not reloaded; everything goes on as it was: %s", problem.decode(errors="replace").rstrip())
        if not ending.go_on(stop):
            return
        await stop.wait()


_CHECK = """
import sys
from gateway.app import Gateway
from gateway.config.problems import ConfigError
try:
    Gateway.from_file(sys.argv[1])
except ConfigError as exc:
    sys.exit(str(exc))
"""


class Ending:
    """Whether a signal to end has come. A second one ends the process at once, whatever blocks it.

    `again`: it was SIGHUP, which requests a restart.
    """

    def __init__(self) -> None:
        self.again = False
        self._asked = False
        self._tell: Callable[[], object] | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)
        signal.signal(signal.SIGHUP, self._ask_again)

    def _ask_again(self, *_: object) -> None:
        if not self._asked:
            self.again = True
            if self._tell is not None:
                self._tell()

    def go_on(self, stop: asyncio.Event) -> bool:
        """Ignore a SIGHUP. False if another signal to end has come meanwhile."""
        self.again = False
        if not self._asked:
            stop.clear()
        return not self._asked

    def _ask(self, *_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        self._asked, self.again = True, False
        if self._tell is not None:
            self._tell()

    def event(self) -> asyncio.Event:
        """An event of this event loop that is set then."""
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        self._tell = partial(loop.call_soon_threadsafe, stop.set)
        if self._asked or self.again:
            stop.set()
        return stop


async def _started(gateway: Gateway, stop: asyncio.Event) -> bool:
    """Start everything; False if a signal came before that. Raises StartError."""
    starting, asked = asyncio.ensure_future(gateway.startup()), asyncio.ensure_future(stop.wait())
    await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return False
    try:
        await starting
    except RuntimeError as exc:
        raise StartError(str(exc)) from exc
    return True


def _step_back(*, watches: bool) -> None:
    """Lower the priority of this thread, and of those that it starts from now on. The threads that store results, and
    the one that watches for sessions which wait for a mirror's locks, if this process `watches`, have started before:
    they only wait for the interpreter."""
    if watches:
        from gateway.shield.watcher import watcher

        watcher.remain()
    try:
        # Nice values are not enough: a thread that wakes up waits for the running one's time slice (sched(7),
        # SCHED_IDLE).
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except (AttributeError, OSError):  # not supported here, or forbidden in a container
        os.nice(19)
