"""Whether this process lives, whether it is ready for requests, and what it runs: pages for probes.

The event loop answers them, and no thread of the project is used: they are answered while all of those are busy.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.types import Receive, Scope, Send

from gateway.clock import Clock
from gateway.config.health import HEALTHZ, READYZ
from gateway.routing.table import Match

__all__ = ["Probes", "Readiness"]

logger = logging.getLogger("gateway")


class Readiness:
    """Whether this process is ready. `stores` says which databases and caches can't be reached, in words.

    `started`: everything it needs has started. `draining`: it finishes its requests and ends. `polled` is when the
    state of the routes was last read from the database, by `clock.monotonic()`; None where nothing reads it.
    """

    def __init__(self, stores: Callable[[], Awaitable[str | None]], clock: Clock, max_age: float) -> None:
        self.started = self.draining = False
        self.polled: float | None = None
        self._stores = stores
        self._clock = clock
        self._max_age = max_age

    def polled_now(self) -> None:
        """The state of the routes was read. Any thread may call this."""
        self.polled = self._clock.monotonic()

    async def lacks(self) -> dict[str, str]:
        """Why it isn't ready, by keyword, in words for the log. Empty when it is ready."""
        found: dict[str, str] = {}
        if not self.started:
            found["starting"] = "it has not started yet"
        if self.draining:
            found["draining"] = "it finishes its requests, and ends"
        if self.polled is not None and (age := self._clock.monotonic() - self.polled) > self._max_age:
            found["routes"] = f"the state of the routes was last read {age:.0f} s ago"
        if (unreachable := await self._stores()) is not None:
            found["stores"] = unreachable
        return found


class Probes:
    """The pages, as an ASGI application. `about` returns what /version shows."""

    def __init__(self, prefix: str, readiness: Readiness, about: Callable[[], Mapping[str, Any]]) -> None:
        self._prefix = prefix
        self._readiness = readiness
        self._about = about
        self._lacked: frozenset[str] = frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - a GET has no body
        """Answer a GET or HEAD of one of the paths."""
        match: Match = scope["gateway.match"]
        page = match.template.removeprefix(self._prefix)
        if page == HEALTHZ:
            await _send(send, 200, {"status": "ok"}, scope)
        elif page == READYZ:
            await _send(send, *await self._ready(), scope)
        else:
            await _send(send, 200, self._about(), scope)

    async def _ready(self) -> tuple[int, dict[str, Any]]:
        lacks = await self._readiness.lacks()
        if (now := frozenset(lacks)) != self._lacked:  # once, not for each probe
            self._lacked = now
            logger.warning("%s", f"not ready: {'; '.join(lacks.values())}" if lacks else "ready again")
        # The reasons may name hosts and databases: they are in the log, and the page has only the keywords.
        return (503, {"status": "not ready", "lacks": [*lacks]}) if lacks else (200, {"status": "ready"})


async def _send(send: Send, status: int, said: Mapping[str, Any], scope: Scope) -> None:
    body = json.dumps(said).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
