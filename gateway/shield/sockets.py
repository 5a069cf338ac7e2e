"""Connections: a mirror may only connect to the project's databases, and to the hosts in `[routes.mirror] hosts`.

`socket.socket` is the class of every socket that Python code connects. C code connects by itself: libpq and
libmysqlclient, so that databases aren't affected, and uvloop, whose methods are therefore checked. HTTP clients keep
connections for later requests, so they are checked with each request.

An audit hook (PEP 578) would see the same calls, but also `id()` and all other events: 4 µs per request.
"""

from __future__ import annotations

import http.client
import socket
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from importlib import import_module
from typing import Any

from django.db import connections

from gateway.compat.stdlib import tunnel_host
from gateway.context.mirror_scope import MirrorScope, NotConnected, current
from gateway.shield.guard import GuardedCall, guard
from gateway.shield.libraries import INSTEAD

__all__ = ["check_address", "shield_sockets"]

# Methods of sockets that take an address, and its position among the arguments.
METHODS = {"connect": 0, "connect_ex": 0, "sendto": -1, "sendmsg": 3}
PORTS = {"postgresql": 5432, "mysql": 3306, "oracle": 1521, "microsoft": 1433}
UNSAID = "which [routes.mirror] hosts doesn't name"
# Module, class, the methods that send a request, and how to find its host.
CLIENTS: tuple[tuple[str, str, tuple[str, ...], Callable[[GuardedCall], object]], ...] = (
    ("http.client", "HTTPConnection", ("putrequest", "connect"), lambda call: _of_connection(call.target)),
    ("httpcore", "ConnectionPool", ("handle_request",), lambda call: call.args[0].url.host),
    ("httpcore", "AsyncConnectionPool", ("handle_async_request",), lambda call: call.args[0].url.host),
    ("httpcore2", "ConnectionPool", ("handle_request",), lambda call: call.args[0].url.host),
    ("httpcore2", "AsyncConnectionPool", ("handle_async_request",), lambda call: call.args[0].url.host),
    ("aiohttp", "ClientRequest", ("send",), lambda call: call.target.url.host),
)

_databases: set[tuple[str, int | None]] = set()  # host and port, None for any


def shield_sockets() -> None:
    """From now on, refuse connections that mirrors must not make."""
    _databases.update(_known_databases())
    for module, cls, methods, host_of in _clients():
        guard(_owner(getattr(module, cls), methods[0]), methods.__contains__, _asking(host_of))
    if hasattr(socket.getaddrinfo, "tells_mirrors"):
        return
    for name, place in METHODS.items():
        _check_socket(name, place)
    _note_names()
    _ask_loops()


def _check_socket(name: str, place: int) -> None:
    """Check the address that this method of sockets gets at `place`. It is inherited from a class that can't be
    changed."""
    method = getattr(socket.socket, name)

    @wraps(method)
    def checked(self: socket.socket, *args: Any) -> Any:
        scope = current.get()
        if scope is not None and len(args) > place and args[place] is not None:
            check_address(scope, args[place])
        return method(self, *args)

    setattr(socket.socket, name, checked)


def check_address(scope: MirrorScope, address: Any) -> None:
    """Refuse `address`, a path or a host and a port, unless it is allowed."""
    host, port = (address[0], address[1]) if isinstance(address, tuple) else (address, None)
    if not isinstance(host, str | bytes | bytearray):
        return  # a family that doesn't leave this machine
    text = host if isinstance(host, str) else bytes(host).decode("utf-8", "replace")
    called = [*scope.names.get(text, ()), text.lower().removesuffix(".")]
    database = any((name, number) in _databases for name in called for number in (port, None))
    if database and scope.may_not_stay:  # Django's own connections are opened outside of a mirror's scope
        raise scope.refuse(f"a connection to the database on {called[0]} that is not Django's", INSTEAD, NotConnected)
    if not database and "*" not in scope.hosts and scope.hosts.isdisjoint(called):
        raise scope.refuse(f"a connection to {called[0]}", UNSAID, NotConnected)


