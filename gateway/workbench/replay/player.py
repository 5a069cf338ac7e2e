"""Plays one case: sends it to both sides, compares, and repeats it if they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from http import HTTPStatus

from gateway.config.guard import Guard
from gateway.mirroring.rules import Rules
from gateway.parity.answer import Answer
from gateway.parity.compare import Comparison, compare
from gateway.parity.difference import Difference
from gateway.parity.findings import Findings
from gateway.parity.intentions import Intention, compare_intentions
from gateway.parity.redact.redaction import Redaction
from gateway.parity.rules import CompareRules
from gateway.parity.severity import Severity
from gateway.rollout.decision import LEGACY
from gateway.snapshot import Snapshot
from gateway.workbench.replay.asker import Answered, Asker, CaseSkipped, Prepared
from gateway.workbench.replay.drift import finding_of, says_shape, slower
from gateway.workbench.replay.finals import without_equal_rows
from gateway.workbench.replay.result import BOTH, EVERYONE, CaseResult, Outcome, ReplayFinding
from gateway.workbench.replay.shown import brief, recorded_answer, shown
from gateway.workbench.replay.task import Task
from gateway.workbench.replay.users import LoginError

__all__ = ["Player"]

MUCH = 0.1  # seconds above the limit that a busy machine doesn't explain
TRIES = 3  # measurements if the service seems slower


class Player:
    """Plays cases on `side`: "both"; or "legacy" or "service", compared with the recorded response. `redacted`: the
    recording has pseudonyms, so that its values can't be compared."""

    def __init__(
        self, asker: Asker, rules: Rules, snapshot: Snapshot, *, side: str = BOTH, redacted: bool = True
    ) -> None:
        self._asker = asker
        self._rules = rules
        self._snapshot = snapshot
        self._side = side
        self._redacted = redacted

    def play(self, task: Task) -> CaseResult:
        """The result of a case. Raises nothing because of the case or an upstream."""
        result = CaseResult(
            task.number, task.case.route or "", task.case, Outcome.SKIPPED, task.source, task.origin, task.acting
        )
        try:
            prepared = self._asker.prepare(task.case, task.acting)
            result = replace(result, route=prepared.policy.route)
            return (self._both if self._side == BOTH else self._one)(task, prepared, result)
        except (CaseSkipped, LoginError) as exc:
            return replace(result, reason=str(exc))

    def _both(self, task: Task, prepared: Prepared, result: CaseResult) -> CaseResult:
        rules, redaction = self._rules.of(prepared.policy.route)
        legacy, service = self._legacy(prepared), self._service(prepared)
        if legacy.answer.failed is not None:
            raise CaseSkipped(f"legacy gives no answer: {legacy.answer.failed}")
        found, errors = _differences(legacy, service, rules, prepared.sent)
        if service.refused is not None and not found:
            raise CaseSkipped(service.refused)
        kept, noise = self._confirmed(prepared, found, rules)
        findings = [*self._findings(task, kept, redaction)]
        if service.refused is None:
            findings += self._slower(prepared, legacy.answer, service.answer)
        if errors and not findings:
            raise CaseSkipped(f"can't be compared: {'; '.join(errors)}")
        result = replace(result, findings=tuple(findings), noise=noise)
        if all(finding.severity is Severity.NOTE for finding in findings):
            sides = brief(legacy.answer), brief(service.answer)
            return replace(result, outcome=Outcome.EQUAL, legacy=sides[0], service=sides[1])
        sides = (
            shown(legacy.answer, redaction, legacy.intentions),
            shown(service.answer, redaction, service.intentions),
        )
        return replace(result, outcome=Outcome.DIFFERENT, legacy=sides[0], service=sides[1])

    def _one(self, task: Task, prepared: Prepared, result: CaseResult) -> CaseResult:
        """The result for one side, compared with the recorded response. Rows are not recorded, so they are not
        compared."""
        if task.case.answer is None:
            raise CaseSkipped("nothing was recorded of its answer")
        rules, redaction = self._rules.of(prepared.policy.route)
        recorded = recorded_answer(task.case.answer)
        ask = self._legacy if self._side == LEGACY else self._service
        asked = ask(prepared)
        if asked.refused is not None:
            raise CaseSkipped(asked.refused)
        now = asked.answer
        found = self._against(recorded, now, rules, prepared)
        if any(one.severity is not Severity.NOTE for one in found):
            again = {_place(one) for one in self._against(recorded, ask(prepared).answer, rules, prepared)}
            found = [one for one in found if _place(one) in again]
        findings = tuple(self._findings(task, found, redaction))
        outcome = Outcome.EQUAL if all(one.severity is Severity.NOTE for one in findings) else Outcome.DIFFERENT
        sides = shown(recorded, redaction), shown(now, redaction)
        return replace(result, outcome=outcome, findings=findings, legacy=sides[0], service=sides[1])

    def _against(self, recorded: Answer, now: Answer, rules: CompareRules, prepared: Prepared) -> list[Difference]:
        """The differences from the recorded response. If its values are pseudonyms, only the shape counts."""
        found = compare(recorded, now, rules, prepared.sent).differences
        return [one for one in found if not self._redacted or says_shape(one)]

    def _legacy(self, prepared: Prepared) -> Answered:
        return self._asker.ask(prepared, LEGACY)

    def _service(self, prepared: Prepared) -> Answered:
        return self._asker.ask(prepared, prepared.policy.service)

    def _findings(self, task: Task, differences: Iterable[Difference], redaction: Redaction) -> Iterator[ReplayFinding]:
        for difference in differences:
            yield finding_of(task.case.endpoint, difference, redaction, as_everyone=task.source == EVERYONE)

    def _confirmed(
        self, prepared: Prepared, found: list[Difference], rules: CompareRules
    ) -> tuple[list[Difference], int]:
        """The differences that occur again and that legacy doesn't have from itself; and the number of the others. So
        what a process does only at its first request (filling the cache of content types) is no difference."""
        if all(difference.severity is Severity.NOTE for difference in found):
            return found, 0
        legacy, service, again = self._legacy(prepared), self._service(prepared), self._legacy(prepared)
        places = {_place(one) for one in _differences(legacy, service, rules, prepared.sent)[0]}
        places -= {_place(one) for one in _differences(legacy, again, rules, prepared.sent)[0]}
        kept = [one for one in found if _place(one) in places]
        return kept, len(found) - len(kept)

    def _slower(self, prepared: Prepared, legacy: Answer, service: Answer) -> Iterator[ReplayFinding]:
        """A finding if the service is slower than the route's guard allows, by the fastest of several measurements of
        each side. Not of a view that fails: most of its time may be the error page's, which shows more frames."""
        config = self._snapshot.routes[prepared.policy.route].guard
        guard = config.guard() if config else Guard()
        if guard.p95_delta is None or service.failed is not None or legacy.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return
        fast, slow = legacy.seconds, service.seconds
        for tries in range(TRIES):
            if slow <= max(fast * (1 + guard.p95_delta), guard.p95_floor) + MUCH:
                return
            if tries == TRIES - 1:
                yield slower(fast, slow)
                return
            fast = min(fast, self._legacy(prepared).answer.seconds)
            slow = min(slow, self._service(prepared).answer.seconds)


def _differences(
    legacy: Answered, service: Answered, rules: CompareRules, sent: bytes
) -> tuple[list[Difference], tuple[str, ...]]:
    """The differences, and what could not be compared. If a side sent an unrecorded request to another server, only its
    requests to other servers are compared."""
    if service.refused is not None:
        asked = ([one for one in side.intentions if one.kind == "request"] for side in (legacy, service))
        return [*_intended(*asked, rules=rules).differences], ()
    found = compare(legacy.answer, service.answer, rules, sent)
    differences = without_equal_rows(found.differences, legacy.finals, service.finals)
    if legacy.answer.status // 100 != service.answer.status // 100:  # another kind of response has other effects
        return differences, found.errors
    intended = _intended(legacy.intentions, service.intentions, rules=rules)
    return [*differences, *intended.differences], (*found.errors, *intended.errors)


def _intended(legacy: Sequence[Intention], service: Sequence[Intention], *, rules: CompareRules) -> Comparison:
    findings = Findings(rules)
    if legacy or service:
        compare_intentions(legacy, service, findings)
    return findings.result()


def _place(difference: Difference) -> tuple[str, str]:
    return difference.kind, difference.pointer
