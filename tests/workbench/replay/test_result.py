"""What is said of a whole replay."""

from __future__ import annotations

import pytest

from gateway.workbench.corpus import Case
from gateway.workbench.replay.result import CaseResult, Outcome, ReplayResult, SideAnswer


def answered(status: int) -> CaseResult:
    side = SideAnswer(status, 0.1)
    return CaseResult(1, "books", Case("/books/", "GET", "/books/"), Outcome.EQUAL, legacy=side, service=side)


@pytest.mark.parametrize(("statuses", "broken"), [((200, 404), 0), ((500, 200, 503), 2), ((), 0)])
def test_errors_that_both_sides_have_are_counted(statuses, broken):
    assert ReplayResult(tuple(map(answered, statuses))).broken == broken
