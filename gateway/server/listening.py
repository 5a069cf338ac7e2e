"""The sockets that `gateway serve` and `gateway mirrors` listen on: opened, and closed without a reset."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
import stat
import struct
import sys
from pathlib import Path
from typing import Any

from gateway.server.terminal import StartError

__all__ = ["SocketPath", "bind", "bind_unix", "refuse_new", "waiting"]

_SO_ATTACH_FILTER = 26  # asm-generic/socket.h; not in Python's socket module
# Berkeley Packet Filter, as in socket(7): segments that open a connection (SYN) are dropped, all others pass.
_NO_SYN = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, 13),  # load the byte with TCP's flags
        (0x45, 0, 1, 0x02),  # SYN?
        (0x06, 0, 0, 0),  # drop
        (0x06, 0, 0, 0xFFFFFFFF),  # pass
    )
)


def bind(host: str, port: int) -> list[socket.socket]:
    """A socket for every address of `host`. Raises StartError when one is in use or there is none."""
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
                continue  # localhost may have an IPv6 address on machines without IPv6
            raise StartError(_why(f"{host}:{port}", exc, "--port")) from exc
        sockets.append(sock)
        port = sock.getsockname()[1]  # for port 0, the free port that was chosen
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
    """A Unix socket at `path`, replacing one that no process listens on any more. Raises StartError.

    As with uvicorn, the folder's permissions decide who may connect, unless `mode` is more restrictive.
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
    """Remove a socket that no process listens on any more. Raises OSError if anything else is there."""
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise OSError(errno.EEXIST, "there is something else, which is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        error = client.connect_ex(str(path))
    if error != errno.ECONNREFUSED:  # a process listens on it, even if it doesn't accept this one
        raise OSError(error or errno.EADDRINUSE, os.strerror(error or errno.EADDRINUSE))
    path.unlink()


def _why(address: str, error: OSError, option: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{address} is in use; choose another with {option}"
    return f"can't listen on {address}: {error.strerror or error}"


class SocketPath:
    """The path `where`, to which a Unix socket of ours is bound."""

    def __init__(self, where: Path) -> None:
        self._where = where.absolute()
        self._inode = where.stat().st_ino
        self._left = False

    def leave(self) -> None:
        """Remove the path, unless another's socket is there by now. While ours is open, no other has its inode."""
        if self._left:
            return
        self._left = True
        with contextlib.suppress(OSError):
            if self._where.stat().st_ino == self._inode:
                self._where.unlink()


def refuse_new(sockets: list[socket.socket]) -> None:
    """Prevent new connections from entering the queues of `sockets`, in every process that has them open; those that
    are queued, or being established, can still be accepted.

    Closing a socket resets the connections in its queue, and one may always arrive between the last accept and the
    close. On Linux, a filter drops the first segment of new connections meanwhile: the client repeats it after a
    second, and finds the port closed. On other systems that race remains.
    """
    for sock in sockets:
        if sock.family == socket.AF_UNIX or sys.platform != "linux":
            continue  # nobody can connect to a Unix socket once its path is removed
        program = ctypes.create_string_buffer(_NO_SYN, len(_NO_SYN))
        with contextlib.suppress(OSError):
            sock.setsockopt(
                socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(_NO_SYN) // 8, ctypes.addressof(program))
            )


def waiting(sockets: list[socket.socket]) -> list[socket.socket]:
    """All queued connections of the non-blocking `sockets`."""
    taken = []
    for sock in sockets:
        with contextlib.suppress(OSError):  # the queue is empty, or the socket doesn't listen
            while True:
                taken.append(sock.accept()[0])
    return taken
