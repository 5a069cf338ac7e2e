"""Records what Django's connections execute, to compare what two upstreams do in the database."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models import Model
from django.db.models.signals import post_save

from gateway.clock import SYSTEM
from gateway.context.models import kept_elsewhere, known_tables, tables_of_row
from gateway.context.recording import Recorder, recorder
from gateway.parity.rows import UNKNOWN, Written, reduced, values_of
from gateway.parity.tables import written_by, written_first

__all__ = ["record_sql", "text_of"]

WRITES = re.compile(r"\s*(?:/\*.*?\*/\s*)?(?:INSERT|UPDATE|DELETE|REPLACE|MERGE|TRUNCATE|WITH)\b", re.IGNORECASE)


def record_sql() -> None:
    """From now on, new connections record what they execute while a `recorder` is set. Open ones don't."""
    connection_created.connect(_wrap, dispatch_uid="gateway.sql")
    post_save.connect(_note_key, dispatch_uid="gateway.sql")
    _note_ends()


def _wrap(connection: BaseDatabaseWrapper, **_: object) -> None:
    # Not `execute_wrapper()`, which is for a block of code: this stays as long as the connection. It is inserted first,
    # since the end of such a block removes the last wrapper.
    if _note not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _note)


def _note(execute: Callable[..., Any], sql: Any, params: Any, many: Any, context: Any) -> Any:
    current = recorder.get()
    if current is None:
        return execute(sql, params, many, context)
    connection = context["connection"]
    statement = text_of(sql, context)
    current.noting(current.add, statement, id(connection))
    result = execute(sql, params, many, context)
    if WRITES.match(statement) is not None:  # one that failed has written nothing
        current.noting(_note_write, current, statement, params if many else [params], context)
    return result


def text_of(sql: Any, context: Any) -> str:
    """The text of a statement as `execute` takes it: psycopg has composed statements, too."""
    if isinstance(sql, str):
        return sql
    if isinstance(sql, bytes):
        return sql.decode("utf-8", "replace")
    return str(sql.as_string(context["connection"].connection))


# -- rows -----------------------------------------------------------------------------------------


def _note_write(current: Recorder, statement: str, executions: Any, context: Any) -> None:
    connection = context["connection"]
    if (table := written_first(statement)) is not None and ";" not in statement:
        tables = [table]
    else:
        tables = sorted(written_by(statement))
        executions = [None] if len(tables) > 1 else executions
    if not isinstance(executions, Sequence):  # an iterator, which is used up
        executions = [iter(())]
    rows = _count(statement, len(executions), context)
    for name in tables:
        if name in kept_elsewhere():
            continue
        for params in executions:
            if not current.has_room(len(params) if isinstance(params, Sequence) else 0):
                return
            written = Written(name, statement, values_of(params), rows, SYSTEM.time())
            current.write(written, known_tables().get(name, UNKNOWN), id(connection), atomic=connection.in_atomic_block)


def _count(statement: str, times: int, context: Any) -> int | None:
    """How many rows each of `times` executions has written; None when the driver doesn't tell (PEP 249)."""
    rows = getattr(context["cursor"], "rowcount", -1)
    if not isinstance(rows, int) or rows < 0:
        return None
    if context["connection"].vendor == "sqlite" and "RETURNING" in statement:
        return None  # the driver counts them only when all results were fetched
    return rows if times == 1 else (1 if rows == times else None)


def _note_key(sender: type[Model], instance: Model, created: bool, **_: object) -> None:
    """Note the primary key that the database has given to a row: it is in no statement."""
    current = recorder.get()
    if current is None or not created:
        return
    key = reduced(instance.pk)
    if isinstance(key, str):
        for table in tables_of_row(sender):
            current.key_of_inserted(table, key)


def _note_ends() -> None:
    """Record how transactions end: writes that are rolled back don't count. For savepoints, the statements tell."""
    if hasattr(BaseDatabaseWrapper, "notes_ends"):
        return
    wrapper: Any = BaseDatabaseWrapper
    wrapper.commit = _ending(wrapper.commit, Recorder.committed)
    wrapper.rollback = _ending(wrapper.rollback, Recorder.rolled_back)
    wrapper.notes_ends = True


def _ending(method: Callable[..., None], note: Callable[[Recorder, int], None]) -> Callable[..., None]:
    @wraps(method)
    def ended(self: BaseDatabaseWrapper) -> None:
        method(self)
        if (current := recorder.get()) is not None:
            note(current, id(self))

    return ended
