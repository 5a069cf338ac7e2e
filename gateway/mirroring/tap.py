"""Keeps a copy of a request and of its answer on their way, where the decision says that it is mirrored, or somebody
records such requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import Token
from typing import Protocol

from starlette.types import Scope

from gateway.context.recording import Recorder, recorder
from gateway.dispatch.bodies import Bodies
from gateway.dispatch.exchange import Exchange
from gateway.mirroring.copy import Copy
from gateway.mirroring.kept import Kept
from gateway.mirroring.mirrors import Mirrors

__all__ = ["Recording", "Sampler", "Tap"]


class Recording(Protocol):
    """One that wants requests, and keeps their bodies up to a length."""

    @property
    def max_body(self) -> int:
        """In bytes."""

    @property
    def trace(self) -> Callable[[Recorder], None] | None:
        """What has the project's lines noted that run for a request, where that is wanted."""


class Sampler(Protocol):
    """What takes requests for recordings."""

    active: bool

    def wanted(self, exchange: Exchange) -> Sequence[Recording]:
        """The recordings that want this request."""

    def submit(self, kept: Kept, *, fell_back: bool) -> None:
        """Its caller has been answered."""


class Tap:
    """Copies for `mirrors` and `sampler`, of requests whose bodies are held in `bodies`."""

    def __init__(self, mirrors: Mirrors, sampler: Sampler, bodies: Bodies) -> None:
        self._mirrors = mirrors
        self._sampler = sampler
        self._bodies = bodies

    def open(self, exchange: Exchange, scope: Scope) -> Token[Recorder | None] | None:
        """Begin a copy, where there is room for one, and note what the request does meanwhile. Returns what `close`
        wants; None where nothing is copied."""
        mirrored = exchange.decision.mirror and exchange.match is not None
        copy = self._copy_for_mirror(exchange, scope) if mirrored else None
        if self._sampler.active and (wanted := self._sampler.wanted(exchange)):
            copy = copy or self._copy_for(wanted, exchange, scope)
            copy.wanted = wanted
            for one in wanted:
                if one.trace is not None:
                    copy.recorder.trace, copy.recorder.lines = one.trace, set()
        if copy is None:
            return recorder.set(None) if mirrored else None
        exchange.copy = exchange.response.tap = copy
        exchange.source = copy.receive(exchange.source, self._bodies)
        return recorder.set(copy.recorder)

    def _copy_for_mirror(self, exchange: Exchange, scope: Scope) -> Kept | None:
        if exchange.match is None:
            return None
        return self._mirrors.start_copy(exchange.decision, exchange.match, exchange.info, scope)

    def _copy_for(self, wanted: Sequence[Recording], exchange: Exchange, scope: Scope) -> Kept:
        limit = max(one.max_body for one in wanted)
        return Kept(exchange.decision.upstream, exchange.info, scope, exchange.since, limit)

    def close(self, exchange: Exchange, token: Token[Recorder | None]) -> None:
        """The caller has been answered: let the copy be mirrored, and recorded."""
        recorder.reset(token)
        copy, fell_back = exchange.copy, exchange.fell_back is not None
        if isinstance(copy, Copy):
            self._mirrors.submit(copy, fell_back=fell_back)
        if isinstance(copy, Kept) and copy.wanted:
            self._sampler.submit(copy, fell_back=fell_back)
