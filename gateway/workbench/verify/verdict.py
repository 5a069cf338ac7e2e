"""The verdict of each step, and the overall verdict."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Step", "Verdict", "Verification"]


class Verdict(enum.StrEnum):
    """PASSED: no problem was found. FAILED: there is a problem. UNKNOWN: it could not be determined."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `summary` is the result in one line, `details` all of it; `next` is what to do about it, None if there
    is nothing to do. `proves`: the step is needed to know whether both sides are equal."""

    name: str
    verdict: Verdict
    summary: str
    next: str | None = None
    details: tuple[str, ...] = ()
    proves: bool = False


@dataclass(frozen=True, slots=True)
class Verification:
    """All steps of one route, in order."""

    route: str
    steps: Sequence[Step]

    @property
    def verdict(self) -> Verdict:
        """FAILED if a step has failed; PASSED if both sides were found to be equal; else UNKNOWN."""
        if any(step.verdict is Verdict.FAILED for step in self.steps):
            return Verdict.FAILED
        if any(step.proves and step.verdict is Verdict.PASSED for step in self.steps):
            return Verdict.PASSED
        return Verdict.UNKNOWN

    @property
    def next(self) -> str | None:
        """What to do next: what the first failed step says, else the first unknown one, else the last step."""
        for verdict in (Verdict.FAILED, Verdict.UNKNOWN):
            for step in self.steps:
                if step.verdict is verdict and step.next is not None:
                    return step.next
        return self.steps[-1].next if self.steps else None
