"""What each step says, and what follows from all of them."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Step", "Verdict", "Verification"]


class Verdict(enum.StrEnum):
    """PASSED: nothing speaks against it. FAILED: something does. UNKNOWN: it could not be found out."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Step:
    """One of the steps. `summary` says in a line what was found, `details` all of it; `next` what to do about it, None
    where there is nothing. `proves`: without it, nobody knows whether both sides are equal."""

    name: str
    verdict: Verdict
    summary: str
    next: str | None = None
    details: tuple[str, ...] = ()
    proves: bool = False


@dataclass(frozen=True, slots=True)
class Verification:
    """All steps of one route, in their order."""

    route: str
    steps: Sequence[Step]

    @property
    def verdict(self) -> Verdict:
        """FAILED where a step has failed; PASSED where both sides were found to be equal; else UNKNOWN."""
        if any(step.verdict is Verdict.FAILED for step in self.steps):
            return Verdict.FAILED
        if any(step.proves and step.verdict is Verdict.PASSED for step in self.steps):
            return Verdict.PASSED
        return Verdict.UNKNOWN

    @property
    def next(self) -> str | None:
        """The next thing to do: what the first failed step says, else the first unknown one, else the last step."""
        for verdict in (Verdict.FAILED, Verdict.UNKNOWN):
            for step in self.steps:
                if step.verdict is verdict and step.next is not None:
                    return step.next
        return self.steps[-1].next if self.steps else None
