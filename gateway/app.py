"""The ASGI application in front of both."""

from __future__ import annotations

import asyncio
import gc
import hmac
import logging
import os
import random
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import config as configuration
from gateway.admission import admit, refused
from gateway.clock import SYSTEM, Clock
from gateway.config import Config, ConfigError, Problem, RolloutSettings, ServiceConfig
from gateway.control.factory import build_control
from gateway.dispatch import Header, Headers, Outcome, conclude, dispatch, dispatch_service, fall_back, fit
from gateway.observability.counters import Counters
from gateway.observability.observe import observe
from gateway.parity.copy import Copy
from gateway.parity.load import Load
from gateway.parity.mirror import Mirrors
from gateway.parity.receiver import Receiver
from gateway.parity.recording import recorder
from gateway.parity.report import Report
from gateway.parity.sender import Sender
from gateway.parity.wire import Sent, greeting
from gateway.rollout.cohort import NOBODY_KNOWN, Caller
from gateway.rollout.decision import LEGACY, NOBODY, Circumstances, Unavailable, decide, taken_over
from gateway.rollout.health import BreakerSettings, Health
from gateway.rollout.plan import Site
from gateway.rollout.ticket import Signer, Ticket
from gateway.routing.facts import BadRequest, Facts, at_face_value, new_request_id, read
from gateway.routing.table import Match
from gateway.snapshot import Snapshot, compile_snapshot
from gateway.upstreams.base import REQUEST_ID, Legacy, Service, Upstream, take_in_bytes
from gateway.upstreams.deadline import Deadlines
from gateway.upstreams.factory import build_legacy, build_services

__all__ = ["Gateway"]

logger = logging.getLogger("gateway")
T = TypeVar("T")


