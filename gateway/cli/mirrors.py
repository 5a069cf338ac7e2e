"""`gateway mirrors`: the process that mirrors for those that serve."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.common import ConfigOption, build, config_path, misuse
from gateway.cli.serve import LogLevel
from gateway.cli.terminal import StartError

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["EPILOG", "mirrors"]

logger = logging.getLogger("gateway.parity")

EPILOG = """\
\b
Examples:
  gateway mirrors
  gateway mirrors --priority normal

It listens on the socket that the configuration names, where the processes that serve look for it:

\b
  [mirror]
  socket = "run/mirrors.sock"

A service that blocks the event loop in a mirror, or ends its process, is then no business of callers. \
Start it beside each server, as the same user, and restart it with it: both must have the same configuration. While it \
is away, nothing is mirrored, which "gateway status" shows as dropped: away.
"""


class Priority(enum.StrEnum):
    """When this process gets the processor."""

    idle = "idle"
    normal = "normal"


def mirrors(
    context: typer.Context,
    config: ConfigOption = None,
    priority: Annotated[
        Priority, typer.Option(help="idle: whoever else wakes up goes first; normal: as any process.")
    ] = Priority.idle,
    log_level: Annotated[LogLevel, typer.Option(help="The least that is logged.")] = LogLevel.info,
) -> None:
    """Send the mirrors of the processes that serve on this machine, so that none of these has to."""
    path = config_path(context, config)
    gateway = build(path)
    where = gateway.config.mirror_socket
    if where is None:
        misuse(f'{path} names no socket for this; write [mirror] and socket = "run/mirrors.sock" there')

    from gateway.cli import server

    with _alone(where.parent):
        [sock] = server.bind_unix(where, mode=0o660, option="[mirror] socket")
        ending = Ending()
        sock.listen()  # from now on nobody else takes its place; who comes waits
        place = Place(where, sock)
    server.set_up_logging(log_level.value, access=False)
    routes = ", ".join(route.name for route in gateway.config.routes) or "none"
    typer.echo(f"mirrors on unix:{where} (Ctrl+C stops it)\n  routes      {routes}", err=True)
    with asyncio.Runner(loop_factory=server.loop_factory()) as runner:
        runner.run(_serve(gateway, place, priority, ending))


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time in this block, by a lock on the folder: another may be about to take the same place. Makes
    the folder for its user where there is none. Raises StartError."""
    import fcntl  # not on every system, as sockets of this kind

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


async def _serve(gateway: Gateway, place: Place, priority: Priority, ending: Ending) -> None:
    """Take copies and mirror them until a signal comes. Raises StartError when something does not start."""
    stop = ending.event()
    receiver = gateway.take_mirrors()
    listening = None
    try:
        if await _started(gateway, stop):
            if priority is Priority.idle:
                _step_back()
            gc.collect()
            gc.freeze()
            listening = await asyncio.start_unix_server(receiver, sock=place.sock.dup())
            logger.info("mirrors are taken")
            await stop.wait()
    finally:
        place.leave()
        if listening is not None:
            listening.close()
    receiver.stop()
    await gateway.shutdown()
    receiver.close()


class Place:
    """The socket `sock`, which is bound to `where`."""

    def __init__(self, where: Path, sock: socket.socket) -> None:
        self.sock = sock
        self._where = where
        self._inode = where.stat().st_ino

    def leave(self) -> None:
        """Remove it, unless another's is there by now. While ours is open, no other has its inode."""
        with contextlib.suppress(OSError):
            if self._where.stat().st_ino == self._inode:
                self._where.unlink()
        self.sock.close()


class Ending:
    """Whether a signal has asked to end. A second one ends the process at once, whatever blocks it."""

    def __init__(self) -> None:
        self._asked = False
        self._tell: Callable[[], object] | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        self._asked = True
        if self._tell is not None:
            self._tell()

    def event(self) -> asyncio.Event:
        """What is set on this event loop then."""
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        self._tell = partial(loop.call_soon_threadsafe, stop.set)
        if self._asked:
            stop.set()
        return stop


async def _started(gateway: Gateway, stop: asyncio.Event) -> bool:
    """Whether everything has started; False where a signal came before. Raises StartError."""
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


def _step_back() -> None:
    """Let other processes go first: this thread, and those that it starts from now on. The threads that store what was
    found run already, and wait only for the interpreter."""
    try:
        # A low priority is not enough: who wakes up waits for the slice of time of who runs (sched(7), SCHED_IDLE).
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except (AttributeError, OSError):  # there is no such thing here, or a container forbids it
        os.nice(19)
