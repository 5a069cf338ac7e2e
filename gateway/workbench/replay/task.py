"""A case that is to be played, and of whom it is to be asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gateway.workbench.corpus import Case, User
from gateway.workbench.replay.result import CORPUS, EVERYONE, CaseResult, Outcome

__all__ = ["ANOTHER", "Task", "as_everyone", "tasks_of"]

ANOTHER = "another user"  # somebody else than the user of the case
EVERYONE_ELSE = (("anonymous", "anonymous"), (ANOTHER, "user"), ("staff", "staff"))


@dataclass(frozen=True, slots=True)
class Task:
    """A case that is to be played; see CaseResult."""

    number: int
    case: Case
    source: str = CORPUS
    origin: int | None = None
    acting: str | None = None

    def result(self, reason: str = "") -> CaseResult:
        """What there is to say before it is played, or as it can't be, for this `reason`."""
        return CaseResult(
            self.number,
            self.case.route or "",
            self.case,
            Outcome.SKIPPED,
            self.source,
            self.origin,
            self.acting,
            reason,
        )


def tasks_of(cases: Iterable[Case], source: str = CORPUS, first: int = 1) -> list[Task]:
    """Each case, as whom it was recorded."""
    return [Task(number, case, source) for number, case in enumerate(cases, first)]


def as_everyone(tasks: Iterable[Task], first: int) -> Iterator[Task]:
    """Each again as everybody else: nobody, another user, one of the staff. What only differs in who asked is asked
    once."""
    seen = set()
    number = first
    for task in tasks:
        case = task.case
        asked = case.method, case.target, case.body
        for acting, kind in EVERYONE_ELSE:
            if case.user.kind == kind and acting != ANOTHER:
                continue
            # Who the owner is tells who another one is not.
            user = User(kind, case.user.ref if acting == ANOTHER else None)  # type: ignore[arg-type] # one of its kinds
            if (*asked, acting, user.ref) in seen:
                continue
            seen.add((*asked, acting, user.ref))
            yield Task(number, replace(case, user=user, answer=None), EVERYONE, task.number, acting)
            number += 1
