"""Compare what legacy answered with what a service answered."""

from __future__ import annotations

from decimal import Decimal

from gateway.parity.answer import Answer
from gateway.parity.body import compare_bodies
from gateway.parity.difference import ABSENT, Absent, Comparison, Difference, Severity
from gateway.parity.findings import Exhausted, Findings
from gateway.parity.fingerprint import Fingerprint, fingerprint
from gateway.parity.headers import compare_headers
from gateway.parity.rules import CompareRules
from gateway.parity.sql import compare_sql

__all__ = ["ABSENT", "Absent", "Comparison", "Difference", "Fingerprint", "Severity", "compare", "fingerprint"]


def compare(expected: Answer, actual: Answer, rules: CompareRules) -> Comparison:
    """What differs between legacy's answer and the service's. Bounded in time and size; whatever the bodies are, it
    doesn't raise: what can't be compared is in `Comparison.errors`.

    Where the statuses are of different classes (200 and 404), headers and bodies are those of another kind of answer,
    and only the status is a difference; a 400 and a 422 are compared on.
    """
    findings = Findings(rules)
    if expected.failed is not None:
        findings.error("legacy gave no answer")
    elif actual.failed is not None:
        findings.add("failed", "status", Decimal(expected.status), actual.failed)
    else:
        _answers(expected, actual, findings)
        compare_sql(expected.sql, actual.sql, findings)
    return findings.result()


def _answers(expected: Answer, actual: Answer, findings: Findings) -> None:
    if expected.status != actual.status:
        was, now = expected.status, actual.status
        findings.add("status", "status", Decimal(was), Decimal(now), detail=f"{was} → {now}")
        if was // 100 != now // 100:
            return
    compare_headers(expected, actual, findings)
    try:
        compare_bodies(expected, actual, findings)
    except Exhausted:
        findings.error("the bodies have more values than are compared; the rest was left out")
    except RecursionError:
        findings.error("the bodies are nested too deeply")
