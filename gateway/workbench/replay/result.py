"""The result of a replay. It is redacted plain data, which can be sent to another process."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from gateway.parity.severity import Severity
from gateway.rollout.evidence import Replayed
from gateway.workbench.corpus import Case

__all__ = [
    "BOTH",
    "CORPUS",
    "EVERYONE",
    "GENERATED",
    "CaseResult",
    "Drift",
    "Outcome",
    "ReplayFinding",
    "ReplayResult",
    "RowChange",
    "SideAnswer",
]

BOTH = "both"
CORPUS, GENERATED, EVERYONE = "corpus", "generated", "as everyone"  # origins of cases


class Drift(enum.StrEnum):
    """The kind of failure that a finding is, the worst first.

    ACCESS: the service lets a user see or do what legacy doesn't. REGRESSION: other behaviour: another status, no
    response, other rows, e-mails or tasks, more statements, slower. SHAPE: the response has another form: fields,
    types, formats, headers. VALUE: the form is the same, and values differ.
    """

    ACCESS = "wider access"
    REGRESSION = "regression"
    SHAPE = "shape drift"
    VALUE = "value drift"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return [*Drift].index(self)


class Outcome(enum.StrEnum):
    """The outcome of a case. EQUAL: no findings other than notes. SKIPPED: the case proves nothing; `CaseResult.reason`
    says why."""

    EQUAL = "equal"
    DIFFERENT = "different"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class ReplayFinding:
    """One difference between the sides.

    `kind` is one of `gateway.parity.severity.KINDS`, or "slower". `pointer` is its place: a JSON Pointer into the
    body, "status", "header:NAME", "row:TABLE", "row:TABLE:COLUMN", "sql", "effects", "effects:KIND:NAME", "seconds";
    see Difference. `expected` is legacy's value, `actual` the service's, as text (JSON if it was JSON), None if
    missing. `message` is one sentence, which names the field or row.
    """

    drift: Drift
    kind: str
    pointer: str
    severity: Severity
    expected: str | None
    actual: str | None
    message: str

    @property
    def blocks(self) -> bool:
        """Whether it prevents the promotion of its route."""
        return self.severity.blocks


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that one side wrote. `change` is "insert", "update", "delete", or "write" if unknown; `key` is its primary
    key, None if unknown; `columns` has the columns that were set."""

    table: str
    change: str
    key: str | None
    columns: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class SideAnswer:
    """One side's response. `status` is 0 if it failed; then `failed` is the reason. `body` is the beginning of its
    text. `statements` is the number of SQL statements, None if unknown; `effects` are other effects, in words."""

    status: int
    seconds: float
    media_type: str | None = None
    body: str = ""
    failed: str | None = None
    statements: int | None = None
    tables_read: tuple[str, ...] = ()
    tables_written: tuple[str, ...] = ()
    rows: tuple[RowChange, ...] = ()
    effects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The result of a case. `case` is the request that was sent; `number` counts from 1, those of the corpus first.

    `source` is "corpus", "generated", or "as everyone" for a case that was repeated as another user. Then `acting` says
    as whom ("another user"), and `origin` is the number of the original case.

    `legacy` and `service` are the responses. In a replay of one side, `legacy` is the recorded response and `service`
    the present one. `noise` is the number of differences that were ignored since legacy has them from itself. For equal
    cases, only statuses and times of the responses are kept.
    """

    number: int
    route: str
    case: Case
    outcome: Outcome
    source: str = CORPUS
    origin: int | None = None
    acting: str | None = None
    reason: str = ""
    findings: tuple[ReplayFinding, ...] = ()
    legacy: SideAnswer | None = None
    service: SideAnswer | None = None
    noise: int = 0

    @property
    def who(self) -> str:
        """The caller: the kind of user, and as whom it was repeated."""
        kind = self.case.user.kind
        return kind if self.acting in (None, kind) else f"{self.acting} ({kind})"

    def __str__(self) -> str:
        return f"{self.case.method} {self.case.target} as {self.who}"

    @property
    def blocks(self) -> bool:
        """Whether it prevents the promotion of its route."""
        return any(finding.blocks for finding in self.findings)


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """The result of a whole replay. `side` is "both", "legacy" or "service"; `corpus` the file, None if all requests
    were generated; `releases` has the release of the service, by route; `started` is in seconds since 1970, `seconds`
    the duration."""

    cases: tuple[CaseResult, ...]
    side: str = BOTH
    corpus: str | None = None
    started: float = 0.0
    seconds: float = 0.0
    jobs: int = 1
    releases: Mapping[str, str] = field(default_factory=dict)

    def of(self, outcome: Outcome) -> tuple[CaseResult, ...]:
        """The cases with this outcome."""
        return tuple(case for case in self.cases if case.outcome is outcome)

    @property
    def findings(self) -> Sequence[tuple[CaseResult, ReplayFinding]]:
        """All findings with their cases, the worst first: by severity, then by kind of failure."""
        found = [(case, finding) for case in self.cases for finding in case.findings]
        return sorted(found, key=lambda one: (one[1].severity.rank, one[1].drift.rank, one[0].number))

    @property
    def drifts(self) -> Mapping[Drift, int]:
        """The number of cases with findings, by kind of failure."""
        return Counter(drift for case in self.cases for drift in {finding.drift for finding in case.findings})

    @property
    def skipped(self) -> Mapping[str, int]:
        """The number of skipped cases, by reason."""
        return Counter(case.reason for case in self.of(Outcome.SKIPPED))

    @property
    def broken(self) -> int:
        """The number of cases that legacy, too, answers with status 500 or above."""
        return sum(
            case.legacy is not None and case.legacy.status >= HTTPStatus.INTERNAL_SERVER_ERROR for case in self.cases
        )

    def replayed(self, route: str) -> Replayed:
        """The evidence for a route: see Replayed."""
        cases = [case for case in self.cases if case.route == route and case.outcome is not Outcome.SKIPPED]
        accepted = (case.case.method for case in cases if case.legacy is not None and 0 < case.legacy.status < 400)
        return Replayed(len(cases), sum(case.blocks for case in cases), frozenset(accepted))

    @property
    def otherwise(self) -> Mapping[tuple[int, int], int]:
        """The number of cases that legacy now answers with another status than recorded, by (recorded,
        current) status."""
        both = (case for case in self.cases if self.side == BOTH and case.source == CORPUS)
        pairs = (
            (case.case.answer.status, case.legacy.status)
            for case in both
            if case.case.answer is not None and case.legacy is not None
        )
        return Counter(pair for pair in pairs if pair[0] != pair[1])

    @property
    def equal(self) -> bool:
        """Whether something was compared, and no finding prevents a promotion."""
        return any(case.outcome is not Outcome.SKIPPED for case in self.cases) and not any(
            case.blocks for case in self.cases
        )
