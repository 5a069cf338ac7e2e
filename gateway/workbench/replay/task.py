"""Cases to play, and the users they are sent as."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gateway.workbench.corpus import Case, User
from gateway.workbench.replay.result import CORPUS, EVERYONE, CaseResult, Outcome

__all__ = ["ANOTHER", "Task", "as_everyone", "tasks_of"]

ANOTHER = "another user"  # not the user of the case
EVERYONE_ELSE = (("anonymous", "anonymous"), (ANOTHER, "user"), ("staff", "staff"))


@dataclass(frozen=True, slots=True)
class Task:
    """A case to play; see CaseResult for the attributes."""

    number: int
    case: Case
    source: str = CORPUS
    origin: int | None = None
    acting: str | None = None

    def result(self, reason: str = "") -> CaseResult:
        """The result as long as the case is not played, or if it can't be, with the `reason`."""
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
    """A task for each case, as the recorded user. Numbers start at `first`."""
    return [Task(number, case, source) for number, case in enumerate(cases, first)]


def as_everyone(tasks: Iterable[Task], first: int) -> Iterator[Task]:
    """The tasks again as other users: anonymous, another user, a staff user. Requests that differ only in the user are
    sent once as each."""
    seen = set()
    number = first
    for task in tasks:
        case = task.case
        asked = case.method, case.target, case.body
        for acting, kind in EVERYONE_ELSE:
            if case.user.kind == kind and acting != ANOTHER:
                continue
            # "another user" needs the owner, who is left out.
            user = User(kind, case.user.ref if acting == ANOTHER else None)  # type: ignore[arg-type] # one of its kinds
            if (*asked, acting, user.ref) in seen:
                continue
            seen.add((*asked, acting, user.ref))
            yield Task(number, replace(case, user=user, answer=None), EVERYONE, task.number, acting)
            number += 1
