"""What comes of a replay. Everything in here is redacted, is plain data, and can be sent to another process."""

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
CORPUS, GENERATED, EVERYONE = "corpus", "generated", "as everyone"  # where a case comes from


class Drift(enum.StrEnum):
    """What kind of failure a finding is, the worst first.

    ACCESS: the service lets somebody see or do what legacy doesn't. REGRESSION: it does something else: another
    status, no answer, other rows, mails or tasks, more statements, slower. SHAPE: the answer is built in another way:
    fields, types, formats, headers. VALUE: the answer is built the same, and says something else.
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
    """What became of one case. EQUAL: there is no finding but notes. SKIPPED: it proves nothing, `CaseResult.reason`
    says why."""

    EQUAL = "equal"
    DIFFERENT = "different"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class ReplayFinding:
    """One difference between both sides.

    `kind` is one of `gateway.parity.severity.KINDS`, or "slower". `pointer` says where: a JSON Pointer into the body,
    "status", "header:NAME", "row:TABLE", "row:TABLE:COLUMN", "sql", "effects", "effects:KIND:NAME", "seconds"; see
    Difference. `expected` is legacy's, `actual` the service's, as text, JSON where it was JSON; None where there is
    none. `message` says it all in a sentence, and names the field or row.
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
        """Whether a route with this must not be promoted."""
        return self.severity.blocks


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that one side wrote. `change` is "insert", "update", "delete", or "write" where it can't be told; `key` is
    its primary key, where that is known; `columns` those that were set."""

    table: str
    change: str
    key: str | None
    columns: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class SideAnswer:
    """What one side answered. `status` is 0 where it failed, and `failed` says how. `body` is the beginning of its
    text. `statements` is how many were executed, `effects` what it did beside, in words."""

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
    """What became of one case, which is as it was asked. `number` counts them from 1, those of the corpus first.

    `source` is "corpus", "generated", or "as everyone" for one that was asked again as somebody else, whom `acting`
    names ("another user"); then `origin` is the number of the first.

    `legacy` and `service` are what both answered. Of a replay of one side, `legacy` is what was recorded, and `service`
    what that side answers now.
    `noise` is how many differences were left out as legacy has them from itself. Of cases that are equal, only the
    statuses and times of the answers are kept.
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
        """Who asked: the kind of user, or who of them where that matters."""
        kind = self.case.user.kind
        return kind if self.acting in (None, kind) else f"{self.acting} ({kind})"

    def __str__(self) -> str:
        return f"{self.case.method} {self.case.target} as {self.who}"

    @property
    def blocks(self) -> bool:
        """Whether it keeps its route from being promoted."""
        return any(finding.blocks for finding in self.findings)


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """A whole replay. `side` is "both", "legacy" or "service"; `corpus` the file, None where all was generated;
    `releases` has the release of the service of each route that was asked; `started` is in seconds since 1970."""

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
        """All of them, the worst first: by severity, then by what kind they are."""
        found = [(case, finding) for case in self.cases for finding in case.findings]
        return sorted(found, key=lambda one: (one[1].severity.rank, one[1].drift.rank, one[0].number))

    @property
    def drifts(self) -> Mapping[Drift, int]:
        """How many cases have findings of each kind of failure."""
        return Counter(drift for case in self.cases for drift in {finding.drift for finding in case.findings})

    @property
    def skipped(self) -> Mapping[str, int]:
        """Why cases prove nothing, and how many."""
        return Counter(case.reason for case in self.of(Outcome.SKIPPED))

    @property
    def broken(self) -> int:
        """The number of cases that legacy answers with an error of its own, 500 or above."""
        return sum(
            case.legacy is not None and case.legacy.status >= HTTPStatus.INTERNAL_SERVER_ERROR for case in self.cases
        )

    def replayed(self, route: str) -> Replayed:
        """What the replay is worth as evidence for a route: see Replayed."""
        cases = [case for case in self.cases if case.route == route and case.outcome is not Outcome.SKIPPED]
        accepted = (case.case.method for case in cases if case.legacy is not None and 0 < case.legacy.status < 400)
        return Replayed(len(cases), sum(case.blocks for case in cases), frozenset(accepted))

    @property
    def otherwise(self) -> Mapping[tuple[int, int], int]:
        """How many cases legacy answers with another status than was recorded: these two, and how many."""
        both = (case for case in self.cases if self.side == BOTH and case.source == CORPUS)
        pairs = (
            (case.case.answer.status, case.legacy.status)
            for case in both
            if case.case.answer is not None and case.legacy is not None
        )
        return Counter(pair for pair in pairs if pair[0] != pair[1])

    @property
    def equal(self) -> bool:
        """Whether something was compared, and nothing found that keeps a route from being promoted."""
        return any(case.outcome is not Outcome.SKIPPED for case in self.cases) and not any(
            case.blocks for case in self.cases
        )
