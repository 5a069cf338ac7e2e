"""HTTP/1.1 for `gateway serve`: every request is read and checked in the same way, whichever parser follows.

    reading.py    splits the bytes of a connection into messages and normalises them; refuses ambiguous ones
    received.py   buffers what no parser was given yet;   head.py  parses a head;   refused.py  limits, and the error
    protocols.py  puts that in front of uvicorn's protocols: httptools.py, h11.py, zttp.py, for `--http`
    proxies.py    the client's address according to the proxies in front

`uvicorn gateway.asgi:app --http gateway.http1:HttpTools` (or `:H11`, `:Zttp`) has the first two as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.http1.protocols import CLASSES, protocol
from gateway.http1.proxies import Proxies

if TYPE_CHECKING:
    from gateway.http1.h11 import H11
    from gateway.http1.httptools import HttpTools
    from gateway.http1.zttp import Zttp

__all__ = ["H11", "HttpTools", "Proxies", "Zttp", "protocol"]


def __getattr__(name: str) -> Any:
    for parser, known in CLASSES.items():
        if known == name:
            return protocol(parser)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
