"""What is said of a whole replay."""

from __future__ import annotations

import pytest

from gateway.parity.answer import Answer, Sql
from gateway.parity.redact.redaction import Redaction
from gateway.parity.rows import Rows, Written
from gateway.workbench.corpus import Case
from gateway.workbench.replay.result import CaseResult, Outcome, ReplayResult, SideAnswer
from gateway.workbench.replay.shown import shown


def answered(status: int) -> CaseResult:
    side = SideAnswer(status, 0.1)
    return CaseResult(1, "books", Case("/books/", "GET", "/books/"), Outcome.EQUAL, legacy=side, service=side)


@pytest.mark.parametrize(("statuses", "broken"), [((200, 404), 0), ((500, 200, 503), 2), ((), 0)])
def test_errors_that_both_sides_have_are_counted(statuses, broken):
    assert ReplayResult(tuple(map(answered, statuses))).broken == broken


def test_rows_of_a_response_are_shown_with_their_values_and_without_secrets():
    statement = 'INSERT INTO "users" ("name", "password", "left") VALUES (%s, %s, %s)'
    values = ("ada", "hunter2", None)
    rows = Rows((Written("users", statement, values, 1, 0.0, "7"), Written("t", "TRUNCATE t", (), None, 0.0)), {})
    found = shown(Answer(200, (), b"", 0.1, Sql((statement,), 1), rows=rows), Redaction(b"key"))
    inserted, unreadable = found.rows
    assert (inserted.table, inserted.change, inserted.key) == ("users", "insert", "7")
    assert (inserted.columns["name"], inserted.columns["left"]) == ('"ada"', None)
    assert "hunter2" not in str(found)
    assert (unreadable.table, unreadable.change, unreadable.columns) == ("t", "write", {})
    assert found.tables_written == ("users",)
