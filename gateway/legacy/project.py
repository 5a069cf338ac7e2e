"""The Django project as loaded: its settings, its middleware and its URLconf."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp

from gateway.compat.django import asgi_application_around
from gateway.dispatch.bodies import Bodies
from gateway.legacy.handlers import asgi_handler, wsgi_application
from gateway.legacy.loading import Ways, all_sync_capable
from gateway.legacy.project_settings import read_settings
from gateway.legacy.proxy_settings import AllowedHosts, DjangoProxySettings, is_trusted
from gateway.legacy.remote_user import ways_of_project
from gateway.legacy.urlconf import AsyncViews

__all__ = ["Project", "ServesProject"]


class Project:
    """What the settings currently name, loaded. `asgi` is the project's own ASGI application, which then gets all
    requests; `bodies` holds the bodies of requests, of at most `most` bytes.

    `sync` answers requests to synchronous views on a thread (None if the middleware can't); `asgi` answers all others.
    """

    def __init__(self, asgi: ASGIApp | None, bodies: Bodies, most: int | None) -> None:
        self._bodies = bodies
        self._most = most
        self.settings = read_settings()
        self.hosts = AllowedHosts()
        self.views = AsyncViews()  # loads the URLconf, and so imports the project's views
        self.ways = ways_of_project(asgi=asgi is not None)
        capable = asgi is None and all_sync_capable(settings.MIDDLEWARE, self.ways)
        self.sync = wsgi_application(self.ways) if capable else None
        self.asgi = asgi
        if asgi is None and (self.sync is None or self.views):
            self.asgi = asgi_application_around(self._async_handler)
        elif asgi is not None and most is not None:
            self.asgi = RequestBodyLimitMiddleware(asgi, most)

    def _async_handler(self) -> ASGIHandler:
        handler = asgi_handler(self.ways)
        # Its own would write any number of bytes to disk.
        read = partial(self._bodies.read, memory=self.settings.memory, most=self._most)
        handler.read_body = read  # type: ignore[method-assign]
        return handler


class ServesProject:
    """The project's settings as the rest of the gateway needs them, from `_project`."""

    _project: Project

    @property
    def script_name(self) -> str:
        """The path under which the project says that it is served, or ""."""
        return self._project.settings.script_name

    @property
    def session_cookie(self) -> bytes:
        """The name of the project's session cookie."""
        return self._project.settings.session_cookie

    @property
    def kept_cookies(self) -> Sequence[bytes]:
        """Names of cookies that don't identify the caller."""
        return self._project.settings.kept_cookies

    @property
    def secrets(self) -> Sequence[str | bytes]:
        """SECRET_KEY, followed by SECRET_KEY_FALLBACKS."""
        return self._project.settings.secrets

    @property
    def proxy_settings(self) -> DjangoProxySettings | None:
        """How the project reads a proxy's headers; None when it reads none."""
        return self._project.settings.proxy

    @property
    def ways(self) -> Ways:
        """How each of the project's RemoteUserMiddleware reads its header."""
        return self._project.ways

    def allows_host(self, host: bytes) -> bool:
        """Whether Django would accept `host` (ALLOWED_HOSTS)."""
        return host in self._project.hosts

    def trusts_origin(self, origin: bytes) -> bool:
        """Whether CSRF_TRUSTED_ORIGINS contains this origin."""
        return is_trusted(origin)
