"""Collects what one comparison finds, within limits."""

from __future__ import annotations

from gateway.parity.difference import Comparison, Difference
from gateway.parity.rules import Accepted, CompareRules
from gateway.parity.severity import KINDS, Severity

__all__ = ["BUDGET", "Exhausted", "Findings"]

BUDGET = 200_000  # values, elements and items that one comparison looks at: limits its processor time
EXAMPLES = 10  # kept for each accepted difference
ERRORS = 20


class Exhausted(Exception):
    """The comparison has used up its budget."""


class Findings:
    """Collects the result of one comparison. `rules` are those of the route."""

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
        """Count values about to be compared. Raises Exhausted when the budget is used up."""
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
        """Add a difference, with the severity that the route's rules set; else the one given, or the kind's default."""
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
            # The last place is for the worst, so that the worst severity doesn't depend on the order in the body.
            self._differences[-1] = difference

    def ignore(self) -> None:
        """Count a difference that a rule covers."""
        self._ignored += 1

    def error(self, message: str) -> None:
        """Add something that could not be compared. The message contains nothing from a body."""
        if len(self._errors) < ERRORS:
            self._errors[message] = None

    def result(self) -> Comparison:
        """The comparison."""
        return Comparison(
            tuple(self._differences),
            tuple(self._accepted),
            self._ignored,
            tuple(self._errors),
            self._cut,
            self._matches,
        )
