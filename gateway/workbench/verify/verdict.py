"""The verdict of each step, and the overall verdict."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["StepVerdict", "Verification", "VerifyStep"]


class StepVerdict(enum.StrEnum):
    """PASSED: no problem was found. FAILED: there is a problem. UNKNOWN: it could not be determined."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class VerifyStep:
    """One step. `summary` is the result in one line, `details` all of it; `next` is what to do about it, None if there
    is nothing to do. `proves`: the step is needed to know whether both sides are equal."""

    name: str
    verdict: StepVerdict
    summary: str
    next: str | None = None
    details: tuple[str, ...] = ()
    proves: bool = False


@dataclass(frozen=True, slots=True)
class Verification:
    """All steps of one route, in order."""

    route: str
    steps: Sequence[VerifyStep]

    @property
    def verdict(self) -> StepVerdict:
        """FAILED if a step has failed; PASSED if both sides were found to be equal; else UNKNOWN."""
        if any(step.verdict is StepVerdict.FAILED for step in self.steps):
            return StepVerdict.FAILED
        if any(step.proves and step.verdict is StepVerdict.PASSED for step in self.steps):
            return StepVerdict.PASSED
        return StepVerdict.UNKNOWN

    @property
    def next(self) -> str | None:
        """What to do next: what the first failed step says, else the first unknown one, else the last step."""
        for verdict in (StepVerdict.FAILED, StepVerdict.UNKNOWN):
            for step in self.steps:
                if step.verdict is verdict and step.next is not None:
                    return step.next
        return self.steps[-1].next if self.steps else None
