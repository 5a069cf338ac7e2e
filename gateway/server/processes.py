"""Starts the processes that serve: this one, or workers."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.config.files import ENVIRONMENT
from gateway.server.logs import set_up_logging
from gateway.server.mirror_process import MirrorProcess
from gateway.server.supervisor import Supervisor
from gateway.server.terminal import STARTUP_FAILURE
from gateway.server.uvicorn import Server, ServerConfig
from gateway.server.worker import Order

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.server.listening import SocketPath

__all__ = ["run"]


def run(
    gateway: Gateway,
    path: Path,
    sockets: list[socket.socket],
    socket_path: SocketPath | None,
    *,
    workers: int,
    reload: bool,
    access: bool,
    grace: float,
    patience: float,
    options: Mapping[str, Any],
) -> int:
    """Serve until a signal ends it; returns the exit status. `options` are uvicorn's.

    One process serves `gateway` itself, until it is reloaded. Others build their own from `path`, and must start within
    `patience` seconds. A process that stops has `grace` seconds to finish requests. `socket_path` is the path of a Unix
    socket.
    """
    path = path.resolve()
    os.environ[ENVIRONMENT] = str(path)
    order = Order(path, access, grace, options)
    if reload:  # for a developer: each change would also restart the process for mirrors
        return _run(gateway, order, sockets, workers, patience=patience, socket_path=socket_path, reload=True)
    mirrors = MirrorProcess.wanted(gateway.config, path, options["log_level"])
    if mirrors is None:
        return _run(gateway, order, sockets, workers, patience=patience, socket_path=socket_path)
    gateway.mirroring.have_mirrored_at(mirrors.socket)
    mirrors.start()
    try:
        order = replace(order, mirrors=mirrors.socket)
        return _run(gateway, order, sockets, workers, patience=patience, socket_path=socket_path, mirrors=mirrors)
    finally:
        mirrors.stop()


def _run(
    gateway: Gateway,
    order: Order,
    sockets: list[socket.socket],
    workers: int,
    *,
    patience: float,
    socket_path: SocketPath | None,
    mirrors: MirrorProcess | None = None,
    reload: bool = False,
) -> int:
    keep = partial(Supervisor, patience=patience, socket_path=socket_path, mirrors=mirrors)
    if workers == 1 and not reload:
        supervisor = keep(order, [sock.dup() for sock in sockets], 0)
        with supervisor.handlers():
            return _serve_here(gateway, sockets, order, supervisor)
    set_up_logging(order.options["log_level"], access=order.access)
    if reload:
        from gateway.server.watch import FileWatch

        watch = FileWatch(order.path)
        order = replace(order, watch=True)
        supervisor = keep(order, sockets, 1, restarts=True, changes=watch.changes)
        watch.start(supervisor.wake)
    else:
        supervisor = keep(order, sockets, workers)
    with supervisor.handlers():
        return supervisor.run()


def _serve_here(gateway: Gateway, sockets: list[socket.socket], order: Order, supervisor: Supervisor) -> int:
    server = Server(ServerConfig(gateway, access=order.access, **order.options), gateway, order.grace, supervisor)
    server.run(sockets)
    if server.asked or server.started:
        return supervisor.run()
    return STARTUP_FAILURE
