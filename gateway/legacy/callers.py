"""Finds out who sent a request, for the rollout's conditions, with the project's own authentication."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable, Hashable
from contextlib import suppress
from importlib import import_module
from io import RawIOBase
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from django.apps import apps
from django.conf import settings
from django.db import Error, close_old_connections
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch
from starlette.types import Scope

from gateway.clock import SYSTEM, Clock
from gateway.compat.django import check_csrf
from gateway.legacy.credentials import Carrier, Way, note_reading
from gateway.legacy.environ import environ_of
from gateway.legacy.request import request_of
from gateway.legacy.urlconf import view_at
from gateway.rollout.cohort import NOBODY_KNOWN, Caller
from gateway.routing.request import RequestInfo
from gateway.routing.table import SOCKET, Match
from gateway.stats.throttled_warnings import ThrottledWarnings
from gateway.threads import Threads

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

__all__ = ["Authenticate", "Authentication", "BodyNotRead", "BySession", "Callers", "caller_for"]

logger = logging.getLogger("gateway")
throttled = ThrottledWarnings(logger)

MOST = 10_000  # callers that are cached; also views
# What changes a session. `get_user` renews a session whose hash is out of date under another key, or deletes it. The
# caller would never get the new key, and be logged out: only the request itself may do that.
CHANGES = ("create", "cycle_key", "delete", "flush", "save")


class BodyNotRead(Exception):
    """Authentication tried to read the request's body, which only the view may read."""


class Authentication(Protocol):
    """How the project authenticates one request. With an equal `kind`, equal credentials mean the same user."""

    kind: Hashable

    def user(self) -> Any:
        """The user. Raises whatever the project's code raises."""


# Makes an Authentication from a request and its match in the URLconf; `request.user` is the user of its session.
Authenticate = Callable[[HttpRequest, ResolverMatch | None], Authentication]


class BySession:
    """Authenticates by the session only."""

    kind: Hashable = "session"

    def __init__(self, request: HttpRequest, _: ResolverMatch | None = None) -> None:
        self._request = request

    def user(self) -> Any:
        """As AuthenticationMiddleware finds it."""
        return self._request.user


class FoundCaller(NamedTuple):
    """The caller, and what was read to find it. `kind` is None when it is unknown how it was found."""

    caller: Caller
    kind: Hashable | None
    carriers: set[Carrier]


