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
    converter: str = Field(description='that of `path()`, "" in a regular expression')
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
    errors: Count = Field(description="status 500 and above, or no answer")
    p50_seconds: float | None
    p95_seconds: float | None
    body_bytes: Count = Field(description="of all bodies that were sent")
    seen: Moment | None = Field(description="when it was asked last, within half a minute")
    parameters: list[str] = Field(description="names in query strings")


class EndpointRoute(Shape):
    """A route that claims an endpoint."""

    route: str
    service: str
    template: str = Field(description="what the service calls it")
    methods: list[str]
    stage: Stage


class EndpointDetails(Shape):
    """What an endpoint uses. Classes and functions are given by their dotted names."""

    authentication: list[str]
    permissions: list[str] = Field(description="of Django's views, the decorators and mixins around them")
    throttles: list[str]
    serializer: str | None
    fields: Count = Field(description="of the serializer, nested ones included")
    depth: Count = Field(description="of its nesting")
    pagination: str | None
    filters: list[str]
    parsers: list[str] = Field(description="media types")
    renderers: list[str] = Field(description="media types")
    forms: list[str]
    templates: list[str]
    csrf_exempt: bool
    waits_on: list[str] = Field(description="libraries of its module that ask others over the network")
    notes: list[str]


class DocumentedEndpoint(Shape):
    """The endpoint in the project's API document (drf-spectacular's, if it is installed)."""

    operation_id: str | None
    path: str = Field(description="as the document writes it")
    tags: list[str]
    parameters: list[str] = Field(description='such as "query page"')
    request_media_types: list[str]
    responses: dict[str, list[str]] = Field(description="media types by status")
    components: list[str] = Field(description="names of schemas that it refers to")


class InventoryEndpoint(Shape):
    """A method on a path template that Django serves."""

    method: str = Field(description='"*" where the view doesn\'t say which it takes')
    template: str
    pattern: str = Field(description="as Django has it")
    parameters: list[PathParameter]
    name: str | None = Field(description="of its URL, with namespaces")
    view: str
    action: str | None = Field(description="the method of the class that handles it")
    app: str
    group: str = Field(description='its app, or "admin", "static", "installed"')
    kind: Literal["drf", "django", "ninja", "admin", "static", "other"]
    written: SourceLocation
    is_async: bool
    is_format_suffix: bool
    routes: list[EndpointRoute]
    stage: Literal["legacy", "shadow", "canary", "live", "retired"]
    dead: str | None = Field(description="why it receives no requests")
    legacy: EndpointTraffic | None = Field(description="answered by Django; null where nothing is counted")
    service: EndpointTraffic | None = Field(description="answered by a service")
    details: EndpointDetails
    documented: DocumentedEndpoint | None
    uses: list[UrlUse]
    coverage_percent: Percent | None


class InventoryProgress(Shape):
    """The progress of the move: the project's own endpoints, and their requests."""

    endpoints: dict[str, int] = Field(description="by stage")
    endpoints_percent: Percent | None = Field(description="live or retired")
    service_requests: Count
    legacy_requests: Count
    traffic_percent: Percent | None = Field(description="answered by services")


class ElsewhereTraffic(Shape):
    """Requests for none of the project's endpoints: files, 404s, further endpoints of services."""

    upstream: str
    method: str
    label: str
    traffic: EndpointTraffic


class NextEndpoint(Shape):
    """An endpoint to move next."""

    endpoint: str
    score: int = Field(description="the more, the better; compare it with others of the same answer")
    reasons: list[str]


class InventoryDocument(Envelope):
    """`gateway inventory`."""

    stages: Stages
    days: Count = Field(description="that were looked at, today included")
    counted: str | None = Field(description="why nothing is counted; null where it is")
    endpoints: list[InventoryEndpoint]
    progress: InventoryProgress
    taken: dict[str, list[str]] = Field(description="by route, the endpoints that it takes away from Django")
    elsewhere: list[ElsewhereTraffic]
    next: list[NextEndpoint] = Field(description="the best first")
    notes: list[str]


class SourceText(Shape):
    """A class or function."""

    role: str = Field(description='what it is to the endpoint: "view", "serializer", "permission", …')
    name: str = Field(description="its dotted name")
    file: str
    line: Count
    text: str | None = Field(description="null where it is installed, not the project's")


class BriefDocument(Envelope):
    """`gateway brief`."""

    method: str
    template: str
    name: str | None = Field(description="of the URL, with its namespaces")
    view: str
    action: str | None
    kind: Literal["drf", "django", "ninja", "admin", "static", "other"]
    file: str
    line: Count
    parameters: list[PathParameter]
    sources: list[SourceText] = Field(description="the view first")
    sql: str | None = Field(description="of the queryset; null where it can't be told without a request")
    settings: dict[str, str] = Field(description="REST_FRAMEWORK")
    cases: list[dict[str, Any]] = Field(description="of --corpus, as docs/corpus.md has them")
    notes: list[str]
