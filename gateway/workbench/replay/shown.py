"""Responses as they are shown in a result: redacted and shortened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.parity.answer import Answer
from gateway.parity.intentions import Intention
from gateway.parity.redact.redaction import Redaction, redact
from gateway.parity.rows import UNKNOWN, Rows, Value
from gateway.parity.writing import rows_of
from gateway.workbench.corpus import RecordedResponse
from gateway.workbench.replay.result import RowChange, SideAnswer

__all__ = ["brief", "recorded_answer", "shown"]

MOST_ROWS = 20
LONGEST = 4000  # characters of a body


def recorded_answer(reply: RecordedResponse) -> Answer:
    """A recorded response, to compare with. Its statements and rows are unknown."""
    headers = tuple(
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in reply.headers
    )
    return Answer(reply.status, headers, reply.body, 0.0)


def brief(answer: Answer) -> SideAnswer:
    """A response without differences: status, duration and number of statements."""
    return SideAnswer(answer.status, answer.seconds, statements=answer.sql.count if answer.sql is not None else None)


def shown(answer: Answer, redaction: Redaction, intentions: Iterable[Intention] = ()) -> SideAnswer:
    """A response with differences, and what else would have been changed (`intentions`)."""
    safe = redact(answer, redaction)
    failed = safe.failed if not answer.raised else f"{safe.failed or ''} {answer.raised}".strip()
    return SideAnswer(
        answer.status,
        answer.seconds,
        media_type=answer.media_type,
        body=safe.body.decode("utf-8", "replace")[:LONGEST],
        failed=failed,
        statements=None if answer.sql is None else answer.sql.count,
        tables_read=() if answer.sql is None else tuple(sorted(answer.sql.tables() - answer.sql.written())),
        tables_written=() if answer.sql is None else tuple(sorted(answer.sql.written())),
        rows=() if answer.rows is None else tuple(_rows(answer.rows, redaction)),
        effects=(*(answer.effects or ()), *(redaction.masker.text(one.in_words) for one in intentions)),
    )


def _rows(rows: Rows, redaction: Redaction) -> Iterator[RowChange]:
    masker = redaction.masker
    for written in rows.written[:MOST_ROWS]:
        for row in rows_of(written, rows.tables.get(written.table, UNKNOWN))[:MOST_ROWS]:
            columns = {name: _text(value, row.table, name, redaction) for name, value in row.columns.items()}
            key = None if row.key is None else masker.text(row.key)
            yield RowChange(row.table, row.kind if row.readable else "write", key, columns)


def _text(value: Value, table: str, column: str, redaction: Redaction) -> str | None:
    if value is None:
        return None
    masker = redaction.masker
    covered = masker.covers(table) or masker.covers(column)
    return masker.value(list(value) if isinstance(value, tuple) else value, "", covered=covered)
