"""Compares legacy's response with a service's."""

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
    """The differences between legacy's and the service's response to a request; `sent` is what the request contained.
    Limited in time and size. Never raises: what can't be compared is in `Comparison.errors`.

    If the statuses are in different classes (200 and 404), headers, bodies, statements and rows are those of different
    kinds of responses. Then only the status is a difference, and tables to which only the service writes. A 400 and a
    422 are compared fully.
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
    """Add effects that only one side had, or more often. Not for responses of different kinds."""
    if expected.effects is None or actual.effects is None or expected.status // 100 != actual.status // 100:
        return
    was, now = Counter(expected.effects), Counter(actual.effects)
    for effect in sorted(was | now):
        if was[effect] != now[effect]:
            more = "legacy" if was[effect] > now[effect] else "the service"
            times = [Decimal(side[effect]) if side[effect] else MISSING for side in (was, now)]
            findings.add("effect", "effects", *times, detail=f"{effect}: only by {more}, or more often")


def _is_refusal(answer: Answer) -> bool:
    """Whether a response denies access: 401, 403, or a redirect to a login page, recognised by the parameter with the
    URL to return to (`REDIRECT_FIELD_NAME`)."""
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return True
    query = urlsplit(answer.fields.get("location", "")).query
    return answer.status in (HTTPStatus.FOUND, HTTPStatus.SEE_OTHER) and "next" in parse_qs(query)
