"""The lines that `gateway serve` prints at startup."""

from __future__ import annotations

import contextlib
import socket
import threading
from importlib.metadata import version
from typing import TYPE_CHECKING

from gateway.workbench import describe
from gateway.workbench.database import installed
from gateway.workbench.runtime_states import put_in_force

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["banner", "database_line"]

PATIENCE = 2.0  # seconds to wait for the database; the server starts anyway


def banner(gateway: Gateway, sockets: list[socket.socket], *, workers: int) -> str:
    """The addresses, the upstreams and routes, and the number of database connections that may be needed."""
    config = gateway.config
    legacy = describe.legacy(gateway)
    states = put_in_force(gateway, PATIENCE)
    processes = f"{workers} workers × " if workers > 1 else ""
    services = ", ".join(config.services) or "none"
    lines = [
        f"gateway {version('django-fastapi-gateway')} on {', '.join(map(_url, sockets))} (Ctrl+C stops it)",
        f"  legacy      {legacy['wsgi'] or legacy['settings']}, {processes}{config.legacy.threads} threads",
        f"  services    {services}",
        *(f"  middleware  {line}" for line in describe.middleware_lines(gateway)),
        f"  routes      {', '.join(describe.route_phrases(gateway)) or 'none'}",
    ]
    if gateway.mirrors.sender is not None:
        lines.append(f'  mirrors     by "gateway mirrors", on unix:{config.mirror_socket}')
    elif config.mirrors_apart:
        lines.append("  mirrors     by a process beside this one ([mirror] process)")
    if states.source == "declared" and installed():
        lines.append(f"  stages      {states.why}")
    if describe.is_django(gateway) and (limit := connection_limit()) is not None:
        lines.append(f"  database    {database_line(limit, workers, describe.threads(gateway))}")
    return "\n".join(lines)


def _url(sock: socket.socket) -> str:
    address = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return f"unix:{address}"
    host = f"[{address[0]}]" if sock.family == socket.AF_INET6 else address[0]
    return f"http://{host}:{address[1]}"


def database_line(limit: int, workers: int, threads: int) -> str:
    """The number of connections that `workers` processes with `threads` threads each may open, of `limit`."""
    most = workers * threads
    line = f"{workers} × {threads} threads may open {most} connections; PostgreSQL takes {limit}"
    if most > limit:
        line = f"WARNING: {line}. Lower [legacy] threads or --workers, or raise max_connections"
    return line


def connection_limit() -> int | None:
    """PostgreSQL's max_connections; None for another database, a pooled one, or one that does not answer.

    Queried on a separate thread, so that a database that hangs doesn't delay the start, and this thread keeps no
    connection.
    """
    from django.db import connections

    options = connections.settings["default"]
    if connections["default"].vendor != "postgresql" or options.get("OPTIONS", {}).get("pool"):
        return None
    found: list[int] = []

    def ask() -> None:
        from django.db import connection

        with contextlib.suppress(Exception), contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute("SHOW max_connections")
            found.append(int(cursor.fetchone()[0]))

    thread = threading.Thread(target=ask, name="gateway-connection-limit", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return found[0] if found else None
