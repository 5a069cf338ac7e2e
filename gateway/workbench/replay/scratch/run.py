"""The copies that one replay works on, and what others have left behind."""

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

SAME = ("ENGINE", "NAME", "HOST", "PORT")  # what aliases of one database have in common
Overrides = Mapping[str, Mapping[str, Any]]  # what of DATABASES is other, by alias


class Copies(Protocol):
    """Copies of one database."""

    def make(self, count: int) -> list[dict[str, Any]]:
        """So many; what of DATABASES is other for each."""

    def drop(self) -> None:
        """Remove them, and what was made of them before something failed."""


MAKERS: Mapping[str, Callable[[BaseDatabaseWrapper], Copies]] = {
    "sqlite": sqlite.SqliteCopies,
    "postgresql": postgresql.PostgresqlCopies,
    "mysql": mysql.MysqlCopies,
}


class Scratch:
    """Copies of all databases of the project, as many as there are `jobs`: made when this is entered, gone after it.

    `copies` are the aliases of [mirror] database, by what they are copies of: in a replay they are the same database.
    Entering raises CantCopy.
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
        """What of DATABASES is other in one of the processes."""
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
    """Remove what replays have left behind that were ended before they could. Returns what was removed."""
    removed = sqlite.clean()
    servers = {
        tuple(str(connections.settings[alias][key]) for key in ("ENGINE", "HOST", "PORT")): alias
        for alias in connections
    }
    for alias in servers.values():
        module = {"postgresql": postgresql, "mysql": mysql}.get(connections[alias].vendor)
        if module is not None:
            with suppress(DatabaseError, CantCopy):  # whoever needs the server says so
                removed += module.clean(connections[alias])
    return removed
