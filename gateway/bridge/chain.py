"""Django's own middleware chain, with a service where its views were."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import BadRequest, MiddlewareNotUsed
from django.core.handlers import base
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch
from django.utils.functional import LazyObject, empty
from django.utils.module_loading import import_string

from gateway.upstreams.django import SyncHandler

if TYPE_CHECKING:
    from gateway.bridge.async_passage import AsyncPassage
    from gateway.bridge.middleware import Passage

__all__ = ["Chain", "Entry", "give_user", "is_forgeable", "one_user", "sync_capable", "withheld_user"]

logger = logging.getLogger("gateway.bridge")

# Schemes that a browser sends by itself once somebody has typed a password in (RFC 9110, section 11).
AMBIENT_SCHEMES = frozenset({"basic", "digest", "negotiate", "ntlm"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Entry:
    """One entry of MIDDLEWARE, and what became of it. `why` says why it was dropped."""

    __slots__ = ("applied", "path", "why")

    def __init__(self, path: str, *, applied: bool, why: str = "") -> None:
        self.path = path
        self.applied = applied
        self.why = why

    def __repr__(self) -> str:
        return f"Entry({self.path!r}, {'applied' if self.applied else f'dropped: {self.why}'})"


class Chain(SyncHandler):
    """The chain of one service. `chosen` are the entries to apply; None means all of settings.MIDDLEWARE.

    `current_passage` tells which request is being answered.
    """

    def __init__(
        self,
        chosen: Sequence[str] | None,
        current_passage: Callable[[], Passage | AsyncPassage],
        *,
        is_async: bool = False,
    ) -> None:
        self._current_passage = current_passage
        self.entries: list[Entry] = []
        with _recorded(chosen, self.entries):
            self.load_middleware(is_async=is_async)

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """The stand-in for the endpoint, where Django would look into the URLconf.

        Where nothing a browser adds by itself could vouch for the caller, there is nothing to forge, and the
        CSRF check is left out, as for a view marked csrf_exempt; so it is where the endpoint sees to it itself.
        Raises BadRequest where a middleware has made a safe method of one that isn't: the service sees the original.
        """
        scope = request.scope  # type: ignore[attr-defined] # an ASGIRequest
        if request.method in SAFE_METHODS and scope["method"].upper() not in SAFE_METHODS:
            raise BadRequest(f"a middleware takes {scope['method']} for {request.method}, which no service can know of")
        view = self._current_passage().view
        request.resolver_match = view.resolved(request, exempt=view.checks_csrf or not is_forgeable(request))
        return request.resolver_match

    def process_exception_by_middleware(self, exception: Exception, request: HttpRequest) -> HttpResponse:
        """What a middleware makes of the service's failure; else the answer of the service's own handler."""
        try:
            return super().process_exception_by_middleware(exception, request)
        except Exception as unhandled:
            own = self._current_passage().own_error
            if unhandled is exception and own is not None:
                logger.exception("%s %s: the service failed", request.method, request.path)
                return own
            raise


def is_forgeable(request: HttpRequest) -> bool:
    """Whether another site's page could have made somebody's browser send this, and it may change something."""
    return request.method not in SAFE_METHODS and has_ambient_credentials(request)


@contextmanager
def withheld_user(request: HttpRequest) -> Iterator[None]:
    """While the service answers a forgeable `request` that CsrfViewMiddleware has let pass: nobody is logged in,
    until the dependency that asks for the token instead calls `give_user`. So nothing that runs without that
    dependency, or before it, can mistake the session's user for the caller.
    """
    if hasattr(request, "user") and is_forgeable(request):
        from django.contrib.auth.models import AnonymousUser

        request.withheld_user = request.user  # type: ignore[attr-defined]
        request.user = AnonymousUser()
    try:
        yield
    finally:
        give_user(request)


def one_user(request: HttpRequest) -> None:
    """Let `request.auser()` be `request.user`, which DRF or a dependency decided on: Django's looks into the session
    again. There it finds nobody once a password was changed, and Django 6's `aupdate_session_auth_hash` asks it then.
    """
    if hasattr(request, "auser"):
        request.auser = partial(_same_user, request)


async def _same_user(request: HttpRequest) -> Any:
    """`request.auser()` where `user` alone says who the caller is."""
    user = request.user
    if isinstance(user, LazyObject):
        if vars(user)["_wrapped"] is empty:
            await sync_to_async(bool, thread_sensitive=True)(user)  # asks the session and the database
        user = vars(user)["_wrapped"]
    return user


def give_user(request: HttpRequest) -> bool:
    """End what `withheld_user` began. False when there is nothing to end."""
    user = vars(request).pop("withheld_user", None)
    if user is not None:
        request.user = user
    return user is not None


def has_ambient_credentials(request: HttpRequest) -> bool:
    """Whether a browser may have sent credentials along that the page asking for it knows nothing of.

    A cookie is one; beside an Authorization header that a page has to set by itself, only the session's is. Where
    there is neither, somebody may be known all the same: by a certificate, or by what a proxy says (RemoteUser).
    """
    scheme, _, _ = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() in AMBIENT_SCHEMES:
        return True
    if scheme:
        return settings.SESSION_COOKIE_NAME in request.COOKIES
    return "HTTP_COOKIE" in request.META or _is_known(request)


def _is_known(request: HttpRequest) -> bool:
    """Whether a middleware has found a user. One that nobody has looked for yet is in the session, where no cookie
    names one, so nobody is."""
    user = vars(request).get("user")
    if isinstance(user, LazyObject):
        user = vars(user)["_wrapped"]
    return bool(getattr(user, "is_authenticated", False))


def sync_capable(paths: Sequence[str]) -> bool:
    """Whether each of these middleware can run in a synchronous chain as it is."""
    return all(getattr(import_string(path), "sync_capable", True) for path in paths)


@contextmanager
def _recorded(chosen: Sequence[str] | None, entries: list[Entry]) -> Iterator[None]:
    """While `load_middleware` runs: leave out what isn't chosen, and note in `entries` what becomes of each.

    Django keeps no list of the middleware it loaded, and takes them from settings only, so its way to import
    them is replaced meanwhile; a factory that raises MiddlewareNotUsed is left out by Django itself.
    """
    original = import_string

    def import_recorded(path: str) -> Callable[..., Any]:
        middleware = original(path)

        def factory(get_response: Callable[..., Any]) -> Any:
            if chosen is not None and path not in chosen:
                entries.insert(0, Entry(path, applied=False, why="not chosen in the configuration"))
                raise MiddlewareNotUsed
            try:
                instance = middleware(get_response)
            except MiddlewareNotUsed as exc:
                entries.insert(0, Entry(path, applied=False, why=str(exc) or "it says it is not used"))
                raise
            entries.insert(0, Entry(path, applied=True))
            return instance

        factory.sync_capable = getattr(middleware, "sync_capable", True)  # type: ignore[attr-defined] # as Django reads it
        factory.async_capable = getattr(middleware, "async_capable", False)  # type: ignore[attr-defined]
        return factory

    base.import_string = import_recorded  # type: ignore[attr-defined] # a private name, on purpose
    try:
        yield
    finally:
        base.import_string = original  # type: ignore[attr-defined]
