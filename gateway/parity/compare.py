"""Compare what legacy answered with what a service answered."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from gateway.parity.answer import Answer
from gateway.parity.body import compare_bodies
from gateway.parity.difference import MISSING, Comparison, Difference, Missing, Severity
from gateway.parity.findings import Exhausted, Findings
from gateway.parity.fingerprint import Fingerprint, fingerprint
from gateway.parity.headers import compare_headers
from gateway.parity.rules import CompareRules
from gateway.parity.sql import compare_sql, compare_writes
from gateway.parity.written import compare_rows

__all__ = ["MISSING", "Comparison", "Difference", "Fingerprint", "Missing", "Severity", "compare", "fingerprint"]


def compare(expected: Answer, actual: Answer, rules: CompareRules, sent: bytes = b"") -> Comparison:
    """What differs between legacy's answer and the service's to a request that said `sent`, in any order. Bounded in
    time and size; whatever the bodies are, it doesn't raise: what can't be compared is in `Comparison.errors`.

    Where the statuses are of different classes (200 and 404), headers, bodies, statements and rows are those of another
    kind of answer, and only the status is a difference, and a table that only the service writes to; a 400 and a 422
    are compared on.
    """
    findings = Findings(rules)
    if expected.failed is not None:
        findings.error("legacy gave no answer")
    elif actual.barred:
        compare_writes(expected.sql, actual.sql, findings)
    elif actual.failed is not None:
        findings.add("failed", "status", Decimal(expected.status), actual.failed, detail=actual.raised)
    elif expected.status // 100 != actual.status // 100:
        _statuses(expected, actual, findings)
        if rules.sql:
            compare_writes(expected.sql, actual.sql, findings)
    else:
        _statuses(expected, actual, findings)
        _answers(expected, actual, findings)
        compare_sql(expected.sql, actual.sql, findings)
        compare_rows(expected, actual, findings, sent)
        compare_effects(expected, actual, findings)
    return findings.result()


def _statuses(expected: Answer, actual: Answer, findings: Findings) -> None:
    if expected.status != actual.status:
        was, now = expected.status, actual.status
        kind = "access" if _is_refusal(expected) and HTTPStatus.OK <= now < HTTPStatus.BAD_REQUEST else "status"
        detail = f"{was} → {now}, {actual.raised}" if actual.raised else f"{was} → {now}"
        findings.add(kind, "status", Decimal(was), Decimal(now), detail=detail)


def _answers(expected: Answer, actual: Answer, findings: Findings) -> None:
    compare_headers(expected, actual, findings)
    try:
        compare_bodies(expected, actual, findings)
    except Exhausted:
        findings.error("the bodies have more values than are compared; the rest was left out")
    except RecursionError:
        findings.error("the bodies are nested too deeply")


def compare_effects(expected: Answer, actual: Answer, findings: Findings) -> None:
    """Add what only one side did beside its answer, or more often. An answer of another kind does other things."""
    if expected.effects is None or actual.effects is None or expected.status // 100 != actual.status // 100:
        return
    was, now = Counter(expected.effects), Counter(actual.effects)
    for effect in sorted(was | now):
        if was[effect] != now[effect]:
            more = "legacy" if was[effect] > now[effect] else "the service"
            times = [Decimal(side[effect]) if side[effect] else MISSING for side in (was, now)]
            findings.add("effect", "effects", *times, detail=f"{effect}: only by {more}, or more often")


def _is_refusal(answer: Answer) -> bool:
    """Whether an answer turns its caller away: 401, 403, or a redirect to a login page, which Django gives the address
    to come back to (`REDIRECT_FIELD_NAME`)."""
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return True
    query = urlsplit(answer.fields.get("location", "")).query
    return answer.status in (HTTPStatus.FOUND, HTTPStatus.SEE_OTHER) and "next" in parse_qs(query)