class Callers:
    """Finds callers on a thread of `threads`, with `authenticate`: by default, by their sessions.

    Results are cached for `SECONDS`, by what was read of the request: for that long, somebody who has become staff may
    be treated as before. Logging in and out changes the credentials, and so takes effect at once.
    """

    SECONDS = 30.0

    def __init__(
        self,
        threads: Threads,
        session_cookie: bytes,
        authenticate: Authenticate | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        self._clock = clock
        self._threads = threads
        self._session_cookie = session_cookie
        self._authenticate = authenticate or BySession
        self._known: dict[bytes, tuple[float, Caller]] = {}
        self._asked: dict[bytes, asyncio.Future[FoundCaller | None]] = {}
        self._kinds: dict[Hashable, Way] = {}
        self._ways: dict[object, Way] = {}  # by the place in the URLconf
        self._only: Way | None = None
        if authenticate is None:
            self._only = self._way(FoundCaller(NOBODY_KNOWN, BySession.kind, set()))
            self._only.silent = True
        self._able = apps.is_installed("django.contrib.auth") and apps.is_installed("django.contrib.contenttypes")

    async def of(self, match: Match, info: RequestInfo, scope: Scope, *, remembered: bool = True) -> Caller | None:
        """Who sent a request; None when that can't be found out now. `remembered`: what is cached will do."""
        way = self._only or self._ways.get(place := _place(match, info))
        if way is not None and way.silent and way.headers.isdisjoint(info.headers):
            return NOBODY_KNOWN
        if not self._able:
            return NOBODY_KNOWN
        if not remembered:
            found = await self._ask(info, scope)
            return found and found.caller
        if way is None:  # the first request for this view
            found = await self._ask(info, scope)
            if found is None or found.kind is None:
                return found and found.caller
            if len(self._ways) >= MOST:  # bounded, since callers choose methods
                self._ways.clear()
            way = self._ways[place] = self._way(found)
            self._remember(way, found, info, scope)
            return found.caller
        return await self._remembered(way, info, scope)

    async def _remembered(self, way: Way, info: RequestInfo, scope: Scope) -> Caller | None:
        """The caller from the cache, or looked up; further requests of the same caller wait for the first lookup."""
        while True:
            shown = way.shown(info, scope)
            if way.silent and not any(shown):
                return NOBODY_KNOWN
            key = way.key(shown)
            known = self._known.get(key)
            if known is not None and known[0] > self._clock.monotonic():
                return known[1]
            asked = self._asked.get(key)
            if asked is None or asked.done() or asked.get_loop() is not asyncio.get_running_loop():
                break
            await asyncio.shield(asked)  # it may have found that more is read, which changes the key
        asked = self._asked[key] = asyncio.ensure_future(self._ask(info, scope))
        asked.add_done_callback(lambda done: self._asked.pop(key) if self._asked.get(key) is done else None)
        found = await asyncio.shield(asked)
        if found is not None and found.kind is not None:
            self._remember(self._way(found), found, info, scope)
        return found and found.caller

    def _way(self, found: FoundCaller) -> Way:
        way = self._kinds.get(found.kind)
        if way is None:
            way = self._kinds[found.kind] = Way(len(self._kinds), self._session_cookie)
        way.add(found.carriers)
        return way

    def _remember(self, way: Way, found: FoundCaller, info: RequestInfo, scope: Scope) -> None:
        if len(self._known) >= MOST:  # bounded, since callers choose these
            self._known.clear()
        shown = way.shown(info, scope)
        self._known[way.key(shown)] = (self._clock.monotonic() + self.SECONDS, found.caller)
        if found.caller is NOBODY_KNOWN and way.bounded and not any(shown):
            way.silent = True

    async def _ask(self, info: RequestInfo, scope: Scope) -> FoundCaller | None:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[FoundCaller | None] = loop.create_future()

        def settle(result: FoundCaller | None) -> None:
            if not found.done():
                found.set_result(result)

        def job() -> None:
            # In a context of its own, since authentication may set a language or a tenant.
            result = contextvars.Context().run(_found, info, scope, self._session_cookie, self._authenticate)
            with suppress(RuntimeError):  # the event loop was closed meanwhile; a job must not raise
                loop.call_soon_threadsafe(settle, result)

        try:
            self._threads.submit(job)
        except RuntimeError:  # the pool was closed: legacy answers, with an error
            return None
        return await found


def _place(match: Match, info: RequestInfo) -> object:
    """Identifies a view of the project: by the template, unless several views may be below it."""
    if match.undeclared or match.opaque or ":path}" in match.template:
        found = view_at(info.path)
        return None if found is None else found.func, info.method
    return match.template, info.method


# -- on a pooled thread -------------------------------------------------------------------------


def _found(info: RequestInfo, scope: Scope, session_cookie: bytes, authenticate: Authenticate) -> FoundCaller | None:
    try:
        close_old_connections()
        return _caller_of(info, scope, session_cookie, authenticate)
    except Exception:
        logger.exception("could not find out who a caller is")
        return None
    finally:
        close_old_connections()


def _caller_of(info: RequestInfo, scope: Scope, session_cookie: bytes, authenticate: Authenticate) -> FoundCaller:
    request = _request_of(info, scope, session_cookie.decode())
    carriers = note_reading(request)
    kind: Hashable | None = None
    try:
        request.resolver_match = found = view_at(info.path) if authenticate is not BySession else None
        authentication = authenticate(request, found)
        kind = authentication.kind
        user = authentication.user()
    except Error:  # a database error
        raise
    except Exception as exc:  # noqa: BLE001 - the project's code, which answers for itself when the view runs
        throttled.warn(
            f"authentication {type(exc).__name__} {kind}",
            "%s: the caller is unknown, as the project's authentication raised %s: %s",
            info, type(exc).__name__, exc,
        )  # fmt: skip
        return FoundCaller(NOBODY_KNOWN, kind, carriers)
    return FoundCaller(caller_for(user), kind, carriers)


def _request_of(info: RequestInfo, scope: Scope, session_cookie: str) -> HttpRequest:
    """The request as a view behind SessionMiddleware and AuthenticationMiddleware gets it, without its body."""
    from django.contrib.auth.middleware import AuthenticationMiddleware

    method = "GET" if info.method == SOCKET else info.method
    request = request_of(environ_of({**scope, "method": method}, cast("IO[bytes]", _Unread())))
    store = import_module(settings.SESSION_ENGINE).SessionStore(request.COOKIES.get(session_cookie))
    for name in CHANGES:
        setattr(store, name, _leave_alone)
        setattr(store, f"a{name}", _leave_alone_too)
    request.session = store
    AuthenticationMiddleware(lambda _: HttpResponse()).process_request(request)
    # The view checks the CSRF token; it doesn't change who the caller is.
    check_csrf(request, check=False)
    return request


class _Unread(RawIOBase):
    """Stands for a request's body, which must not be read."""

    def read(self, size: int = -1) -> bytes:  # noqa: ARG002
        """Raise BodyNotRead."""
        raise BodyNotRead("it reads the request's body, which the view is to find unread")

    readline = read  # type: ignore[assignment] # of whatever size


def _leave_alone(*_: object, **__: object) -> None:
    """Replaces methods that change a session."""


async def _leave_alone_too(*_: object, **__: object) -> None:
    """The same, for asynchronous code."""


def caller_for(user: AbstractBaseUser | AnonymousUser | None) -> Caller:
    """What a rollout's conditions may use of a user. Queries the database for groups. Staff is who may log in to the
    admin: not who was deactivated, which some authentication backends let pass."""
    # Authentication classes may return users of any class.
    if not getattr(user, "is_authenticated", False) or (key := getattr(user, "pk", None)) is None:
        return NOBODY_KNOWN
    groups = user.groups.values_list("name", flat=True) if hasattr(user, "groups") else ()  # type: ignore[union-attr]
    active = bool(getattr(user, "is_active", True))
    staff, superuser = (active and bool(getattr(user, name, False)) for name in ("is_staff", "is_superuser"))
    return Caller(str(key), staff, frozenset(groups), superuser)
