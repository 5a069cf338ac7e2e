"""Results of a replay, made by hand."""

from __future__ import annotations

from typing import Any

from gateway.parity.severity import Severity
from gateway.workbench.corpus import Case, RecordedResponse, User
from gateway.workbench.replay.result import (
    CaseResult,
    Drift,
    Outcome,
    ReplayFinding,
    ReplayResult,
    RowChange,
    SideAnswer,
)

# What callers send to be run, shown or believed somewhere else.
HOSTILE = """</style></script><script>alert(1)</script><img src=x onerror=alert(1)>"'&]]>--><!-- ${x} {{7*7}}
\x00\x1b[31m\u202eevil\u2028\ud800</pre></table></details>"""


def finding(message: str = "price changed", **more: Any) -> ReplayFinding:
    """A finding that blocks, unless told otherwise."""
    given: dict[str, Any] = {
        "drift": Drift.VALUE, "kind": "value", "pointer": "/price", "severity": Severity.BREAKING,
        "expected": '"20.00"', "actual": "20", "message": message,
    }  # fmt: skip
    return ReplayFinding(**given | more)


def case(number: int = 1, *findings: ReplayFinding, **more: Any) -> CaseResult:
    """A case with these findings."""
    recorded = Case(
        "/api/products/{pk}/", "GET", "/api/products/7/", user=User("staff", "3"), answer=RecordedResponse(200)
    )
    given: dict[str, Any] = {
        "number": number, "route": "catalog", "case": recorded, "findings": findings,
        "outcome": Outcome.DIFFERENT if findings else Outcome.EQUAL,
        "legacy": SideAnswer(200, 0.010, "application/json", '{"name": "Boat", "price": "20.00"}', statements=2),
        "service": SideAnswer(200, 0.005, "application/json", '{"name": "Boat", "price": 20}', statements=2),
    }  # fmt: skip
    return CaseResult(**given | more)


def result(*cases: CaseResult, **more: Any) -> ReplayResult:
    """A replay of these."""
    given: dict[str, Any] = {
        "corpus": "shop.jsonl",
        "started": 1764500000.0,
        "seconds": 1.5,
        "releases": {"catalog": "r7"},
    }
    return ReplayResult(cases, **given | more)


def hostile() -> ReplayResult:
    """Every text of it wants to be something else."""
    row = RowChange(HOSTILE, HOSTILE, HOSTILE, {HOSTILE: HOSTILE, "empty": None})
    side = SideAnswer(0, 0.1, HOSTILE, HOSTILE, HOSTILE, 1, (HOSTILE,), (HOSTILE,), (row,), (HOSTILE,))
    other = SideAnswer(200, 0.1, HOSTILE, HOSTILE * 2, None, 1, (HOSTILE,), (), (), ())
    asked = Case(HOSTILE, HOSTILE, HOSTILE, HOSTILE, ((HOSTILE, HOSTILE),), HOSTILE.encode("utf-8", "replace"))
    found = finding(HOSTILE, pointer=HOSTILE, expected=HOSTILE, actual=HOSTILE, kind=HOSTILE)
    cases = (
        case(1, found, route=HOSTILE, case=asked, legacy=side, service=other, acting=HOSTILE),
        case(2, outcome=Outcome.SKIPPED, reason=HOSTILE, case=asked, route=HOSTILE),
    )
    return result(*cases, corpus=HOSTILE, releases={HOSTILE: HOSTILE})
