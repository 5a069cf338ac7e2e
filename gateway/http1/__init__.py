"""HTTP/1.1 as `gateway serve` takes it: one reading of every request, whichever parser comes after.

    reading.py    what a connection receives, cut into messages and made plain; refuses what has two readings
    protocols.py  what is put before uvicorn's protocols for that: httptools.py, h11.py, zttp.py, for `--http`
    proxies.py    whom a request came from, as the proxies in front say

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
