"""Copies a request and its response on their way, if the decision says that it is mirrored, or a recording wants it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import Token
from typing import Protocol

from starlette.types import Scope

from gateway.context.outbound import OutboundLog
from gateway.context.recording import Recorder, recorder
from gateway.dispatch.bodies import Bodies
from gateway.dispatch.exchange import Exchange
from gateway.mirroring.copy import Copy
from gateway.mirroring.kept import Kept
from gateway.mirroring.mirrors import Mirrors

__all__ = ["ActiveRecording", "Sampler", "Tap"]


class ActiveRecording(Protocol):
    """A recording that wants requests, and keeps bodies up to a maximum size."""

    @property
    def max_body(self) -> int:
        """The maximum size of a body, in bytes."""

    @property
    def trace(self) -> Callable[[Recorder], None] | None:
        """A function that starts recording which lines of the project run for a request; None if that isn't wanted."""


class Sampler(Protocol):
    """Takes requests for recordings."""

    active: bool

    def wanted(self, exchange: Exchange) -> Sequence[ActiveRecording]:
        """The recordings that want this request."""

    def submit(self, kept: Kept, *, fell_back: bool) -> None:
        """Its caller has been answered: record it."""


class Tap:
    """Makes copies for `mirrors` and `sampler`, of requests whose bodies are held in `bodies`."""

    def __init__(self, mirrors: Mirrors, sampler: Sampler, bodies: Bodies) -> None:
        self._mirrors = mirrors
        self._sampler = sampler
        self._bodies = bodies

    def open(self, exchange: Exchange, scope: Scope) -> Token[Recorder | None] | None:
        """Begin a copy, if there is room for one, and record what the request does. Returns the token for `close`; None
        if nothing is copied."""
        mirrored = exchange.decision.mirror and exchange.match is not None
        copy = self._copy_for_mirror(exchange, scope) if mirrored else None
        if self._sampler.active and (wanted := self._sampler.wanted(exchange)):
            copy = copy or self._copy_for(wanted, exchange, scope)
            copy.wanted = wanted
            copy.tap.recorder.outbound = OutboundLog()
            for one in wanted:
                if one.trace is not None:
                    copy.tap.recorder.trace, copy.tap.recorder.lines = one.trace, set()
        if copy is None:
            return recorder.set(None) if mirrored else None
        exchange.copy, exchange.response.tap = copy, copy.tap
        exchange.source = copy.receive(exchange.source, self._bodies)
        return recorder.set(copy.tap.recorder)

    def _copy_for_mirror(self, exchange: Exchange, scope: Scope) -> Kept | None:
        if exchange.match is None:
            return None
        return self._mirrors.start_copy(exchange.decision, exchange.match, exchange.info, scope)

    def _copy_for(self, wanted: Sequence[ActiveRecording], exchange: Exchange, scope: Scope) -> Kept:
        limit = max(one.max_body for one in wanted)
        return Kept(exchange.decision.upstream, exchange.info, scope, exchange.since, limit)

    def close(self, exchange: Exchange, token: Token[Recorder | None]) -> None:
        """The caller has been answered: have the copy mirrored and recorded."""
        recorder.reset(token)
        copy, fell_back = exchange.copy, exchange.fell_back is not None
        if isinstance(copy, Copy):
            self._mirrors.submit(copy, fell_back=fell_back)
        if isinstance(copy, Kept) and copy.wanted:
            self._sampler.submit(copy, fell_back=fell_back)
