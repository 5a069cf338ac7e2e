"""Python's standard library."""

from __future__ import annotations

import http.client
import random  # noqa: TID251 - whose source is replaced
import threading
from collections.abc import Callable
from typing import IO, Any

__all__ = ["body_through", "replace_system_random", "thread_target", "tunnel_host"]


def thread_target(thread: threading.Thread) -> Callable[..., Any] | None:
    """The target of `thread`, which has not started; None without one.

    `Thread._target`: there is no public attribute.
    """
    return thread._target  # type: ignore[attr-defined, no-any-return] # noqa: SLF001


def tunnel_host(connection: http.client.HTTPConnection) -> str | None:
    """The host to which a proxy is to connect `connection`; None without a tunnel.

    `HTTPConnection._tunnel_host`: there is `set_tunnel()`, but no public attribute.
    """
    return connection._tunnel_host  # type: ignore[attr-defined, no-any-return] # noqa: SLF001


def replace_system_random(urandom: Callable[[int], bytes]) -> None:
    """Make `random.SystemRandom`, and so `secrets`, use `urandom` instead of the operating system's.

    `random._urandom`: the module keeps its own reference to `os.urandom`, which can't be set otherwise.
    """
    random._urandom = urandom  # type: ignore[attr-defined] # noqa: SLF001


def body_through(response: http.client.HTTPResponse, made: Callable[[IO[bytes]], Any]) -> bool:
    """Let the body of `response` be read from what `made` makes of what it is read from. False where it has none.

    `HTTPResponse.fp`: a client reads by a dozen methods, urllib3 with one of its own among them, and all read from it.
    """
    body: IO[bytes] | None = response.fp
    if body is None:
        return False
    response.fp = made(body)
    return True
