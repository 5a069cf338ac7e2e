"""What one side of a replay has to itself: a whole database, whose transactions end as if they were committed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.db import Error
from django.db.models import Model

from gateway.context.mirror_scope import MirrorScope, mirror_scope
from gateway.context.recording import Recorder, recorder
from gateway.parity.tables import plain
from gateway.shield.effects import named
from gateway.workbench.replay.finals import Finals, read_finals

__all__ = ["ReplayScope"]

PATIENCE = 30.0  # seconds for a lock or a statement: nobody else waits


class ReplayScope(MirrorScope):
    """One side's request. Unlike a mirror's, its database is nobody else's; what is to be checked at a commit is
    checked, and what is to run after it runs, before all is rolled back. What of that fails is noted as an effect.
    `finals` are the rows as they are then."""

    __slots__ = ("_recorder", "finals")

    def __init__(self, recorder: Recorder, *, writes: bool, rolls_back: bool, hosts: frozenset[str]) -> None:
        super().__init__(
            writes=writes, rolls_back=rolls_back, hosts=hosts, lock_timeout=PATIENCE, statement_timeout=PATIENCE
        )
        self._recorder = recorder
        self.finals: Finals = {}

    def owns(self, alias: str) -> bool:  # noqa: ARG002 - as in the base class
        """Every database is."""
        return True

    def conclude(self, connection: Any, pending: int) -> None:
        """As a commit of the project would."""
        if not connection.in_atomic_block or connection.needs_rollback:
            return
        with mirror_scope(self):
            try:
                with noted_by(None):
                    self._check_constraints(connection)
            except Error as exc:
                self._recorder.effects.append(f"the commit fails: {type(exc).__name__}")
                return
            with noted_by(self._recorder):
                self._run_callbacks(connection, pending)
            self._read_finals(connection)

    def _check_constraints(self, connection: Any) -> None:
        """Those that are deferred until a commit."""
        written = self._recorder.sql().written()
        if not written:
            return
        if connection.vendor == "sqlite":  # which looks through whole tables
            connection.check_constraints(table_names=_concerned(written))
        else:
            connection.check_constraints()

    def _read_finals(self, connection: Any) -> None:
        rows = self._recorder.rows()
        if rows is not None and rows.written:
            with noted_by(None), suppress(Error):  # a table of another database, say: then they stay as they are said
                self.finals = {**self.finals, **read_finals(connection, rows)}

    def _run_callbacks(self, connection: Any, pending: int) -> None:
        """As `captureOnCommitCallbacks(execute=True)` of Django's tests does, with those that they register too."""
        done = pending
        while done < len(connection.run_on_commit):
            _, function, robust = connection.run_on_commit[done]
            done += 1
            try:
                function()
            except Exception as exc:  # noqa: BLE001 - it is the project's
                self._recorder.effects.append(f"{named(function)} fails: {type(exc).__name__}")
                if not robust:
                    return


@contextmanager
def noted_by(notes: Recorder | None) -> Iterator[None]:
    """A block in which what is done is noted there."""
    token = recorder.set(notes)
    try:
        yield
    finally:
        recorder.reset(token)


@lru_cache(maxsize=256)
def _concerned(written: frozenset[str]) -> list[str]:
    """The tables that may refer to a row that isn't there, after those were written to: they, and who refers to
    them."""
    models = apps.get_models(include_auto_created=True)
    known = {_table(model) for model in models if not _reach(model).isdisjoint(written)}
    return sorted(known | (written - {plain(table) for table in known}))


def _reach(model: type[Model]) -> set[str]:
    """The table of a model, and those that it refers to."""
    related = (field.related_model for field in _meta(model).local_fields)
    return {plain(_table(one)) for one in (model, *related) if one is not None}


def _table(model: type[Model]) -> str:
    name: str = _meta(model).db_table
    return name


def _meta(model: type[Model]) -> Any:
    return model._meta  # noqa: SLF001 - Django documents it, name and all
