"""A report of a replay as one page. It loads nothing and runs no scripts, so it can be sent to anybody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from gateway.workbench.corpus import Case
from gateway.workbench.replay.result import (
    CaseResult,
    Drift,
    Outcome,
    ReplayFinding,
    ReplayResult,
    RowChange,
    SideAnswer,
)
from gateway.workbench.reports.comparison import escaped, side_by_side
from gateway.workbench.reports.style import POLICY, STYLE, box_of

__all__ = ["html_report"]

MOST_CASES = 500  # cases that are shown
OPEN = 3  # cases that are open initially
MOST_BODY = 4000  # characters of a request's body


def html_report(result: ReplayResult) -> str:
    """The page. All content from traffic is escaped."""
    return "\n".join(_page(result)) + "\n"


def _page(result: ReplayResult) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escaped(POLICY)}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="robots" content="noindex">'
    yield f"<title>{escaped(_headline(result))}</title>\n<style>{STYLE}</style>\n</head>\n<body>"
    yield f"<h1>{escaped(_headline(result))}</h1>"
    yield f'<p class="dim">{escaped(_origin(result))}</p>'
    yield from _filters(result)
    yield "<main>"
    yield from _overview(result)
    yield from _cases(result)
    yield "</main>\n</body>\n</html>"


def _headline(result: ReplayResult) -> str:
    different, skipped = len(result.of(Outcome.DIFFERENT)), len(result.of(Outcome.SKIPPED))
    compared = len(result.cases) - skipped
    if not compared:
        return "Replay: nothing could be compared"
    blocking = sum(case.blocks for case in result.cases)
    if blocking:
        return f"Replay: {blocking:,} of {compared:,} cases keep their route from being promoted"
    return f"Replay: {compared:,} cases, {'none differs' if not different else f'{different:,} differ harmlessly'}"


def _origin(result: ReplayResult) -> str:
    when = datetime.fromtimestamp(result.started, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    releases = ", ".join(f"{route} at {release}" for route, release in sorted(result.releases.items()) if release)
    parts = [result.corpus or "generated cases", when, f"{result.seconds:.1f} s", releases]
    return " · ".join(part for part in parts if part)


# -- sections -------------------------------------------------------------------------------------


def _filters(result: ReplayResult) -> Iterator[str]:
    """The checkboxes, which must come before the elements that they show and hide."""
    drifts = [drift for drift in Drift if result.drifts.get(drift)]
    names = [(box_of(drift), f"{drift.value} {result.drifts[drift]:,}") for drift in drifts]
    notes = sum(finding.severity.value == "note" for _, finding in result.findings)
    if notes:
        names.append(("notes", f"notes {notes:,}"))
    for name, _ in names:
        yield f'<input class="box" type="checkbox" id="{name}" checked>'
    if names:
        yield "<nav>"
        yield from (f'<label for="{name}">{escaped(text)}</label>' for name, text in names)
        yield "</nav>"


def _overview(result: ReplayResult) -> Iterator[str]:
    found: dict[str, list[CaseResult]] = {}
    for case in result.cases:
        found.setdefault(case.case.endpoint, []).append(case)
    yield '<table class="counts"><thead><tr><th>endpoint</th><th>cases</th><th>equal</th><th>different</th>'
    yield "<th>not compared</th></tr></thead><tbody>"
    for endpoint, cases in sorted(found.items()):
        counts = [sum(case.outcome is outcome for case in cases) for outcome in Outcome]
        cells = "".join(f"<td>{count:,}</td>" for count in (len(cases), *counts))
        yield f"<tr><td><code>{escaped(endpoint)}</code></td>{cells}</tr>"
    yield "</tbody></table>"
    reasons = [f"{count:,} not compared: {reason}" for reason, count in result.skipped.items()]
    reasons += [
        f"{count:,} are answered {now} by legacy here, and were {was} when they were recorded"
        for (was, now), count in result.otherwise.items()
    ]
    if reasons:
        yield f"<ul>{''.join(f'<li>{escaped(reason)}</li>' for reason in reasons)}</ul>"


def _cases(result: ReplayResult) -> Iterator[str]:
    cases = [case for case in result.cases if case.findings]
    cases.sort(key=lambda case: (min(one.severity.rank for one in case.findings), case.case.endpoint, case.number))
    if not cases and result.equal:
        yield '<p class="good">Both sides say and do the same.</p>'
    endpoint = None
    for shown, case in enumerate(cases[:MOST_CASES]):
        if case.case.endpoint != endpoint:
            endpoint = case.case.endpoint
            yield f"<h2><code>{escaped(endpoint)}</code></h2>"
        yield from _case(case, is_open=shown < OPEN)
    if len(cases) > MOST_CASES:
        yield f"<p>… and {len(cases) - MOST_CASES:,} more cases, which `--json` has.</p>"


# -- one case -------------------------------------------------------------------------------------


def _case(case: CaseResult, *, is_open: bool) -> Iterator[str]:
    kinds = {_classes(finding) for finding in case.findings}
    shared = kinds.pop() if len(kinds) == 1 else ""
    worst = min(case.findings, key=lambda finding: finding.severity.rank).severity.value
    more = f", and {len(case.findings) - 1} more" if len(case.findings) > 1 else ""
    title = f'<span class="mark">{worst}</span> {escaped(case.findings[0].message)}{more}'
    yield f'<details class="case {shared}"{" open" if is_open else ""}><summary class="{worst}">{title}'
    yield f'<br><code class="dim">{case.number}: {escaped(str(case))}</code></summary>'
    yield "<ul>"
    yield from (_finding(finding) for finding in case.findings)
    yield "</ul>"
    yield from _request(case.case)
    yield from _sides(case)
    yield "</details>"


def _classes(finding: ReplayFinding) -> str:
    return f"{box_of(finding.drift)}{' notes' if finding.severity.value == 'note' else ''}"


def _finding(finding: ReplayFinding) -> str:
    severity = finding.severity.value
    text = f'<span class="mark">{severity}</span> {escaped(finding.drift.value)}: {escaped(finding.message)}'
    place = f' <code class="dim">{escaped(finding.pointer)}</code>' if finding.pointer else ""
    was, now = (escaped("nothing" if side is None else side) for side in (finding.expected, finding.actual))
    sides = f"<br><code><del>{was}</del> → <ins>{now}</ins></code>"
    return f'<li class="{severity} {_classes(finding)}">{text}{place}{sides}</li>'


def _request(case: Case) -> Iterator[str]:
    body = case.body.decode("utf-8", "backslashreplace")
    shown = body if len(body) <= MOST_BODY else body[:MOST_BODY] + "…"
    lines = [f"{case.method} {case.target}", *(f"{name}: {value}" for name, value in case.headers)]
    text = "\n".join([*lines, *(["", shown] if shown else [])])
    yield f"<details><summary>Request</summary><pre>{escaped(text)}</pre></details>"


def _sides(case: CaseResult) -> Iterator[str]:
    legacy, service = case.legacy, case.service
    if legacy is None or service is None:
        return
    yield '<table class="sides"><thead><tr><th>legacy</th><th>service</th></tr></thead><tbody>'
    for title, was, now in _compared(legacy, service):
        if was == now == "":
            continue
        yield f'<tr><th colspan="2" class="dim">{title}</th></tr>'
        for left, right, differs in side_by_side(was, now):
            mark = ' class="differs"' if differs else ""
            yield f'<tr{mark}><td class="text">{left}</td><td class="text">{right}</td></tr>'
    yield "</tbody></table>"


def _compared(legacy: SideAnswer, service: SideAnswer) -> Iterator[tuple[str, str, str]]:
    yield "answer", _head(legacy), _head(service)
    yield "body", legacy.body, service.body
    yield "rows", _rows(legacy.rows), _rows(service.rows)
    yield "beside", "\n".join(legacy.effects), "\n".join(service.effects)
    yield "statements", _statements(legacy), _statements(service)
    yield "time", f"{legacy.seconds * 1000:.1f} ms", f"{service.seconds * 1000:.1f} ms"


def _head(side: SideAnswer) -> str:
    return f"no answer: {side.failed}" if side.failed else f"{side.status} {side.media_type or ''}".strip()


def _rows(rows: Sequence[RowChange]) -> str:
    lines = []
    for row in rows:
        lines.append(f"{row.change} {row.table}{'' if row.key is None else f' {row.key}'}")
        lines += [f"    {name} = {'null' if value is None else value}" for name, value in row.columns.items()]
    return "\n".join(lines)


def _statements(side: SideAnswer) -> str:
    if side.statements is None:
        return ""
    lines = [f"{side.statements} statements", *(f"reads {name}" for name in side.tables_read)]
    return "\n".join([*lines, *(f"writes {name}" for name in side.tables_written)])
