"""Documents about the equality of both sides: `gateway contract`, `openapi`, `record`, `replay` and `verify`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gateway.workbench.shapes.envelope import Count, Envelope, Moment, Shape

__all__ = [
    "CleanDocument",
    "ContractCompared",
    "ContractDocument",
    "ContractEndpoint",
    "ContractExample",
    "ContractFinding",
    "ContractRoute",
    "ContractUnknown",
    "OpenapiChange",
    "OpenapiDocument",
    "OpenapiOperation",
    "Otherwise",
    "RecordDocument",
    "RecordedEndpoint",
    "ReplayDocument",
    "ReplayFinding",
    "ReplayedCase",
    "Uncompared",
    "VerifyDocument",
    "VerifyStep",
]


class ContractExample(Shape):
    """One value that both sides treat differently."""

    value: str = Field(description="as JSON; `nothing` if none is sent; for responses, the Python value")
    legacy: str = Field(description="the result of the project's view")
    service: str


class ContractFinding(Shape):
    """One difference between a moved endpoint and the project's view."""

    severity: Literal["critical", "breaking", "warning", "note"]
    area: str = Field(description='the part of the endpoint: `"request"`, `"response"`, `"permissions"`, …')
    field: str | None = Field(description="for request and response: the path of the field, with `[]` for a list")
    message: str
    legacy: str | None
    service: str | None
    examples: list[ContractExample] = Field(description="the smallest first")


class ContractCompared(Shape):
    """Something that was compared, whatever the result."""

    area: str
    detail: str


class ContractUnknown(Shape):
    """Something that can't be determined without rows or a request."""

    area: str
    why: str


class ContractEndpoint(Shape):
    """One method of an endpoint that a route claims."""

    method: str
    path: str
    view: str | None = Field(description="the project's view; null if it has no such path")
    function: str = Field(description="that of the service")
    kind: Literal["lifted", "rewritten", "plain", "new"] = Field(
        description="`lifted`: the view itself answers. `plain`: one side doesn't use Django REST framework"
    )
    findings: list[ContractFinding] = Field(description="the worst first")
    compared: list[ContractCompared]
    not_compared: list[ContractUnknown]


class ContractRoute(Shape):
    """One route."""

    route: str
    service: str
    skipped: str | None = Field(description="why nothing was compared")
    endpoints: list[ContractEndpoint]


class ContractDocument(Envelope):
    """`gateway contract`. The exit status is 1 if `ok` is false."""

    ok: bool = Field(description="no finding is critical or breaking; with `--strict`, there are no warnings either")
    seed: int = Field(description="the seed of the generated values")
    routes: list[ContractRoute]


class ReplayFinding(Shape):
    """One difference in a case."""

    drift: Literal["wider access", "regression", "shape drift", "value drift"]
    kind: str = Field(description='as in [parity](parity.md#kinds-and-severities), or "slower"')
    pointer: str
    severity: Literal["critical", "breaking", "warning", "note"]
    expected: str | None = Field(description="legacy's value, redacted; null if there is none")
    actual: str | None = Field(description="that of the service")
    message: str


class ReplayedCase(Shape):
    """A case with findings."""

    number: Count = Field(description="counts from 1, in the order of the file")
    route: str
    method: str
    template: str
    target: str = Field(description="path and query")
    user: Literal["anonymous", "user", "staff", "superuser"]
    acting: str | None = Field(description="with `--as-everyone`: the user as whom it was repeated")
    source: Literal["corpus", "generated", "as everyone"]
    origin: Count | None = Field(description="number of the case that was repeated")
    legacy_status: int | None
    service_status: int | None
    findings: list[ReplayFinding]


class Uncompared(Shape):
    """Cases that prove nothing."""

    reason: str
    cases: Count


class Otherwise(Shape):
    """Cases that legacy answers with another status than recorded."""

    recorded: int
    now: int
    cases: Count


class ReplayDocument(Envelope):
    """`gateway replay`."""

    side: Literal["both", "legacy", "service"]
    corpus: str | None
    equal: bool = Field(description="something was compared, and no finding prevents a promotion")
    started: Moment
    duration_seconds: float
    jobs: Count
    counts: dict[Literal["equal", "different", "skipped"], Count]
    drifts: dict[Literal["wider access", "regression", "shape drift", "value drift"], Count] = Field(
        description="number of cases with findings, by kind of failure"
    )
    skipped: list[Uncompared]
    otherwise: list[Otherwise] = Field(
        description="statuses that differ from the recorded ones, perhaps since rows are missing"
    )
    releases: dict[str, str] = Field(description="the service's release, by route")
    unstored: str | None = Field(description="why the result is no evidence for a promotion; null if it is")
    cases: list[ReplayedCase] = Field(description="cases with findings")


class CleanDocument(Envelope):
    """`gateway replay --clean`."""

    removed: list[str] = Field(description="folders and databases")


class OpenapiChange(Shape):
    """One change for clients of a moved operation."""

    rule: str = Field(description='such as `"response-may-be-null"`: docs/openapi.md has all')
    severity: Literal["breaking", "warning", "note"]
    place: str | None = Field(description='such as `"200/results/*/price"`')
    message: str
    legacy: str | None = Field(description="as the project's document has it, null where it has nothing")
    service: str | None


class OpenapiOperation(Shape):
    """An operation of the project's document that a route claims."""

    route: str
    service: str
    method: str
    path: str
    changes: list[OpenapiChange] = Field(description="the worst first")


class OpenapiDocument(Envelope):
    """`gateway openapi`. Exit status 1 unless `ok`."""

    ok: bool = Field(description="with `--diff`: nothing breaks clients")
    document: dict[str, Any] | None = Field(description="in OpenAPI 3.1; null with `--diff`")
    operations: list[OpenapiOperation] | None = Field(description="with `--diff`")
    left_out: list[str] = Field(description="what the document lacks, in words")


class RecordedEndpoint(Shape):
    """The cases of an endpoint with one status."""

    endpoint: str
    status: Count = Field(description="0 without a response")
    cases: Count
    requests: Count = Field(description="number of requests that the cases represent")


class RecordDocument(Envelope):
    """`gateway record`."""

    recording: str | None = Field(description="with `--detach`: the ID for `--fetch`")
    file: str | None = Field(description="the corpus (docs/corpus.md); null with --detach")
    requests: Count = Field(description="number of requests that matched the recording")
    skipped: dict[str, int] = Field(description="number of requests that are in no case, by reason")
    endpoints: list[RecordedEndpoint]


class VerifyStep(Shape):
    """One step of a verification."""

    step: str
    verdict: Literal["passed", "failed", "unknown"]
    summary: str
    next: str | None = Field(description="what to do next; null if nothing")
    details: list[str]


class VerifyDocument(Envelope):
    """`gateway verify`. The exit status is 1 unless `verdict` is passed."""

    route: str
    verdict: Literal["passed", "failed", "unknown"] = Field(
        description="unknown: nothing failed, but it is not proved that both sides are equal"
    )
    steps: list[VerifyStep]
    next: str | None = Field(description="what to do next")
