"""The copies that one replay works on, and removal of those that killed replays left behind."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol, Self

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from gateway.workbench.replay.scratch import mysql, postgresql, sqlite
from gateway.workbench.replay.scratch.names import CantCopy

__all__ = ["Scratch", "clean"]

logger = logging.getLogger("gateway.replay")

SAME = ("ENGINE", "NAME", "HOST", "PORT")  # settings that are equal for aliases of the same database
Overrides = Mapping[str, Mapping[str, Any]]  # changed values of DATABASES, by alias


class Copies(Protocol):
    """Copies of one database."""

    def make(self, count: int) -> list[dict[str, Any]]:
        """Make `count` copies; returns the changed values of DATABASES for each. Raises CantCopy."""

    def drop(self) -> None:
        """Delete them, also if `make` failed half-way."""


MAKERS: Mapping[str, Callable[[BaseDatabaseWrapper], Copies]] = {
    "sqlite": sqlite.SqliteCopies,
    "postgresql": postgresql.PostgresqlCopies,
    "mysql": mysql.MysqlCopies,
}


class Scratch:
    """Context manager: `jobs` copies of each of the project's databases, deleted at the end.

    `copies` has the aliases of [mirror] database, by the alias whose copy they are: in a replay both are the same
    database. Entering raises CantCopy.
    """

    def __init__(self, jobs: int, copies: Mapping[str, str]) -> None:
        self._jobs = jobs
        self._same = {scratch: original for original, scratch in copies.items()}
        self._made: list[Copies] = []
        self._settings: list[dict[str, dict[str, Any]]] = [{} for _ in range(jobs)]

    def __enter__(self) -> Self:
        clean()
        try:
            self._make()
        except BaseException:
            self._drop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()

    def of(self, job: int) -> Overrides:
        """The changed values of DATABASES, by alias, for the process number `job`."""
        return self._settings[job]

    def _make(self) -> None:
        known: dict[tuple[str, ...], str] = {}
        for alias in connections:
            place = tuple(str(connections.settings[alias][key]) for key in SAME)
            original = known.setdefault(place, self._original(alias))
            if original == alias:
                self._copy(connections[alias])
        for alias in connections:
            place = tuple(str(connections.settings[alias][key]) for key in SAME)
            for settings in self._settings:
                settings[alias] = settings[known[place]]

    def _original(self, alias: str) -> str:
        replica: str | None = (connections.settings[alias].get("TEST") or {}).get("MIRROR")
        return self._same.get(alias) or replica or alias

    def _copy(self, connection: BaseDatabaseWrapper) -> None:
        if (maker := MAKERS.get(connection.vendor)) is None:
            raise CantCopy(f"DATABASES[{connection.alias!r}] is {connection.display_name}, which replay can't copy")
        copies = maker(connection)
        self._made.append(copies)
        for settings, other in zip(self._settings, copies.make(self._jobs), strict=True):
            settings[connection.alias] = other

    def _drop(self) -> None:
        for copies in self._made:
            try:
                copies.drop()
            except Exception:
                logger.exception("a copy could not be removed: `gateway replay --clean` does")
        self._made.clear()


def clean() -> list[str]:
    """Delete the copies that killed replays left behind. Returns their names."""
    removed = sqlite.clean()
    servers = {
        tuple(str(connections.settings[alias][key]) for key in ("ENGINE", "HOST", "PORT")): alias
        for alias in connections
    }
    for alias in servers.values():
        module = {"postgresql": postgresql, "mysql": mysql}.get(connections[alias].vendor)
        if module is not None:
            with suppress(DatabaseError, CantCopy):  # reported when the server is needed
                removed += module.clean(connections[alias])
    return removed
