"""What `gateway replay` prints: findings and a summary, or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.cli.common import say

if TYPE_CHECKING:
    from gateway.workbench.replay.result import CaseResult, ReplayFinding, ReplayResult

__all__ = ["described", "print_result"]

SHOWN = 30  # findings
STYLES = {"critical": "bold red", "breaking": "red", "warning": "yellow", "note": "dim"}

GroupKey = tuple[str, str, str, str, str]  # endpoint, kind of failure, severity, kind of difference, place


def described(result: ReplayResult) -> dict[str, Any]:
    """The result in the form of `ReplayDocument` in workbench/shapes."""
    from datetime import UTC, datetime

    from gateway.workbench.replay.result import Outcome

    return {
        "side": result.side,
        "corpus": result.corpus,
        "equal": result.equal,
        "started": datetime.fromtimestamp(result.started, UTC),
        "duration_seconds": result.seconds,
        "jobs": result.jobs,
        "counts": {outcome.value: len(result.of(outcome)) for outcome in Outcome},
        "drifts": {drift.value: count for drift, count in result.drifts.items()},
        "skipped": [{"reason": reason, "cases": count} for reason, count in result.skipped.items()],
        "otherwise": [{"recorded": was, "now": now, "cases": count} for (was, now), count in result.otherwise.items()],
        "releases": dict(result.releases),
        "cases": [_case(case) for case in result.cases if case.findings],
    }


def _case(case: CaseResult) -> dict[str, Any]:
    return {
        "number": case.number,
        "route": case.route,
        "method": case.case.method,
        "template": case.case.template,
        "target": case.case.target,
        "user": case.case.user.kind,
        "acting": case.acting,
        "source": case.source,
        "origin": case.origin,
        "legacy_status": case.legacy.status if case.legacy is not None else None,
        "service_status": case.service.status if case.service is not None else None,
        "findings": [_finding(finding) for finding in case.findings],
    }


def _finding(finding: ReplayFinding) -> dict[str, Any]:
    return {
        "drift": finding.drift.value,
        "kind": finding.kind,
        "pointer": finding.pointer,
        "severity": finding.severity.value,
        "expected": finding.expected,
        "actual": finding.actual,
        "message": finding.message,
    }


def print_result(result: ReplayResult, *, verbose: bool) -> None:
    """Print the worst findings, those that are alike once, and a summary; `verbose`: all findings, notes too."""
    from rich.text import Text

    from gateway.cli.tables import show

    groups = {key: found for key, found in _grouped(result).items() if verbose or found[0][1].severity.value != "note"}
    for number, ((endpoint, drift, severity, *_), found) in enumerate(groups.items()):
        if number == SHOWN and not verbose:
            say(f"… and {len(groups) - SHOWN} more: --verbose shows them all")
            break
        case, finding = found[0]
        count = f", {len(found)} cases" if len(found) > 1 else ""
        show(Text.assemble((f"{severity} ", STYLES[severity]), f"{drift}  {endpoint}  {finding.message}{count}"))
        say(f"    {case}")
    say(_summary(result))


def _grouped(result: ReplayResult) -> dict[GroupKey, list[tuple[CaseResult, ReplayFinding]]]:
    """The findings, the worst first; equal ones of an endpoint are grouped."""
    from gateway.parity.fingerprint import generalised

    groups: dict[GroupKey, list[tuple[CaseResult, ReplayFinding]]] = {}
    for case, finding in result.findings:
        place = generalised(finding.pointer.partition(" (")[0])
        key = case.case.endpoint, finding.drift.value, finding.severity.value, finding.kind, place
        groups.setdefault(key, []).append((case, finding))
    return groups


def _summary(result: ReplayResult) -> str:
    from gateway.workbench.replay.result import Outcome

    equal, different = len(result.of(Outcome.EQUAL)), len(result.of(Outcome.DIFFERENT))
    played = equal + different
    speed = f", {played / result.seconds:,.0f} a second" if result.seconds else ""
    lines = [f"{played:,} cases in {result.seconds:.1f} s{speed}: {equal:,} equal, {different:,} different"]
    if result.broken:
        lines.append(
            f"{result.broken:,} are errors (500 and above) in legacy too: see whether the copied database has the rows"
        )
    lines += [f"{count:,} not compared: {reason}" for reason, count in result.skipped.items()]
    lines += [
        f"{count:,} are answered otherwise by legacy than they were recorded, {now} and not {was}: rows or credentials "
        "may be missing here"
        for (was, now), count in result.otherwise.items()
    ]
    return "\n".join(lines)
