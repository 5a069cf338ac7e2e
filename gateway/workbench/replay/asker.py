"""Asks both sides the same, each from the same state, and leaves none of it behind."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from http.cookies import SimpleCookie
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.urls import Resolver404, resolve
from starlette.types import Scope

from gateway.admission import admit, admit_body
from gateway.app import Gateway
from gateway.compat.drf import class_behind, force_user
from gateway.mirroring.answer_tap import AnswerTap
from gateway.mirroring.asking import ask
from gateway.mirroring.tracing import untraced
from gateway.parity.answer import Answer
from gateway.parity.intentions import Intention
from gateway.rollout.decision import LEGACY, SAFE
from gateway.rollout.policy import RoutePolicy
from gateway.routing.request import BadRequest, RequestInfo
from gateway.routing.table import Match
from gateway.shield import shield_imported
from gateway.shield.sockets import shield_sockets
from gateway.workbench.corpus import Case
from gateway.workbench.replay.alone import ReplayScope
from gateway.workbench.replay.finals import Finals
from gateway.workbench.replay.pins import Pins
from gateway.workbench.replay.sequences import Sequences
from gateway.workbench.replay.users import CSRF, Login, Users

__all__ = ["Answered", "Asker", "Cannot", "Prepared"]

SECONDS = 30.0  # that a side may take
CLIENTS = ("httpcore", "httpcore2")
TOKEN = re.compile(rb"(csrfmiddlewaretoken(?:=|\"\r\n\r\n))[^&\r\n]*")
# What was the connection's, or is made for who asks now.
LEFT_OUT = frozenset({"authorization", "connection", "content-length", "cookie", "host", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Answered:
    """What one side answered, what the rows were that it had changed, and what it would have done elsewhere. `refused`
    says what it asked of another server, which had not been recorded: then the rest proves nothing."""

    answer: Answer
    finals: Finals
    intentions: tuple[Intention, ...] = ()
    refused: str | None = None


class Cannot(Exception):
    """A case proves nothing, or can't be asked. Its message says why, in words that many cases may share."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A case as it is to be asked of both."""

    case: Case
    scope: Scope
    info: RequestInfo
    match: Match
    policy: RoutePolicy
    login: Login
    forced: bool
    body: bytes

    @property
    def sent(self) -> bytes:
        """What the caller said, by which what it gave is told from what was made for it."""
        return b"\n".join((self.info.path.encode("utf-8", "replace"), self.scope.get("query_string", b""), self.body))


