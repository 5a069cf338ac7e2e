"""Django's own middleware chain, with a service where its views were."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.core.handlers import base
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch
from django.utils.module_loading import import_string
from greenlet import getcurrent

from gateway.upstreams.django import SyncHandler

if TYPE_CHECKING:
    from gateway.bridge.middleware import Greenlet, Passage

__all__ = ["Chain", "Entry", "sync_capable"]

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
    """The chain of one service. `chosen` are the entries to apply; None means all of settings.MIDDLEWARE."""

    def __init__(self, chosen: Sequence[str] | None) -> None:
        self.entries: list[Entry] = []
        with _recorded(chosen, self.entries):
            super().__init__()

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """The stand-in for the endpoint, where Django would look into the URLconf.

        Where nothing a browser adds by itself could vouch for the caller, there is nothing to forge, and the
        CSRF check is left out, as for a view marked csrf_exempt; so it is where the endpoint sees to it itself.
        """
        view = _passage().view
        forgeable = request.method not in SAFE_METHODS and has_ambient_credentials(request)
        request.resolver_match = view.resolved(request, exempt=view.checks_csrf or not forgeable)
        return request.resolver_match

    def process_exception_by_middleware(self, exception: Exception, request: HttpRequest) -> HttpResponse:
        """What a middleware makes of the service's failure; else the answer of the service's own handler."""
        try:
            return super().process_exception_by_middleware(exception, request)
        except Exception as unhandled:
            own = _passage().own_error
            if unhandled is exception and own is not None:
                logger.exception("%s %s: the service failed", request.method, request.path)
                return own
            raise


def _passage() -> Passage:
    return cast("Greenlet", getcurrent()).passage


def has_ambient_credentials(request: HttpRequest) -> bool:
    """Whether a browser may have sent credentials along that the page asking for it knows nothing of.

    A cookie is one; beside an Authorization header that a page has to set by itself, only the session's is.
    """
    scheme, _, _ = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() in AMBIENT_SCHEMES:
        return True
    if scheme:
        return settings.SESSION_COOKIE_NAME in request.COOKIES
    return "HTTP_COOKIE" in request.META


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
