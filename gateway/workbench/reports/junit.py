"""JUnit's XML for CI servers: a suite for each endpoint, a test for each case."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from gateway.workbench.replay.result import CaseResult, Outcome, ReplayFinding, ReplayResult

__all__ = ["junit_report"]

# Characters that XML 1.0 doesn't allow (section 2.2), not even escaped. Traffic may contain them.
UNFIT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_report(result: ReplayResult) -> str:
    """The document. A case fails if it prevents its route's promotion; other findings are in `system-out`."""
    root = ET.Element(
        "testsuites", {"name": "gateway replay", **_counts(result.cases), "time": f"{result.seconds:.3f}"}
    )
    for endpoint, cases in sorted(_by_endpoint(result.cases).items()):
        suite = ET.SubElement(root, "testsuite", {"name": _fit(endpoint), **_counts(cases), "time": _seconds(cases)})
        suite.set("timestamp", datetime.fromtimestamp(result.started, UTC).strftime("%Y-%m-%dT%H:%M:%S"))
        for case in cases:
            _add(suite, case)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _by_endpoint(cases: Iterable[CaseResult]) -> dict[str, list[CaseResult]]:
    found: dict[str, list[CaseResult]] = {}
    for case in cases:
        found.setdefault(case.case.endpoint, []).append(case)
    return found


def _counts(cases: Iterable[CaseResult]) -> dict[str, str]:
    cases = [*cases]
    skipped = sum(case.outcome is Outcome.SKIPPED for case in cases)
    failures = sum(case.blocks for case in cases)
    return {"tests": str(len(cases)), "failures": str(failures), "errors": "0", "skipped": str(skipped)}


def _seconds(cases: Iterable[CaseResult]) -> str:
    sides = (side for case in cases for side in (case.legacy, case.service) if side is not None)
    return f"{sum(side.seconds for side in sides):.3f}"


def _add(suite: ET.Element, case: CaseResult) -> None:
    name = _fit(f"{case.number}: {case}")
    made = ET.SubElement(suite, "testcase", name=name, classname=_fit(case.route), time=_seconds([case]))
    if case.outcome is Outcome.SKIPPED:
        ET.SubElement(made, "skipped", message=_fit(case.reason))
    blocking = [finding for finding in case.findings if finding.blocks]
    if blocking:
        worst = min(blocking, key=lambda finding: (finding.severity.rank, finding.drift.rank))
        failure = ET.SubElement(made, "failure", type=worst.drift.value, message=_fit(worst.message))
        failure.text = _fit("\n".join(_line(finding) for finding in blocking))
    others = [finding for finding in case.findings if not finding.blocks]
    if others:
        ET.SubElement(made, "system-out").text = _fit("\n".join(_line(finding) for finding in others))


def _line(finding: ReplayFinding) -> str:
    return f"{finding.severity.value} {finding.drift.value}: {finding.message}"


def _fit(text: str) -> str:
    return UNFIT.sub("\ufffd", text)
