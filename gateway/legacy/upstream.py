"""The Django project as an upstream.

A request to a synchronous view is handed to a pooled thread once and runs there from `request_started` to
`response.close()`, as it would under a WSGI server (docs/DESIGN.md, decision 2). Asynchronous views
go to Django's own ASGI handler.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.clock import SYSTEM, Clock
from gateway.dispatch.bodies import Bodies
from gateway.legacy.callers import Authenticate, Callers
from gateway.legacy.entry import DjangoEntry
from gateway.legacy.known_user import known_user
from gateway.legacy.overload import Overload
from gateway.legacy.patterns import patterns_of
from gateway.legacy.pools import Pools
from gateway.legacy.project import Project, ServesProject
from gateway.legacy.project_settings import admin_paths
from gateway.legacy.reachability import Stores
from gateway.legacy.replies import send_reply
from gateway.legacy.signals import send_signals_quickly
from gateway.legacy.static import build_static
from gateway.legacy.urlconf import knows
from gateway.rollout.cohort import Caller
from gateway.rollout.decision import LEGACY
from gateway.routing.request import RequestInfo
from gateway.routing.table import Contest, EndpointPattern, Match
from gateway.upstreams.lifespan import Lifespan

__all__ = ["DjangoUpstream"]


class DjangoUpstream(ServesProject):
    """The Django project. `django.setup()` must have run.

    `threads` is the number of requests that synchronous views answer at once; half as many threads run the synchronous
    code of asynchronous views and of services, a quarter their middleware. `asgi` is the project's own ASGI
    application, which then gets everything, WebSockets included. `static`: serve STATIC_URL. `bodies` holds the bodies
    of requests, of at most `max_body` bytes. While no thread is free, `queue` requests wait, each for `queue_timeout`
    seconds; `reserve` further threads are for the admin and for paths below `reserved`. `authentication` is called once
    the URLconf is loaded and returns how callers are authenticated, besides by their sessions.
    """

    name = LEGACY

    def __init__(
        self,
        *,
        threads: int = 40,
        asgi: ASGIApp | None = None,
        static: bool = True,
        bodies: Bodies | None = None,
        max_body: int | None = None,
        queue: int = 1000,
        queue_timeout: float = 30.0,
        reserve: int = 2,
        reserved: Sequence[str] = (),
        authentication: Callable[[], Authenticate | None] = lambda: None,
        clock: Clock = SYSTEM,
    ) -> None:
        self.bodies = bodies or Bodies()
        self.max_body = max_body
        self.pools = Pools(threads, reserve)
        self._overload = Overload(self.pools, queue, queue_timeout)
        self._reserved = tuple(path.rstrip("/") for path in reserved)
        self._authentication = authentication
        self._clock = clock
        self._own_asgi = asgi
        self._lifespan = Lifespan(asgi) if asgi is not None else None
        self._serves_static = static
        self._stores = Stores(clock)
        send_signals_quickly()
        self._project = self._load()
        self._entry = DjangoEntry(self._project, self.pools, self._overload, self.bodies, max_body, self._lifespan)
        self.entry: ASGIApp = self._entry
        self.reload_static()

    def _load(self) -> Project:
        project = Project(self._own_asgi, self.bodies, self.max_body)
        self._overload.reserved = (*self._reserved, *admin_paths())
        cookie = project.settings.session_cookie
        self._callers = Callers(self.pools.lookups, cookie, self._authentication(), self._clock)
        return project

    def reload(self) -> None:
        """Read the settings, and load the middleware and the URLconf that they name. Called once, except in tests,
        which change settings, as Django's own test client does."""
        self._project = self._entry.project = self._load()

    def reload_static(self) -> None:
        """Find the static files again. Like `reload`, but not for every test: there may be many files."""
        self._entry.static = build_static() if self._serves_static else None

    def __repr__(self) -> str:
        return f"DjangoUpstream({settings.SETTINGS_MODULE!r}, threads={self.pools.views.size})"

    # -- the interface for the rest of the gateway ------------------------------------------------

    @property
    def sockets(self) -> bool:
        """Whether the project serves WebSockets, with an ASGI application of its own."""
        return self._own_asgi is not None

    @property
    def refused(self) -> Callable[[int], object]:
        """Called with the status of each request for which there is no thread."""
        return self._overload.refused

    @refused.setter
    def refused(self, refused: Callable[[int], object]) -> None:
        self._overload.refused = refused

    @property
    def busy(self) -> bool:
        """Whether requests wait for a thread."""
        return self.pools.busy

    async def caller(self, match: Match, info: RequestInfo, scope: Scope, *, remembered: bool = True) -> Caller | None:
        """Who sent a request; None when the database can't be queried. `remembered`: as `Callers.of`."""
        return await self._callers.of(match, info, scope, remembered=remembered)

    def is_free_for(self, path: str) -> bool:
        """Whether a request for `path` can be handed to a thread at once."""
        return self._entry.is_free_for(path)

    def begin(self, scope: Scope, body: bytes, on_outcome: Callable[[Any], None]) -> None:
        """Hand a request to a thread, and what comes of it to `on_outcome`."""
        self._entry.begin(scope, body, on_outcome)

    async def finish(self, outcome: Any, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the reply to a request that was begun. Raises what its view raised."""
        if isinstance(outcome, Exception):
            raise outcome
        await send_reply(outcome, receive, send)

    async def unreachable_stores(self) -> str | None:
        """Which of the project's databases and caches can't be reached, in words; None when all can."""
        return await self._stores.unreachable()

    async def startup(self) -> None:
        """Start the project's own ASGI application, if it supports lifespan. Raises LifespanError."""
        if self._lifespan is not None:
            await self._lifespan.startup()

    async def shutdown(self) -> None:
        """Let the threads finish and end, and close their connections. Raises LifespanError."""
        self.pools.close()
        self._stores.close()
        await self.pools.finish()
        if self._lifespan is not None:
            await self._lifespan.shutdown()

    def known_user(self, request: object) -> tuple[str, str | None] | None:
        """The kind and primary key of the user of `request`; None if nothing has used `request.user`."""
        return known_user(request)

    def knows(self, path: str) -> bool | None:
        """Whether the URLconf has `path`."""
        return knows(path)

    @property
    def urls(self) -> object:
        """The patterns of the URLconf."""
        return patterns_of(settings.ROOT_URLCONF)

    def contest(self, endpoint: EndpointPattern) -> Contest | None:
        """Which paths matched by the template of a service's `endpoint` Django routes to another view."""
        return patterns_of(settings.ROOT_URLCONF).contest(endpoint)
