"""Where the parts of one comparison put what they find; bounded."""

from __future__ import annotations

from gateway.parity.difference import KINDS, Comparison, Difference, Severity
from gateway.parity.rules import Accepted, CompareRules

__all__ = ["BUDGET", "Exhausted", "Findings"]

BUDGET = 200_000  # values, elements and items that one comparison looks at, so that no body can hold a processor
EXAMPLES = 10  # of each accepted difference that are kept
ERRORS = 20


class Exhausted(Exception):
    """The comparison has looked at as much as it may."""


class Findings:
    """Collects one comparison. `rules` are those of the route."""

    __slots__ = ("_accepted", "_budget", "_cut", "_differences", "_errors", "_ignored", "_matches", "rules")

    def __init__(self, rules: CompareRules, budget: int = BUDGET) -> None:
        self.rules = rules
        self._budget = budget
        self._differences: list[Difference] = []
        self._accepted: list[tuple[Difference, Accepted]] = []
        self._matches: dict[str, int] = {}
        self._errors: dict[str, None] = {}
        self._ignored = 0
        self._cut = 0

    def spend(self, values: int = 1) -> None:
        """Account for values about to be looked at. Raises Exhausted when there were too many."""
        self._budget -= values
        if self._budget < 0:
            raise Exhausted

    def add(
        self,
        kind: str,
        pointer: str,
        expected: object,
        actual: object,
        *,
        severity: Severity | None = None,
        detail: str = "",
        which: str = "",
    ) -> None:
        """A difference, of the severity that the route's rules say; else the one given, or the kind's usual one."""
        severity = self.rules.severity_of(kind, pointer) or severity or KINDS[kind][0]
        difference = Difference(kind, pointer, severity, expected, actual, detail, which)
        for accepted in self.rules.in_force:
            if accepted.covers(kind, pointer, expected, actual):
                matches = self._matches[accepted.key] = self._matches.get(accepted.key, 0) + 1
                if matches <= EXAMPLES:
                    self._accepted.append((difference, accepted))
                return
        self._keep(difference)

    def _keep(self, difference: Difference) -> None:
        if len(self._differences) < self.rules.max_differences:
            self._differences.append(difference)
            return
        self._cut += 1
        if difference.severity.rank < self._differences[-1].severity.rank:
            # The last place is for the worst, so that how bad an answer is doesn't depend on the order of a body.
            self._differences[-1] = difference

    def ignore(self) -> None:
        """A difference that a rule covers."""
        self._ignored += 1

    def error(self, message: str) -> None:
        """Something that could not be compared. The message has nothing of a body in it."""
        if len(self._errors) < ERRORS:
            self._errors[message] = None

    def result(self) -> Comparison:
        """What was found."""
        return Comparison(
            tuple(self._differences),
            tuple(self._accepted),
            self._ignored,
            tuple(self._errors),
            self._cut,
            self._matches,
        )
