"""`gateway serve`: runs uvicorn for a Django project and its services."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.common import ConfigOption, build, config_path, misuse
from gateway.server.terminal import StartError

__all__ = ["EPILOG", "LogLevel", "serve"]

GRACE = 20  # seconds; together with the server's LAST_WORK, Kubernetes' default grace period

EPILOG = """\
\b
Examples:
  gateway serve --reload
  gateway serve --host 0.0.0.0 --port 8080 --workers 4
  gateway serve --uds /run/shop.sock
  gateway serve --host 0.0.0.0 --forwarded-allow-ips 10.0.0.0/8 --proxy-hops 2

Peers on a Unix socket count as proxies, and so do the addresses of --forwarded-allow-ips. Each proxy appends the \
address of its client to X-Forwarded-For; entries left of the last --proxy-hops come from the client, and are never \
trusted.

For TLS, HTTP limits and the other options of uvicorn, run \
"uvicorn gateway.asgi:app --http gateway.http1:HttpTools", which serves the same. \
If a route mirrors writes, a separate process makes the mirrors ([mirror] process).
The configuration is built before the port is opened: if it is invalid, every problem is printed and the \
status is 3.
"""


class Http(enum.StrEnum):
    """uvicorn's parsers, each behind the gateway's own checks of requests (http1/)."""

    auto = "auto"
    httptools = "httptools"
    h11 = "h11"
    zttp = "zttp"


class LogLevel(enum.StrEnum):
    """uvicorn's log levels."""

    critical = "critical"
    error = "error"
    warning = "warning"
    info = "info"
    debug = "debug"
    trace = "trace"


def serve(
    context: typer.Context,
    config: ConfigOption = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The address to listen on; 0.0.0.0 is every one.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="NUMBER", help="The port; 0 takes a free one.")] = 8000,
    uds: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Listen on this Unix socket instead.", show_default=False)
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, metavar="NUMBER", envvar="WEB_CONCURRENCY", help="How many processes serve.")
    ] = 1,
    reload: Annotated[
        bool, typer.Option("--reload", help="Restart when a Python file or the configuration changes.")
    ] = False,
    root_path: Annotated[
        str, typer.Option(metavar="PATH", help='The path that a proxy serves this site under, such as "/shop".')
    ] = "",
    http: Annotated[Http, typer.Option(help="The parser of HTTP/1.1; all accept the same requests.")] = Http.auto,
    proxy_headers: Annotated[
        bool,
        typer.Option(help="Trust X-Forwarded-For and X-Forwarded-Proto from Unix sockets and from the proxies below."),
    ] = True,
    forwarded_allow_ips: Annotated[
        str,
        typer.Option(
            metavar="ADDRESSES",
            envvar="FORWARDED_ALLOW_IPS",
            help="Addresses and networks of proxies; * is any.",
        ),
    ] = "127.0.0.1,::1",
    proxy_hops: Annotated[
        int, typer.Option(min=1, metavar="NUMBER", help="How many proxies a request passes, one after the other.")
    ] = 1,
    log_level: Annotated[LogLevel, typer.Option(help="The lowest level that is logged.")] = LogLevel.info,
    access_log: Annotated[bool, typer.Option(help="Log each request: upstream, status and duration.")] = True,
    graceful_timeout: Annotated[
        int | None,
        typer.Option(
            "--timeout-graceful-shutdown",
            min=0,
            metavar="SECONDS",
            help=f"How long open requests and streams may go on at a stop. [default: {GRACE}; with --reload 1]",
            show_default=False,
        ),
    ] = None,
    start_timeout: Annotated[
        int,
        typer.Option("--timeout-start", min=1, metavar="SECONDS", help="How long a worker may take to start."),
    ] = 60,
) -> None:
    """Serve the Django project and the services."""
    if reload and workers > 1:
        misuse("--reload serves with one process; leave --workers and WEB_CONCURRENCY out")
    path = config_path(context, config)
    gateway = build(path)
    _refuse_other_root(root_path, gateway.config.gateway.root_path or gateway.legacy.script_name)

    from gateway.http1 import Proxies, protocol
    from gateway.server import listening, processes
    from gateway.server.banner import banner

    proxies = (forwarded_allow_ips, proxy_hops) if proxy_headers else None
    try:
        parser = protocol(http.value)
        if proxies is not None:
            Proxies(gateway, *proxies)
    except ValueError as exc:
        raise StartError(str(exc)) from exc

    sockets = listening.bind_unix(uds) if uds else listening.bind(host, port)
    socket_path = listening.SocketPath(uds) if uds else None
    typer.echo(banner(gateway, sockets, workers=workers), err=True)
    options = {
        "workers": workers,
        "root_path": root_path.rstrip("/"),
        "http": parser,
        "proxies": proxies,
        "log_level": log_level.value,
    }
    if graceful_timeout is None:
        graceful_timeout = 1 if reload else GRACE
    try:
        status = processes.run(
            gateway,
            path,
            sockets,
            socket_path,
            workers=workers,
            reload=reload,
            access=access_log,
            grace=graceful_timeout,
            patience=start_timeout,
            options=options,
        )
    finally:
        if socket_path is not None:
            socket_path.leave()
    raise typer.Exit(status)


def _refuse_other_root(given: str, configured: str) -> None:
    if given and (not given.startswith("/") or given.strip("/") == ""):
        raise typer.BadParameter(f'{given!r} is no path such as "/shop"', param_hint="--root-path")
    if given and configured and given.rstrip("/") != configured:
        raise StartError(f"--root-path is {given!r}, but the project or its configuration says {configured!r}")