class Gateway:
    """Serves a Django project and the services that take its endpoints over.

    `config` is a `gateway.config.Config`, or a mapping shaped like gateway.toml. Raises ConfigError with
    every problem at once; then nothing has been started.
    """

    def __init__(self, config: Config | Mapping[str, Any], *, source: str = "the configuration") -> None:
        problems: list[Problem] = []
        if not isinstance(config, Config):
            config, problems = configuration.parse(config, source)
        self.config = config
        self.clock: Clock = SYSTEM
        legacy, self.services, self._snapshot = _apart_from_any_loop(lambda: _build(config, problems))
        self.legacy = legacy
        self.upstreams: Mapping[str, Upstream] = {legacy.name: legacy, **self.services}
        self._root_path = config.gateway.root_path or legacy.script_name
        self._request_id = _lower(config.gateway.request_id)
        served_by = _lower(config.gateway.served_by)
        self._served_by: Mapping[str, Headers] = {
            name: [(served_by, name.encode("ascii"))] if served_by else [] for name in self.upstreams
        } | {NOBODY: []}
        self.falls_back = True  # off in users' tests, which are about what a service does when it fails
        self.health = {name: _health(name, config.services[name]) for name in self.services}
        self.deadlines = {name: Deadlines(config.services[name].timeout) for name in self.services}
        self.counters = Counters(self.clock)
        self.circumstances = Circumstances(
            clock=self.clock,
            health=self.health,
            random=random.random,
            new_id=lambda: os.urandom(16).hex(),
            known=legacy.knows,
        )
        if config.routes and config.legacy.wsgi is None:
            from gateway.upstreams.sql import record_sql
            from gateway.upstreams.throttles import let_mirrors_pass

            record_sql()
            let_mirrors_pass()
        self.report = Report()
        self._load = Load(legacy, config.mirror.lag)
        self.mirrors = Mirrors(
            config.mirror,
            self._snapshot.routes,
            entries=lambda upstream: self.upstreams[upstream].entry,
            prepared=self._for_mirror,
            load=self._load,
            counters=self.counters,
            report=self.report,
            redaction_key=_redaction_key(legacy),
            clock=self.clock,
            random=random.random,
            sender=self._sender(),
        )
        self._running: list[Upstream] = []
        self.control = build_control(self)

    def __repr__(self) -> str:
        return f"Gateway({self.config.source!r}, services={list(self.services)}, {self._snapshot.table!r})"

    @classmethod
    def from_file(cls, path: Path | str | None = None, *, settings: str | None = None) -> Gateway:
        """The gateway that a file configures; without `path`, the file that `gateway.config.find` finds.

        Modules are imported from the file's folder too. `settings` takes the place of the file's: tests often
        have settings of their own. Raises ConfigError.
        """
        found = Path(path) if path is not None else configuration.find_or_fail()
        document = configuration.read(found)
        if settings is not None and isinstance(legacy := document.get("legacy"), dict):
            document = {**document, "legacy": {**legacy, "settings": settings}}
        folder = str(found.resolve().parent)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        return cls(document, source=str(found))

    @property
    def snapshot(self) -> Snapshot:
        """What requests are decided by now."""
        return self._snapshot

    def publish(self, snapshot: Snapshot) -> None:
        """Decide by `snapshot` from the next request on."""
        self._snapshot = snapshot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] not in ("http", "websocket"):
            return await self._serve_otherwise(scope, receive, send)
        snapshot = self._snapshot
        facts = match = plan = None
        try:
            facts = read(scope, self._root_path, self._request_id)
            match = snapshot.match(facts, scope)
            caller: Caller | None = NOBODY_KNOWN
            if snapshot.asking and match is not None and match.route in snapshot.asking:
                caller = await self.legacy.caller(facts.headers)
            decision = decide(match, snapshot.choices, facts, caller, self.circumstances)
            upstream = self.upstreams[decision.upstream]
            if upstream is not self.legacy:
                plan = decision.plan
                admit(facts, scope, self.legacy, upstream)
            elif facts.method == "WEBSOCKET":
                admit(facts, scope, self.legacy, upstream)
            entry = upstream.entry
        except (BadRequest, Unavailable) as exc:
            facts = facts or at_face_value(scope, self._request_id)
            decision, entry = refused(exc)
            plan = None
        outcome = Outcome(facts, decision, send, snapshot.served, self.clock)
        self._load.arrived = outcome.since
        try:
            if decision.mirror and match is not None:
                await self._mirrored(entry, match, outcome, scope, receive)
            elif plan is None:
                await dispatch(entry, match, outcome, self.prepared(scope, outcome), receive)
            else:
                await dispatch_service(entry, match, outcome, plan, scope, receive, self)
        finally:
            observe(outcome, self.counters)
        return None

    async def _mirrored(self, entry: ASGIApp, match: Match, outcome: Outcome, scope: Scope, receive: Receive) -> None:
        """Dispatch, and send a copy to the other upstream after that."""
        copy = outcome.copy = self.mirrors.begin(outcome.decision, match, outcome.facts, scope)
        receive = receive if copy is None else copy.receive(receive)
        token = recorder.set(None if copy is None else copy.recorder)
        try:
            if (plan := outcome.decision.plan) is None or outcome.decision.upstream == LEGACY:
                await dispatch(entry, match, outcome, self.prepared(scope, outcome), receive)
            else:
                await dispatch_service(entry, match, outcome, plan, scope, receive, self)
        finally:
            recorder.reset(token)
            if copy is not None:
                self.mirrors.offer(copy, fell_back=outcome.fell_back is not None)

    async def fall_back(self, reason: str, match: Match | None, outcome: Outcome, scope: Scope, again: Receive) -> None:
        """Ask legacy, where the route allows it and the project has this path."""
        plan = outcome.decision.plan
        refused = plan is None or plan.fallback is None or not self.falls_back
        if refused or self.legacy.knows(outcome.facts.path) is False:
            await conclude(outcome)
            return
        outcome.decision = taken_over(outcome.decision, reason)
        await fall_back(reason, self.legacy.entry, match, outcome, self.prepared(scope, outcome), again)

    def prepared(self, scope: Scope, outcome: Outcome) -> Scope:
        """A copy of `scope` for the upstream; `outcome.extra` becomes the headers its answer gets."""
        facts, decision = outcome.facts, outcome.decision
        scope = scope.copy()  # type: ignore[attr-defined] # a MutableMapping to Starlette, a dict to ASGI
        if facts.root or facts.odd or facts.host is not None:
            _correct(scope, facts)
        extra = self._served_by[decision.upstream]
        if self._request_id is not None:
            extra = [*extra, _identified(scope, facts, self._request_id)]
        if decision.ticket is not None:
            extra = [*extra, self._cookie(decision.ticket, scope)]
        outcome.extra = extra
        return scope

    def _for_mirror(self, copy: Copy, upstream: str) -> Scope:
        """The scope of a mirror, as that upstream would have seen the request. Raises BadRequest where it wouldn't."""
        if upstream != LEGACY:
            admit(copy.facts, copy.scope, self.legacy, self.upstreams[upstream])
        scope = dict(copy.scope)
        _correct(scope, copy.facts)
        take_in_bytes(scope)
        if self._request_id is not None:
            _identified(scope, copy.facts, self._request_id)
        fit(scope, copy.facts, copy.match, upstream)
        return scope

    # -- mirrors in another process ---------------------------------------------------------------

    def _sender(self) -> Sender | None:
        if (path := self.config.mirror_socket) is None or not self.config.routes:
            return None
        return Sender(
            str(path),
            greeting(self.config),
            self.config.mirror.memory,
            self.clock,
            lost=self.counters.drop,
        )

    def take_mirrors(self) -> Receiver:
        """What takes copies from processes that serve. From now on, this process mirrors for them."""
        self.mirrors.work_for_others()
        most = max((route.mirror.max_body for route in self.config.routes), default=0)
        return Receiver(greeting(self.config), self._deliver, most)

    def _deliver(self, sent: Sent, done: Callable[[], None]) -> None:
        try:
            copy = self._copy_of(sent)
        except Exception as exc:  # it is one of many
            if not isinstance(exc, BadRequest):
                logger.exception("route %r: a copy can't be mirrored", sent.route)
            self.counters.drop(sent.route, "refused")
            done()
        else:
            copy.done = done
            self.mirrors.add(copy)

    def _copy_of(self, sent: Sent) -> Copy:
        """The copy that another process kept. Raises BadRequest where this one would not have kept it."""
        facts = read(sent.scope, self._root_path, self._request_id)
        facts.request_id = sent.request_id
        match = self._snapshot.match(facts, sent.scope)
        if match is None or match.route is None or match.route != sent.route:
            raise BadRequest("another route claims this, or none does")
        plan = self._snapshot.choices[match.route].plan
        if sent.upstream != LEGACY:
            admit(facts, sent.scope, self.legacy, self.upstreams[plan.service])
        copy = Copy(sent.upstream, plan, match, facts, sent.scope, self.clock.monotonic())
        copy.wait(sent.asked, sent.answer)
        return copy

    def _cookie(self, ticket: Ticket, scope: Scope) -> Header:
        """The line that gives a caller its ticket. Scripts don't get it, and only pages of this site send it."""
        site, age = self._snapshot.site, self.config.rollout.cookie_age
        path = quote(self._root_path or scope.get("root_path") or "/")
        secure = "; Secure" if scope.get("scheme") in ("https", "wss") else ""
        attributes = f"; Path={path}; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"
        return b"set-cookie", site.cookie + b"=" + site.signer.value(ticket) + attributes.encode("latin-1")

    # -- lifespan -------------------------------------------------------------------------------

    async def _serve_otherwise(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            raise NotImplementedError(f"the gateway serves http and websocket, not {scope['type']!r}")
        await receive()
        try:
            await self.startup()
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
        reverse, and a RuntimeError names it."""
        for upstream in self.upstreams.values():
            try:
                await upstream.startup()
            except Exception as exc:
                await self.shutdown()
                what = "the Django project" if upstream is self.legacy else f"service {upstream.name!r}"
                raise RuntimeError(f"{what} failed to start: {exc}") from exc
            self._running.append(upstream)
        if self.control is not None:
            try:
                await self.control.startup()
            except Exception as exc:
                await self.shutdown()
                raise RuntimeError(f"gateway.control failed to start: {exc}") from exc
        await self.mirrors.startup()

    async def shutdown(self) -> list[str]:
        """Stop what was started, in reverse. Goes on after a failure; returns what failed, in words."""
        errors = []
        await self.mirrors.shutdown()
        while self._running:
            upstream = self._running.pop()
            try:
                await upstream.shutdown()
            except Exception as exc:
                logger.exception("%r failed to stop", upstream.name)
                errors.append(f"{upstream.name!r} failed to stop: {exc}")
        if self.control is not None:
            await self.control.shutdown()
        return errors


def _health(name: str, config: ServiceConfig) -> Health:
    breaker = BreakerSettings(**config.breaker.model_dump()) if config.breaker else None
    return Health(name, config.concurrency, breaker)


def _redaction_key(legacy: Legacy) -> bytes:
    """What values are hashed with before they are stored: the same in all workers, where the project has a secret."""
    secrets = [secret.encode() if isinstance(secret, str) else secret for secret in legacy.secrets]
    return hmac.digest(secrets[0] if secrets else os.urandom(32), b"gateway.parity", "sha256")


def _site(config: RolloutSettings, legacy: Legacy) -> Site:
    """What all routes have in common."""
    cookie = config.cookie.encode() if config.cookie else b""
    return Site(Signer(legacy.secrets), cookie, config.header.lower().encode(), legacy.session_cookie)


def _unsigned(config: Config, site: Site) -> list[Problem]:
    """What needs a signature, where nothing can be signed."""
    if site.signer.able:
        return []
    expected = "nothing here: without a Django project there is no SECRET_KEY to sign with"
    problems = [Problem("rollout.cookie", config.rollout.cookie, expected)] if config.rollout.cookie else []
    signed = [route for route in config.routes if "signed-header" in route.always]
    return problems + [Problem(f"routes[{route.name}].always", "signed-header", expected) for route in signed]


def _correct(scope: Scope, facts: Facts) -> None:
    """Let `scope` say what the facts say."""
    if facts.root or facts.odd:
        path = facts.root + facts.path
        if path != scope["path"]:  # the proxy had stripped the root, or left it there twice
            scope["raw_path"] = quote(path).encode()
        scope["path"] = path
        scope["root_path"] = facts.root
    if facts.host is not None:  # services build URLs from Host
        scope["headers"] = _only(scope["headers"], (b"host", facts.host))


def _identified(scope: Scope, facts: Facts, header: bytes) -> Header:
    """The line that names this request, which `scope` now has once: the caller's, if it was accepted, or a new one."""
    scope[REQUEST_ID] = header
    lines = scope["headers"]
    if facts.request_id is None:
        facts.request_id = new_request_id()
    line = (header, facts.request_id)
    if header not in facts.headers:
        scope["headers"] = [*lines, line]
    elif facts.headers[header] != facts.request_id or len(lines) != len(facts.headers):
        scope["headers"] = _only(lines, line)  # else it is there, and no line is there twice
    return line


def _only(lines: Headers, line: Header) -> Headers:
    """`lines` with `line` in the place of all others of its name."""
    return [*(other for other in lines if other[0] != line[0]), line]


def _lower(header: str | bool) -> bytes | None:
    return header.lower().encode("ascii") if isinstance(header, str) else None


def _apart_from_any_loop(build: Callable[[], T]) -> T:
    """`build()`, on a thread of its own when an event loop runs here: `django.setup()` may use the ORM,
    which Django refuses under a running loop (uvicorn imports its application in one)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return build()
    result: list[T] = []
    error: list[BaseException] = []

    def target() -> None:
        try:
            result.append(build())
        except BaseException as exc:  # noqa: BLE001 - raised again below
            error.append(exc)

    thread = threading.Thread(target=target, name="gateway-build")
    thread.start()
    thread.join()
    if error:
        raise error[0]
    return result[0]


def _build(config: Config, problems: list[Problem]) -> tuple[Legacy, Mapping[str, Service], Snapshot]:
    """Everything the configuration names, imported and compiled. Raises ConfigError."""
    legacy = build_legacy(config.legacy, problems)
    services = build_services(config.services, legacy, problems)
    endpoints = {name: service.endpoints() for name, service in services.items()}
    if legacy is None:
        _, more = compile_snapshot(config, endpoints)
        raise ConfigError(problems + more, config.source)
    site = _site(config.rollout, legacy)
    snapshot, more = compile_snapshot(config, endpoints, known=legacy.knows, site=site)
    more += _unsigned(config, site)
    if problems or more:
        raise ConfigError(problems + more, config.source)
    return legacy, services, snapshot