class Asker:
    """Asks through `gateway`, which has started on `loop`; nothing else runs there. `sides` are what services name by
    what they put into caches (gateway/shield/sides.py)."""

    def __init__(
        self,
        gateway: Gateway,
        loop: asyncio.AbstractEventLoop,
        pins: Pins,
        *,
        in_place: bool,
        sides: Mapping[str, str] | None = None,
    ) -> None:
        self._gateway = gateway
        self._loop = loop
        self._pins = pins
        self._sides = sides or {}
        self._users = Users()
        self._imported = 0  # modules, when their libraries were last guarded
        for library in CLIENTS:  # httpx imports its one with its first request, which would not be guarded
            if find_spec(library) is not None:
                import_module(library)
        self._sequences = Sequences(keep=not in_place)
        self._host = _own_host()
        self._scheme = "https" if getattr(settings, "SECURE_SSL_REDIRECT", False) else "http"

    def prepare(self, case: Case, acting: str | None = None) -> Prepared:
        """The case as it is to be asked. Raises Cannot, NoSuchUser."""
        login = self._users.login(case.user, acting)
        body = TOKEN.sub(rb"\1" + CSRF.encode(), case.body) if b"csrfmiddlewaretoken" in case.body else case.body
        scope = self._scope(case, login, body)
        try:
            info = self._gateway.resolver.read(scope)
            match = self._gateway.snapshot.match(info, scope)
            if match is None or match.route is None:
                raise Cannot("no route claims it: there is no service to compare with")
            policy = self._gateway.snapshot.compiled[match.route].policy
            admit(info, scope, self._gateway.legacy, self._gateway.upstreams[policy.service])
            if body:
                admit_body(info, self._gateway.upstreams[policy.service])
        except BadRequest as exc:
            raise Cannot(f"the gateway itself refuses it: {exc}") from exc
        forced = login.user is not None and not _knows_sessions(info.path)
        return Prepared(case, scope, info, match, policy, login, forced, body)

    def ask(self, prepared: Prepared, upstream: str) -> Answered:
        """What one side answers. Raises Cannot where it asked for what it can't have, so that its answer proves
        nothing; but for a service's request to another server, which legacy may not make."""
        self._pins.again(prepared.case.key)
        shield_imported()  # a view may have imported more since
        if len(sys.modules) != self._imported:
            shield_sockets()
            self._imported = len(sys.modules)
        force_user(prepared.login.user if prepared.forced else None)
        scopes = self._gateway.dispatcher.scope_factory
        scope = scopes.for_mirror(prepared.scope, prepared.info, prepared.match, upstream)
        scope["headers"] = untraced(scope["headers"], self._gateway.randomness.bits)
        clock = self._gateway.clock
        second = AnswerTap(prepared.info.method, prepared.policy.mirror.max_body)
        alone = ReplayScope(
            second.recorder,
            writes=prepared.info.method not in SAFE,
            rolls_back=upstream != LEGACY and self._gateway.config.services[upstream].rolls_back,
            hosts=frozenset(prepared.policy.mirror.hosts),
            recorded=prepared.case.outbound,
        )
        entry = self._gateway.upstreams[upstream].entry
        asking = ask(entry, scope, second, prepared.body, alone, clock, SECONDS)
        answer = self._loop.run_until_complete(asking)
        if answer.sql is not None and (written := answer.sql.written()):
            self._sequences.restart(written)
        reason = alone.refusal or alone.gave_way
        refused = None if reason is None else f"{'legacy' if upstream == LEGACY else 'the service'} would use {reason}"
        if refused is not None and (upstream == LEGACY or not alone.refused_request):
            raise Cannot(refused)
        return Answered(answer, alone.finals, tuple(self._known(alone.intended(), upstream)), refused)

    def _known(self, intentions: Iterable[Intention], upstream: str) -> Iterator[Intention]:
        """As both sides would name them: whole answers in a cache have the service's name in their keys."""
        side = self._sides.get(upstream)
        for one in intentions:
            named = side is not None and one.kind == "cache" and side in one.place
            yield replace(one, place=one.place.replace(f".{side}", "")) if named else one

    def _scope(self, case: Case, login: Login, body: bytes) -> Scope:
        headers = [*_headers(case, login, body, self._host)]
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": case.method,
            "scheme": self._scheme,
            "path": unquote(case.path),
            "raw_path": case.path.encode("ascii", "replace"),
            "query_string": case.query.encode("ascii", "replace"),
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 443 if self._scheme == "https" else 80),
            "state": {},
        }


def _headers(case: Case, login: Login, body: bytes, host: str) -> Iterator[tuple[bytes, bytes]]:
    """Those of the recording, and those that a browser would add for who is logged in."""
    given = case.header("host")
    address = given if given is not None and _allowed(given) else host
    yield b"host", address.encode("latin-1", "replace")
    token = settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-").lower()
    for name, value in case.headers:
        if name not in LEFT_OUT and name != token:
            yield name.encode("ascii", "replace"), value.encode("latin-1", "replace")
    if body or case.method in ("POST", "PUT", "PATCH"):
        yield b"content-length", str(len(body)).encode()
    cookies = _other_cookies(case) | login.cookies
    if cookies:
        yield b"cookie", "; ".join(f"{name}={value}" for name, value in cookies.items()).encode("latin-1", "replace")
    if case.method not in SAFE:
        yield token.encode("ascii"), CSRF.encode()
        if case.header("referer") is None and case.header("origin") is None:
            scheme = "https" if getattr(settings, "SECURE_SSL_REDIRECT", False) else "http"
            yield b"referer", f"{scheme}://{address}/".encode("latin-1", "replace")


def _other_cookies(case: Case) -> dict[str, str]:
    """Those that a recording has kept, such as the language's."""
    ours = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)
    sent = case.header("cookie")
    morsels = SimpleCookie(sent) if sent else {}
    return {name: morsel.value for name, morsel in morsels.items() if name not in ours}


def _allowed(host: str) -> bool:
    from django.http.request import split_domain_port, validate_host

    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS or ["localhost", "127.0.0.1"])


def _own_host() -> str:
    """A host that the project answers for."""
    named = [host.removeprefix(".") for host in settings.ALLOWED_HOSTS if host != "*"]
    return named[0] if named else "localhost"


@lru_cache(maxsize=4096)
def _knows_sessions(path: str) -> bool:
    """Whether the project's view at `path` knows its callers by their session: all do, but those of DRF's that say
    how else."""
    try:
        view: Any = resolve(path).func
    except Resolver404:
        return True
    found = class_behind(view)
    if found is None:
        return True
    classes = found.initkwargs.get("authentication_classes", getattr(found.kind, "authentication_classes", None))
    if classes is None:
        return True
    return any(base.__name__ == "SessionAuthentication" for one in classes for base in one.__mro__)
