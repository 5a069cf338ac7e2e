"""uvicorn around the gateway: sockets, processes, reloading, log lines.

Worker processes import this module, so it does without Typer.
"""

from __future__ import annotations

import asyncio
import errno
import importlib.util
import logging
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import uvicorn
from uvicorn.config import LOG_LEVELS
from uvicorn.logging import DefaultFormatter
from uvicorn.supervisors.statreload import StatReload

from gateway.cli.terminal import STARTUP_FAILURE, StartError, in_colour
from gateway.config import ENVIRONMENT

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["Config", "bind", "bind_unix", "run"]


def run(
    gateway: Gateway,
    path: Path,
    sockets: list[socket.socket],
    *,
    reload: bool,
    access: bool,
    options: Mapping[str, Any],
) -> int:
    """Serve until a signal ends it; returns the exit status. `options` are uvicorn's.

    One process serves `gateway` itself. Others build their own from `path`.
    """
    if reload:
        options = {**options, **_watching(path)}
    elif options["workers"] == 1:
        return _run_here(Config(gateway, access=access, **options), sockets)
    os.environ[ENVIRONMENT] = str(path.resolve())
    config = Config("gateway.asgi:app", access=access, **options)
    set_up_logging(config.log_level, access=access)
    return _run_reloader(config, sockets, path) if reload else _run_workers(config, sockets)


class Config(uvicorn.Config):
    """uvicorn's configuration, with the gateway's access log instead of uvicorn's."""

    def __init__(self, app: Any, *, access: bool, **options: Any) -> None:
        self.gateway_access_log = access
        # `dictConfig` closes every handler there is. The project's own are set up by now, so it is not used.
        super().__init__(app, log_config=None, access_log=False, **options)

    def load(self) -> None:
        """Load the application, and with it the project's LOGGING, before log lines are set up."""
        super().load()
        set_up_logging(self.log_level, access=self.gateway_access_log)


# -- processes --------------------------------------------------------------------------------------


def _run_here(config: Config, sockets: list[socket.socket]) -> int:
    server = uvicorn.Server(config)
    # After its graceful shutdown uvicorn raises the signal once more; then the process has ended well.
    previous = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server.run(sockets)
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, previous)
    return 0 if server.started else STARTUP_FAILURE


def _run_workers(config: Config, sockets: list[socket.socket]) -> int:
    from uvicorn.supervisors import Multiprocess

    supervisor = Multiprocess(config, sockets)
    supervisor.run()
    failed = any(worker.process.exitcode == STARTUP_FAILURE for worker in supervisor.processes)
    return STARTUP_FAILURE if failed else 0


def _run_reloader(config: Config, sockets: list[socket.socket], path: Path) -> int:
    from uvicorn.supervisors import ChangeReload

    target = uvicorn.Server(config).run
    if issubclass(ChangeReload, StatReload):
        _StatReload(config, target, sockets, path).run()
    else:
        ChangeReload(config, target, sockets).run()
    return 0


def _watching(path: Path) -> dict[str, Any]:
    """uvicorn's options for reloading when a file of the project or its configuration changes."""
    patterns = ["*.py", path.name] if importlib.util.find_spec("watchfiles") else None
    return {"reload": True, "reload_dirs": [str(path.resolve().parent)], "reload_includes": patterns}


class _StatReload(StatReload):
    """Where watchfiles isn't installed, uvicorn watches Python files only; here the configuration too."""

    def __init__(self, config: Config, target: Any, sockets: list[socket.socket], path: Path) -> None:
        super().__init__(config, target, sockets)
        self._path = path.resolve()

    def iter_py_files(self) -> Iterator[Path]:
        yield self._path
        yield from super().iter_py_files()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's event loop where it is installed, as uvicorn has it; None stands for asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


# -- sockets ----------------------------------------------------------------------------------------


def bind(host: str, port: int) -> list[socket.socket]:
    """A socket for every address of `host`. Raises StartError when one is taken or there is none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as exc:
        raise StartError(f"--host {host}: {exc.strerror}") from exc
    sockets: list[socket.socket] = []
    for family, _, _, _, address in dict.fromkeys(found):
        try:
            sock = _bound(family, (address[0], port, *address[2:]))
        except OSError as exc:
            if exc.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT) and (sockets or len(found) > 1):
                continue  # localhost often has an IPv6 address on machines without IPv6
            raise StartError(_why(f"{host}:{port}", exc, "--port")) from exc
        sockets.append(sock)
        port = sock.getsockname()[1]  # of 0, the free one that was found
    if not sockets:
        raise StartError(f"--host {host}: none of its addresses is one of this machine")
    return sockets


def _bound(family: int, address: tuple[Any, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def bind_unix(path: Path, *, mode: int = 0o666, option: str = "--uds") -> list[socket.socket]:
    """A Unix socket at `path`, in the place of one that nobody serves any more. Raises StartError.

    As with uvicorn, who may connect is decided by the folder's permissions, unless `mode` says more.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear_way(path)
        sock.bind(str(path))
        path.chmod(mode)
    except OSError as exc:
        sock.close()
        raise StartError(_why(str(path), exc, option)) from exc
    return [sock]


def _clear_way(path: Path) -> None:
    """Remove a socket that nobody serves any more. Raises OSError where anything else is there."""
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise OSError(errno.EEXIST, "there is something else, which is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        error = client.connect_ex(str(path))
    if error != errno.ECONNREFUSED:  # somebody serves it, be it somebody who doesn't let us in
        raise OSError(error or errno.EADDRINUSE, os.strerror(error or errno.EADDRINUSE))
    path.unlink()


def _why(address: str, error: OSError, option: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{address} is in use; choose another with {option}"
    return f"can't listen on {address}: {error.strerror or error}"


# -- log lines --------------------------------------------------------------------------------------


def set_up_logging(level: str | int | None, *, access: bool) -> None:
    """Log lines of uvicorn and the gateway in uvicorn's style, where the project's LOGGING says nothing else."""
    number = LOG_LEVELS[level] if isinstance(level, str) else level or logging.INFO
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.partition(".")[0] in ("uvicorn", "gateway") and isinstance(logger, logging.Logger):
            logger.disabled = False  # LOGGING disables existing loggers unless it says otherwise
    if not logging.getLogger("uvicorn").handlers:
        _to("uvicorn", sys.stderr, number)
    if not logging.getLogger("gateway").hasHandlers():
        _to("gateway", sys.stderr, number)
    log = logging.getLogger("gateway.access")
    if not access:
        log.disabled = True
    elif not log.handlers:
        _to("gateway.access", sys.stdout, number)


def _to(name: str, stream: IO[str], level: int) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(DefaultFormatter("%(levelprefix)s %(message)s", use_colors=in_colour(stream)))
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