def _known_databases() -> Iterator[tuple[str, int | None]]:
    for alias in connections:
        settings: Any = connections.settings[alias]
        port = settings["PORT"] or PORTS.get(connections[alias].vendor)
        for host in (settings["HOST"] or "localhost", settings["OPTIONS"].get("unix_socket")):
            if host and connections[alias].vendor != "sqlite":
                yield str(host).lower(), None if port is None or str(host).startswith("/") else int(port)


# -- names ----------------------------------------------------------------------------------------


def _note_names() -> None:
    """Make `getaddrinfo` record, for a mirror, the name for each address: only the address is passed to `connect`."""
    find = socket.getaddrinfo

    @wraps(find)
    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        found = find(host, *args, **kwargs)
        _note(host, found)
        return found

    getaddrinfo.tells_mirrors = True  # type: ignore[attr-defined] # nothing else says who has replaced it
    socket.getaddrinfo = getaddrinfo


def _note(host: object, found: list[Any]) -> None:
    scope = current.get()
    if scope is None or host is None:
        return
    name = (host if isinstance(host, str) else bytes(host).decode("ascii", "replace")).lower().removesuffix(".")  # type: ignore[call-overload] # or bytes
    for *_, address in found:
        scope.names.setdefault(address[0], []).append(name)


# -- event loops ----------------------------------------------------------------------------------


def _ask_loops() -> None:
    from asyncio import BaseEventLoop

    _note_names_of(BaseEventLoop)
    try:
        uvloop: Any = import_module("uvloop")
    except ImportError:  # optional
        return
    _note_names_of(uvloop.Loop)
    for method, place in {"create_connection": 1, "create_unix_connection": 1, "create_datagram_endpoint": 2}.items():
        _check_argument(uvloop.Loop, method, place)


def _note_names_of(loop: Any) -> None:
    """The same for a loop's own, which runs on a thread without the mirror's context."""
    find = loop.getaddrinfo

    @wraps(find)
    async def getaddrinfo(self: Any, host: Any, *args: Any, **kwargs: Any) -> Any:
        found = await find(self, host, *args, **kwargs)
        _note(host, found)
        return found

    loop.getaddrinfo = getaddrinfo


def _check_argument(loop: Any, method: str, place: int) -> None:
    """Check the address of a method of uvloop's loop: its argument at `place`, or of that name."""
    connect = getattr(loop, method)
    name = {"create_connection": "host", "create_unix_connection": "path"}.get(method, "remote_addr")

    @wraps(connect)
    async def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        scope = current.get()
        if scope is not None:
            given = args[place] if len(args) > place else kwargs.get(name)
            if name == "host" and given is not None:
                given = (given, args[place + 1] if len(args) > place + 1 else kwargs.get("port"))
            if given is not None:
                check_address(scope, given)
        return await connect(self, *args, **kwargs)

    setattr(loop, method, checked)


# -- clients --------------------------------------------------------------------------------------


def _owner(cls: type, method: str) -> type:
    """The base class of `cls` that defines the method."""
    return next(base for base in cls.__mro__ if method in vars(base))


def _clients() -> Iterator[tuple[Any, str, tuple[str, ...], Callable[[GuardedCall], object]]]:
    """Those of the libraries that the process has imported by now: they are optional, and not to be imported for
    this."""
    for library, used in (("httpx", "httpcore"), ("httpx2", "httpcore2")):
        if library in sys.modules:
            import_module(used)  # which it does with its first client
    for name, cls, methods, host_of in CLIENTS:
        if (module := sys.modules.get(name)) is not None:
            yield module, cls, methods, host_of


def _asking(host_of: Callable[[GuardedCall], object]) -> Callable[[GuardedCall], Any]:
    def instead(call: GuardedCall) -> Any:
        if call.scope.outbound is not None:
            return call.scope.outbound.make(call)
        if call.name != "connect" and (host := host_of(call)) is not None:  # where it connects to, its socket says
            check_address(call.scope, host if isinstance(host, tuple) else (host, None))
        return call.method(call.target, *call.args, **call.kwargs)

    return instead


def _of_connection(connection: http.client.HTTPConnection) -> tuple[object, int | None]:
    """Behind a proxy, the host to which it connects."""
    tunnel = tunnel_host(connection)
    return (tunnel or connection.host), (None if tunnel else connection.port)
