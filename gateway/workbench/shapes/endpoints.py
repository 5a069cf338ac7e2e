"""Documents about the project's endpoints: `gateway inventory` and `brief`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gateway.workbench.shapes.configuration import Stages
from gateway.workbench.shapes.envelope import Count, Envelope, Moment, Percent, Shape, Stage

__all__ = [
    "BriefDocument",
    "DocumentedEndpoint",
    "ElsewhereTraffic",
    "EndpointDetails",
    "EndpointRoute",
    "EndpointTraffic",
    "InventoryDocument",
    "InventoryEndpoint",
    "InventoryProgress",
    "NextEndpoint",
    "PathParameter",
    "SourceLocation",
    "SourceText",
    "UrlUse",
]


class PathParameter(Shape):
    """A parameter of a path."""

    name: str
    converter: str = Field(description='as in `path()`; "" in a regular expression')
    regex: str


class SourceLocation(Shape):
    """File and line of code."""

    file: str
    line: int


class UrlUse(SourceLocation):
    """A reference to a URL."""

    kind: Literal["code", "template", "form", "setting"]


class EndpointTraffic(Shape):
    """The counts of an endpoint for the selected days."""

    requests: Count
    errors: Count = Field(description="responses with status 500 or above, and failures without a response")
    p50_seconds: float | None
    p95_seconds: float | None
    body_bytes: Count = Field(description="total size of all response bodies")
    seen: Moment | None = Field(description="time of the last request, to half a minute")
    parameters: list[str] = Field(description="names of query parameters")


class EndpointRoute(Shape):
    """A route that claims an endpoint."""

    route: str
    service: str
    template: str = Field(description="the service's template")
    methods: list[str]
    stage: Stage


class EndpointDetails(Shape):
    """What an endpoint uses. Classes and functions are given by their dotted names."""

    authentication: list[str]
    permissions: list[str] = Field(description="for Django's views, their decorators and mixins")
    throttles: list[str]
    serializer: str | None
    fields: Count = Field(description="number of the serializer's fields, with nested ones")
    depth: Count = Field(description="levels of nested serializers")
    pagination: str | None
    filters: list[str]
    parsers: list[str] = Field(description="media types")
    renderers: list[str] = Field(description="media types")
    forms: list[str]
    templates: list[str]
    csrf_exempt: bool
    waits_on: list[str] = Field(description="libraries that its module imports for network calls")
    notes: list[str]


class DocumentedEndpoint(Shape):
    """The endpoint in the project's API document (drf-spectacular's, if it is installed)."""

    operation_id: str | None
    path: str = Field(description="the path in the API document")
    tags: list[str]
    parameters: list[str] = Field(description='such as "query page"')
    request_media_types: list[str]
    responses: dict[str, list[str]] = Field(description="media types by status")
    components: list[str] = Field(description="names of the schemas that it uses")


class InventoryEndpoint(Shape):
    """A method on a path template that Django serves."""

    method: str = Field(description='"*" if the view doesn\'t declare its methods')
    template: str
    pattern: str = Field(description="the pattern in Django's form")
    parameters: list[PathParameter]
    name: str | None = Field(description="name of the URL, with namespaces")
    view: str
    action: str | None = Field(description="the method of the view class that handles it")
    app: str
    group: str = Field(description='its app, or "admin", "static", "installed"')
    kind: Literal["drf", "django", "ninja", "admin", "static", "other"]
    written: SourceLocation
    is_async: bool
    is_format_suffix: bool
    routes: list[EndpointRoute]
    stage: Literal["legacy", "shadow", "canary", "live", "retired"]
    dead: str | None = Field(description="why it can't receive requests; null if it can")
    legacy: EndpointTraffic | None = Field(description="requests that Django answered; null if nothing is counted")
    service: EndpointTraffic | None = Field(description="requests that a service answered")
    details: EndpointDetails
    documented: DocumentedEndpoint | None
    uses: list[UrlUse]
    coverage_percent: Percent | None


class InventoryProgress(Shape):
    """The progress of the move: the project's own endpoints, and their requests."""

    endpoints: dict[str, int] = Field(description="number of endpoints by stage")
    endpoints_percent: Percent | None = Field(description="percentage that is live or retired")
    service_requests: Count
    legacy_requests: Count
    traffic_percent: Percent | None = Field(description="percentage that services answered")


class ElsewhereTraffic(Shape):
    """Requests for none of the project's endpoints: files, 404s, further endpoints of services."""

    upstream: str
    method: str
    label: str
    traffic: EndpointTraffic


class NextEndpoint(Shape):
    """An endpoint to move next."""

    endpoint: str
    score: int = Field(description="the higher, the better; only comparable within one document")
    reasons: list[str]


class InventoryDocument(Envelope):
    """`gateway inventory`."""

    stages: Stages
    days: Count = Field(description="number of days that are counted, today included")
    counted: str | None = Field(description="why nothing is counted; null if it is")
    endpoints: list[InventoryEndpoint]
    progress: InventoryProgress
    taken: dict[str, list[str]] = Field(description="by route, the endpoints that it takes over from Django")
    elsewhere: list[ElsewhereTraffic]
    next: list[NextEndpoint] = Field(description="best candidates first")
    notes: list[str]


class SourceText(Shape):
    """A class or function."""

    role: str = Field(description='its role for the endpoint: "view", "serializer", "permission", …')
    name: str = Field(description="the dotted name")
    file: str
    line: Count
    text: str | None = Field(description="the source; null for installed packages")


class BriefDocument(Envelope):
    """`gateway brief`."""

    method: str
    template: str
    name: str | None = Field(description="name of the URL, with namespaces")
    view: str
    action: str | None
    kind: Literal["drf", "django", "ninja", "admin", "static", "other"]
    file: str
    line: Count
    parameters: list[PathParameter]
    sources: list[SourceText] = Field(description="the view first")
    sql: str | None = Field(description="the queryset's SQL; null if it depends on the request")
    settings: dict[str, str] = Field(description="settings of Django REST framework")
    cases: list[dict[str, Any]] = Field(description="cases from `--corpus`, in the form of docs/corpus.md")
    notes: list[str]
