"""Copies a request and its response on their way, if the decision says that it is mirrored, or a recording wants it."""

from __future__ import annotations

from contextvars import Token
from typing import Protocol

from starlette.types import Scope

from gateway.context.recording import Recorder, recorder
from gateway.dispatch.bodies import Bodies
from gateway.dispatch.exchange import Exchange
from gateway.mirroring.copy import Copy
from gateway.mirroring.kept import Kept
from gateway.mirroring.mirrors import Mirrors

__all__ = ["Sampler", "Tap"]


class Sampler(Protocol):
    """Takes requests for recordings."""

    active: bool

    def begin(self, exchange: Exchange, scope: Scope, copy: Kept | None) -> Kept | None:
        """Begin to keep a request, if a recording wants it: in `copy`, which is returned otherwise."""

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
        if self._sampler.active:
            copy = self._sampler.begin(exchange, scope, copy)
        if copy is None:
            return recorder.set(None) if mirrored else None
        exchange.copy, exchange.response.tap = copy, copy.tap
        exchange.source = copy.receive(exchange.source, self._bodies)
        return recorder.set(copy.tap.recorder)

    def _copy_for_mirror(self, exchange: Exchange, scope: Scope) -> Kept | None:
        if exchange.match is None:
            return None
        return self._mirrors.start_copy(exchange.decision, exchange.match, exchange.info, scope)

    def close(self, exchange: Exchange, token: Token[Recorder | None]) -> None:
        """The caller has been answered: have the copy mirrored and recorded."""
        recorder.reset(token)
        copy, fell_back = exchange.copy, exchange.fell_back is not None
        if isinstance(copy, Copy):
            self._mirrors.submit(copy, fell_back=fell_back)
        if isinstance(copy, Kept) and copy.wanted:
            self._sampler.submit(copy, fell_back=fell_back)
