"""Documents about the configuration and its decisions: `gateway check`, `routes` and `explain`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.workbench.shapes.envelope import Count, Envelope, Percent, Problem, Shape, Stage

__all__ = [
    "BaselineReport",
    "CheckDocument",
    "ClaimedEndpoint",
    "CookieChoice",
    "ExplainDocument",
    "ExplainedCaller",
    "FallbackChoice",
    "KeptUrl",
    "Legacy",
    "MiddlewareEntry",
    "MirrorChoice",
    "RetiredView",
    "Route",
    "RoutesDocument",
    "Service",
    "Stages",
    "TakenUrl",
    "UrlName",
]


class Stages(Shape):
    """The origin of the stages."""

    source: Literal["runtime", "declared"] = Field(description="the database, or the file alone")
    why: str
    revision: int | None = Field(description="of changes at run time; null if these can't be read")


class TakenUrl(Shape):
    """A URL of the project that a route takes over."""

    pattern: str
    name: str | None
    view: str
    methods: list[str]


class ClaimedEndpoint(Shape):
    """A path template that a route claims."""

    path: str
    methods: list[str] = Field(description="empty: every method")
    below: bool = Field(description="whether everything below it is claimed too")


class Route(Shape):
    """A route of the file, for `routes` and `check`."""

    route: str
    prefix: str | None
    path: str | None
    methods: list[str] = Field(description="empty: every method")
    service: str
    claim: Literal["implemented", "all"]
    declared: Stage = Field(description="the stage in the file")
    effective: Stage = Field(description="the current stage")
    endpoints: list[ClaimedEndpoint]
    takes_over: list[TakenUrl]


class Legacy(Shape):
    """The Django project, or the WSGI application instead of it."""

    settings: str | None
    asgi: str | None
    wsgi: str | None
    threads: Count
    reserve: Count
    queue: Count
    queue_timeout_seconds: float


class Service(Shape):
    """A service of the file."""

    service: str
    app: str | None
    url: str | None
    middleware: str | list[str] | None = Field(description="null for a service at a `url`")
    endpoints: Count | None = Field(description="number of declared endpoints; null if unknown")


class MiddlewareEntry(Shape):
    """Whether an entry of MIDDLEWARE is applied around a service."""

    entry: str
    applied: bool
    needs: str | None = Field(description="the setting in gateway.toml with which it works")
    why: str | None


class UrlName(Shape):
    """A URL of the project."""

    pattern: str
    name: str | None


class KeptUrl(UrlName):
    """A URL through which its view is still reached."""

    why: str


class RetiredView(Shape):
    """A view whose URLs retired routes have claimed."""

    view: str
    deletable: bool
    routes: list[str]
    urls: list[UrlName]
    kept: list[KeptUrl]


class BaselineReport(Shape):
    """The endpoints that Django serves and no route claims, compared with the baseline."""

    file: str
    new: list[str] = Field(description='such as "GET /api/products/"')
    gone: list[str]
    updated: bool


class CheckDocument(Envelope):
    """`gateway check`. With problems (exit status 3), what could not be determined is null."""

    ok: bool
    config: str = Field(description="the configuration file")
    problems: list[Problem]
    legacy: Legacy | None = None
    services: list[Service] | None = None
    middleware: dict[str, list[MiddlewareEntry]] | None = Field(None, description="by service")
    routes: list[Route] | None = None
    stages: Stages | None = None
    retired: list[RetiredView] | None = None
    baseline: BaselineReport | None = Field(None, description="with `--baseline`")
    notes: list[str] | None = None


class RoutesDocument(Envelope):
    """`gateway routes`."""

    stages: Stages
    routes: list[Route] = Field(description="in order of precedence")


class ExplainedCaller(Shape):
    """The caller."""

    user: str | None
    staff: bool
    groups: list[str]


class FallbackChoice(Shape):
    """Whether legacy may answer for the service."""

    allowed: bool
    why: str
    max_body_bytes: Count | None


class MirrorChoice(Shape):
    """Whether the request is mirrored to the other side."""

    percent: Percent
    to: str | None
    why: str


class CookieChoice(Shape):
    """The affinity cookie that is set for the caller."""

    name: str
    value: str
    max_age_seconds: Count
    pins: dict[str, str]


class ExplainDocument(Envelope):
    """`gateway explain`."""

    method: str
    path: str
    upstream: str | None = Field(description='"legacy" or the name of a service; null if the gateway itself answers')
    reason: str
    status: Count | None = Field(description="if the gateway itself answers")
    route: str | None
    effective: Stage | None
    endpoint: str | None
    view: str | None
    view_name: str | None
    caller: ExplainedCaller | None
    bucket: Count | None
    fallback: FallbackChoice | None
    mirror: MirrorChoice | None
    cookie: CookieChoice | None
    drawn: str | None = Field(description="what may be decided differently for the same request")
    stages: Stages
