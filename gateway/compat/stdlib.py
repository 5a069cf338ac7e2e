"""Python's own library."""

from __future__ import annotations

import http.client
import random  # noqa: TID251 - whose source is replaced
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["replace_system_random", "thread_target", "tunnel_host"]


def thread_target(thread: threading.Thread) -> Callable[..., Any] | None:
    """What `thread`, which has not begun, was given to run; None where it was given nothing.

    `Thread._target`: a thread takes it and shows it to nobody.
    """
    return thread._target  # type: ignore[attr-defined, no-any-return] # noqa: SLF001


def tunnel_host(connection: http.client.HTTPConnection) -> str | None:
    """The host that a proxy is to lead `connection` to; None where there is none.

    `HTTPConnection._tunnel_host`: there is `set_tunnel()`, and nothing that tells what was set.
    """
    return connection._tunnel_host  # type: ignore[attr-defined, no-any-return] # noqa: SLF001


def replace_system_random(urandom: Callable[[int], bytes]) -> None:
    """Let `random.SystemRandom`, and so `secrets`, take what the operating system would give from `urandom`.

    `random._urandom`: the module keeps `os.urandom` under a name of its own, and nothing says where else to get it.
    """
    random._urandom = urandom  # type: ignore[attr-defined] # noqa: SLF001
