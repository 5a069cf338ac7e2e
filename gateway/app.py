"""The ASGI application in front of both."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.types import Receive, Scope, Send

from gateway.clock import SYSTEM, Clock
from gateway.composition import (
    apart_from_any_loop,
    breaker_of,
    build,
    build_control,
    build_pages,
    prepare_for_mirrors,
    redaction_key,
)
from gateway.config import files
from gateway.config.parse import Config
from gateway.config.parse import parse as parse_config
from gateway.config.problems import Problem
from gateway.direct import DirectPath
from gateway.dispatch.bodies import Bodies
from gateway.dispatch.deadline import Deadlines
from gateway.dispatch.dispatcher import Dispatcher
from gateway.dispatch.exchange import Exchange
from gateway.dispatch.scope_factory import ScopeFactory
from gateway.mirroring.difference_log import DifferenceLog
from gateway.mirroring.mirroring import Mirroring
from gateway.mirroring.mirrors import Mirrors
from gateway.observability.health import Readiness
from gateway.observability.observe import observe
from gateway.observability.refusals import Refusals
from gateway.randomness import RANDOMNESS, Randomness
from gateway.recording.callers import CallerLookup
from gateway.recording.recordings import Recordings
from gateway.resolver import Found, Resolver
from gateway.rollout.affinity import AffinityCookie
from gateway.rollout.decision import NOBODY, DecisionContext
from gateway.snapshot import Snapshot
from gateway.stats.counters import Counters
from gateway.stats.traffic import Traffic
from gateway.types import Header
from gateway.upstreams.base import Upstream

if TYPE_CHECKING:
    from gateway.control.worker import Control

__all__ = ["Gateway"]

logger = logging.getLogger("gateway")


class Gateway:
    """Serves a Django project and the services that take its endpoints over.

    `config` is a `gateway.config.Config`, or a mapping shaped like gateway.toml. Raises ConfigError with
    every problem at once; then nothing has been started. Everything in it goes by `clock`, and draws from `randomness`.
    """

    def __init__(
        self,
        config: Config | Mapping[str, Any],
        *,
        source: str = "the configuration",
        clock: Clock = SYSTEM,
        randomness: Randomness = RANDOMNESS,
    ) -> None:
        problems: list[Problem] = []
        if not isinstance(config, Config):
            config, problems = parse_config(config, source)
        self.config = config
        self.clock = clock
        self.randomness = randomness
        bodies = Bodies(config.gateway.body_memory, config.gateway.body_disk)
        self.legacy, self.services, snapshot = apart_from_any_loop(lambda: build(config, problems, bodies, clock))
        legacy = self.legacy
        self.upstreams: Mapping[str, Upstream] = {legacy.name: legacy, **self.services}
        self.breakers = {name: breaker_of(name, config.services[name]) for name in self.services}
        key = redaction_key(legacy, randomness)
        self.counters = Counters(clock, key)
        self.readiness = Readiness(legacy.unreachable_stores, clock, config.health.max_age)
        legacy.refused = self.counters.refuse
        request_id = _lower(config.gateway.request_id)
        self.resolver = Resolver(
            snapshot,
            legacy,
            {
                **self.upstreams,
                NOBODY: build_pages(config, self.services, legacy, lambda: self.snapshot, self.readiness),
            },
            DecisionContext(clock, self.breakers, randomness.random, randomness.visitor_id, legacy.knows),
            root_path=config.gateway.root_path or legacy.script_name,
            request_id=request_id,
            on_refusal=Refusals(self.counters, clock).note,
        )
        scope_factory = ScopeFactory(
            self.upstreams,
            request_id=request_id,
            served_by=_lower(config.gateway.served_by),
            cookie=self._cookie,
            new_id=randomness.request_id,
        )
        deadlines = {name: Deadlines(config.services[name].timeout) for name in self.services}
        self.dispatcher = Dispatcher(legacy, bodies, self.breakers, deadlines, scope_factory)
        shields = bool(config.routes) and config.legacy.wsgi is None  # what callers share, from mirrors
        self.recordings = Recordings(clock, randomness.random, CallerLookup(legacy))
        self.mirroring = Mirroring(
            config,
            legacy,
            self.upstreams,
            scope_factory,
            bodies,
            self.recordings,
            self,
            self.resolver.read,
            self.counters,
            key=key,
            shields=shields,
            barred=prepare_for_mirrors(config) if shields else [],
            clock=clock,
            randomness=randomness,
        )
        self.control = build_control(self)
        self.counters.traffic = Traffic() if self.control is not None else None
        self._lifespan = GatewayLifespan(self)

    def __repr__(self) -> str:
        return f"Gateway({self.config.source!r}, services={list(self.services)}, {self.snapshot.table!r})"

    @classmethod
    def from_file(cls, path: Path | str | None = None, *, settings: str | None = None) -> Gateway:
        """The gateway that a file configures; without `path`, the file that `gateway.config.find` finds.

        Modules are imported from the file's folder too. `settings` takes the place of the file's: tests often
        have settings of their own. Raises ConfigError.
        """
        found = Path(path) if path is not None else files.find_or_fail()
        document = files.read(found)
        if settings is not None and isinstance(legacy := document.get("legacy"), dict):
            document = {**document, "legacy": {**legacy, "settings": settings}}
        folder = str(found.resolve().parent)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        return cls(document, source=str(found))

    @property
    def snapshot(self) -> Snapshot:
        """What requests are decided by now."""
        return self.resolver.snapshot

    def publish(self, snapshot: Snapshot) -> None:
        """Decide by `snapshot` from the next request on."""
        self.resolver.snapshot = snapshot

    async def __call__(self, scope: Scope, receive: Receive, send: Send, found: Found | None = None) -> None:
        """The ASGI entry point. `found`: what the direct path has found out about the request."""
        if scope["type"] not in ("http", "websocket"):
            return await self._lifespan.serve(scope, receive, send)
        info, match, decision, entry = await self.resolver.resolve(scope, found)
        exchange = Exchange(info, match, decision, entry, receive, send, self.resolver.snapshot.served, self.clock)
        token = self.mirroring.open(exchange, scope)
        try:
            await self.dispatcher.dispatch(exchange, scope)
        finally:
            if token is not None:
                self.mirroring.close(exchange, token)
            observe(exchange, self.counters)
        return None

    def direct_path(self) -> DirectPath:
        """The shorter way for simple requests, for a server that can hand them to it."""
        parts = self.dispatcher, self.mirroring, self.recordings, self.counters, self.clock
        return DirectPath(self, self.legacy, self.resolver, *parts)

    def _cookie(self, cookie: AffinityCookie, scope: Scope) -> Header:
        """The line that gives a caller its affinity cookie."""
        path = quote(self.resolver.root_path or scope.get("root_path") or "/")
        secure = scope.get("scheme") in ("https", "wss")
        return self.snapshot.site.line(cookie, self.config.rollout.cookie_age, path, secure=secure)

    @property
    def mirrors(self) -> Mirrors:
        """Copies of requests that wait to be mirrored, and are."""
        return self.mirroring.mirrors

    @property
    def difference_log(self) -> DifferenceLog:
        """What comparisons have found since it was last drained."""
        return self.mirroring.difference_log

    def close_connections(self) -> None:
        """Close each connection with its next answer: the server is about to stop."""
        self.readiness.draining = True
        self.dispatcher.scope_factory.close_connections()

    async def startup(self) -> None:
        """Start every upstream, and control. Raises RuntimeError, which names the one that failed; then none runs."""
        await self._lifespan.startup()

    async def shutdown(self) -> list[str]:
        """Stop what was started. Returns what failed, in words."""
        return await self._lifespan.shutdown()


class GatewayLifespan:
    """The lifespan of `gateway`: that of its upstreams, of its control and of its mirrors."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._running: list[Upstream] = []

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak the lifespan protocol of ASGI. Raises NotImplementedError for scopes of another kind."""
        if scope["type"] != "lifespan":
            raise NotImplementedError(f"the gateway serves http and websocket, not {scope['type']!r}")
        try:
            await receive()
            await self.startup()
        except asyncio.CancelledError:  # asked to stop before it had started
            await send({"type": "lifespan.startup.failed", "message": ""})
            raise
        except Exception as exc:
            logger.exception("the gateway did not start")
            await send({"type": "lifespan.startup.failed", "message": str(exc)})
            return
        # What is there now stays; the garbage collector need not look through it again and again.
        gc.collect()
        gc.freeze()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        errors = await self.shutdown()
        if errors:
            await send({"type": "lifespan.shutdown.failed", "message": "; ".join(errors)})
        else:
            await send({"type": "lifespan.shutdown.complete"})

    async def startup(self) -> None:
        """Start every upstream, in the order of the file, and control. When one fails, those before it are stopped in
        reverse, and a RuntimeError names it; so they are when this is cancelled."""
        try:
            for upstream in self._gateway.upstreams.values():
                what = "the Django project" if upstream is self._gateway.legacy else f"service {upstream.name!r}"
                await _started(upstream, what)
                self._running.append(upstream)
            if self._gateway.control is not None:
                await _started(self._gateway.control, "gateway.control")
            await self._gateway.mirrors.startup()
            self._gateway.readiness.started = True
        except BaseException:
            await self.shutdown()
            raise

    async def shutdown(self) -> list[str]:
        """Stop what was started, in reverse. Goes on after a failure; returns what failed, in words."""
        errors = []
        self._gateway.readiness.draining = True
        await self._gateway.mirrors.shutdown()
        while self._running:
            upstream = self._running.pop()
            try:
                await upstream.shutdown()
            except Exception as exc:
                logger.exception("%r failed to stop", upstream.name)
                errors.append(f"{upstream.name!r} failed to stop: {exc}")
        if self._gateway.control is not None:
            await self._gateway.control.shutdown()
        return errors


async def _started(part: Upstream | Control, what: str) -> None:
    try:
        await part.startup()
    except Exception as exc:
        raise RuntimeError(f"{what} failed to start: {exc}") from exc


def _lower(header: str | bool) -> bytes | None:
    return header.lower().encode("ascii") if isinstance(header, str) else None
