"""`gateway mirrors`: the process that mirrors for those that serve."""

from __future__ import annotations

import asyncio
import enum
import gc
import os
import signal
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.common import ConfigOption, build, config_path, misuse
from gateway.cli.serve import LogLevel
from gateway.cli.terminal import StartError

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["EPILOG", "mirrors"]

EPILOG = """\
\b
Examples:
  gateway mirrors
  gateway mirrors --priority normal

It listens on the socket that the configuration names, and so do the processes that serve look for it:

\b
  [mirror]
  socket = "run/mirrors.sock"

Whatever a service does in a mirror, be it that it blocks or that it takes all memory, is then no business of callers. \
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
        Priority, typer.Option(help="idle: run when no other process wants the processor; normal: as any process.")
    ] = Priority.idle,
    log_level: Annotated[LogLevel, typer.Option(help="The least that is logged.")] = LogLevel.info,
) -> None:
    """Send the mirrors of the processes that serve on this machine, so that none of these has to."""
    path = config_path(context, config)
    gateway = build(path)
    where = gateway.mirror_socket
    if where is None:
        misuse(f'{path} names no socket for this; write [mirror] and socket = "run/mirrors.sock" there')

    from gateway.cli import server

    [sock] = server.bind_unix(where, mode=0o660, option="[mirror] socket")
    server.set_up_logging(log_level.value, access=False)
    routes = ", ".join(route.name for route in gateway.config.routes) or "none"
    typer.echo(f"mirrors on unix:{where} (Ctrl+C stops it)\n  routes      {routes}", err=True)
    try:
        with asyncio.Runner(loop_factory=server.loop_factory()) as runner:
            runner.run(_serve(gateway, sock, priority))
    finally:
        where.unlink(missing_ok=True)


async def _serve(gateway: Gateway, sock: socket.socket, priority: Priority) -> None:
    """Take copies and mirror them until a signal comes. Raises StartError when something does not start."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    receiver = gateway.receiver()
    try:
        await gateway.startup()
    except RuntimeError as exc:
        raise StartError(str(exc)) from exc
    if priority is Priority.idle:
        _step_back()
    gc.collect()
    gc.freeze()
    listening = await asyncio.start_unix_server(receiver, sock=sock)
    await stop.wait()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)  # who asks again doesn't want to wait
    listening.close()
    receiver.stop()
    await gateway.shutdown()
    receiver.close()


def _step_back() -> None:
    """Let all other processes go first, for this thread and what it starts from now on. Those that store what was found
    run already: they may hold locks that a server waits for."""
    try:
        # A low priority is not enough: who wakes up waits for the slice of time of who runs (sched(7), SCHED_IDLE).
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except (AttributeError, OSError):  # there is no such thing here, or a container forbids it
        os.nice(19)
