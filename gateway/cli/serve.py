"""`gateway serve`: uvicorn, with what a Django project and its services need."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.common import ConfigOption, build, config_path, misuse
from gateway.cli.terminal import StartError

__all__ = ["EPILOG", "LogLevel", "serve"]

EPILOG = """\
\b
Examples:
  gateway serve --reload
  gateway serve --host 0.0.0.0 --port 8080 --workers 4
  gateway serve --uds /run/shop.sock --forwarded-allow-ips '*'

For TLS, HTTP limits and the other options of uvicorn, run "uvicorn gateway.asgi:app", which serves the same. \
The configuration is built before the port is opened: when something in it does not hold, every problem is printed \
and the status is 3.
"""


class LogLevel(enum.StrEnum):
    """uvicorn's levels."""

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
    proxy_headers: Annotated[
        bool, typer.Option(help="Believe X-Forwarded-For and X-Forwarded-Proto of the proxies below.")
    ] = True,
    forwarded_allow_ips: Annotated[
        str,
        typer.Option(metavar="ADDRESSES", envvar="FORWARDED_ALLOW_IPS", help="Proxies to believe; * is all."),
    ] = "127.0.0.1,::1",
    log_level: Annotated[LogLevel, typer.Option(help="The least that is logged.")] = LogLevel.info,
    access_log: Annotated[bool, typer.Option(help="One line for each request: who answered, how and how fast.")] = True,
    graceful_timeout: Annotated[
        int | None,
        typer.Option(
            "--timeout-graceful-shutdown",
            min=0,
            metavar="SECONDS",
            help="Wait this long for open requests when stopping. [default: until they are done]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the Django project and the services."""
    if reload and workers > 1:
        misuse("--reload serves with one process; leave --workers and WEB_CONCURRENCY out")
    path = config_path(context, config)
    gateway = build(path)
    _refuse_other_root(root_path, gateway.config.gateway.root_path or gateway.legacy.script_name)

    from gateway.cli import server
    from gateway.cli.banner import banner

    sockets = server.bind_unix(uds) if uds else server.bind(host, port)
    typer.echo(banner(gateway, sockets, workers=workers), err=True)
    options = {
        "workers": workers,
        "root_path": root_path.rstrip("/"),
        "proxy_headers": proxy_headers,
        "forwarded_allow_ips": forwarded_allow_ips,
        "log_level": log_level.value,
        "timeout_graceful_shutdown": graceful_timeout,
    }
    try:
        status = server.run(gateway, path, sockets, reload=reload, access=access_log, options=options)
    finally:
        if uds:
            uds.unlink(missing_ok=True)
    raise typer.Exit(status)


def _refuse_other_root(given: str, configured: str) -> None:
    if given and (not given.startswith("/") or given.strip("/") == ""):
        raise typer.BadParameter(f'{given!r} is no path such as "/shop"', param_hint="--root-path")
    if given and configured and given.rstrip("/") != configured:
        raise StartError(f"--root-path is {given!r}, but the project or its configuration says {configured!r}")
