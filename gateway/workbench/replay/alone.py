"""Runs one side of a replay on a database of its own, where transactions end as if they were committed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.db import Error

from gateway.context.intentions import Intentions
from gateway.context.mirror_scope import MirrorScope, mirror_scope
from gateway.context.recording import Recorder, recorded_by, unrecorded
from gateway.parity.intentions import Intention
from gateway.shield.caches import cache_intentions
from gateway.shield.effects import named
from gateway.workbench.corpus import Outbound
from gateway.workbench.replay.constraints import check_foreign_keys
from gateway.workbench.replay.finals import Finals, read_finals
from gateway.workbench.replay.outbound import PlayedClients, RecordedAnswers

__all__ = ["ReplayScope"]

PATIENCE = 30.0  # seconds for a lock or a statement; no caller waits for them


class ReplayScope(MirrorScope):
    """One side's request. Unlike a mirror, it has the database to itself: before its transaction is rolled back,
    constraints that are checked at a commit are checked, and `on_commit` functions run; failures of these are noted as
    effects.

    `finals` are the values of the written rows at that time. Requests to other servers get their `recorded` responses.
    """

    __slots__ = ("_clients", "_noted", "_recorder", "finals")

    def __init__(
        self,
        recorder: Recorder,
        *,
        writes: bool,
        rolls_back: bool,
        hosts: frozenset[str],
        recorded: Sequence[Outbound] = (),
    ) -> None:
        super().__init__(
            writes=writes, rolls_back=rolls_back, hosts=hosts, lock_timeout=PATIENCE, statement_timeout=PATIENCE
        )
        self._recorder = recorder
        self.finals: Finals = {}
        self.intentions = self._noted = Intentions()
        self.outbound = self._clients = PlayedClients(RecordedAnswers(recorded), self._noted, self)

    @property
    def alone(self) -> bool:
        """Whether no caller uses the databases meanwhile: always, since both sides run one after the other."""
        return True

    def owns(self, alias: str) -> bool:  # noqa: ARG002 - as in the base class
        """Whether the database is the scope's own: every database is."""
        return True

    @property
    def refused_request(self) -> bool:
        """Whether it sent a request to another server for which no response was recorded."""
        return self._clients.refused

    def intended(self) -> tuple[Intention, ...]:
        """What it would have changed in caches, sessions and files, and what it requested from other servers."""
        return (*self._noted.found(), *cache_intentions(self))

    def conclude(self, connection: Any, pending: int) -> None:
        """End the transaction as a commit would, apart from committing: check constraints, run `on_commit` functions
        (from the index `pending` on), and read the rows that were written."""
        if not connection.in_atomic_block or connection.needs_rollback:
            return
        with mirror_scope(self):
            try:
                with unrecorded():
                    self._check_constraints(connection)
            except Error as exc:
                self._recorder.effects.append(f"the commit fails: {type(exc).__name__}")
                return
            with recorded_by(self._recorder):
                self._run_callbacks(connection, pending)
            self._read_finals(connection)

    def _check_constraints(self, connection: Any) -> None:
        """Check deferred constraints, as at a commit. Raises IntegrityError."""
        written = self._recorder.sql().written()
        if not written:
            return
        if connection.vendor == "sqlite":  # whose own check reads whole tables
            check_foreign_keys(connection, self._recorder.rows(), written)
        else:
            connection.check_constraints()

    def _read_finals(self, connection: Any) -> None:
        rows = self._recorder.rows()
        if rows is not None and rows.written:
            with (
                unrecorded(),
                suppress(Error),
            ):  # for instance a table of another database: then statements are compared
                self.finals = {**self.finals, **read_finals(connection, rows)}

    def _run_callbacks(self, connection: Any, pending: int) -> None:
        """Run `on_commit` functions, as `captureOnCommitCallbacks(execute=True)` of Django's tests does, including
        those that they register."""
        done = pending
        while done < len(connection.run_on_commit):
            _, function, robust = connection.run_on_commit[done]
            done += 1
            try:
                function()
            except Exception as exc:  # noqa: BLE001 - the project's own code
                self._recorder.effects.append(f"{named(function)} fails: {type(exc).__name__}")
                if not robust:
                    return
