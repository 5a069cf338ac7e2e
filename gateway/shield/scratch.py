"""Scratch databases for mirrors of writes, where these would block callers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from gateway.config.parse import Config
from gateway.config.problems import Problem
from gateway.context.mirror_scope import current
from gateway.shield.guard import among_callers

__all__ = ["divert_databases", "scratch_problems"]

SAME = ("ENGINE", "NAME", "HOST", "PORT")  # settings in which two aliases of one database agree


def divert_databases() -> None:
    """From now on, give a mirror the connections that its scope names instead of others.

    In `connections[alias]`, through which the ORM, `connection`, `atomic` and `using` get every connection.
    """
    if "__getitem__" in vars(ConnectionHandler):
        return
    handler: Any = ConnectionHandler
    get, all_of = handler.__getitem__, handler.all

    def diverted(self: Any, alias: str) -> BaseDatabaseWrapper:
        scope = current.get()
        found: BaseDatabaseWrapper = get(self, alias if scope is None else scope.databases.get(alias, alias))
        return found

    def all(self: Any, initialized_only: bool = False) -> list[BaseDatabaseWrapper]:  # noqa: A001 - Django's name
        """The open connections, for code that cleans up all of them."""
        with among_callers():
            found: list[BaseDatabaseWrapper] = all_of(self, initialized_only=initialized_only)
        return found

    handler.__getitem__, handler.all = diverted, all


def scratch_problems(config: Config) -> list[Problem]:
    """Databases in which mirrors of writes would block callers, and unusable values of `[mirror] database`."""
    known = connections.settings
    found = [problem for pair in config.mirror.database.items() for problem in _unfit(*pair, known)]
    writers = [(route, methods) for route in config.routes if (methods := route.mirrored_writes)]
    shared = sorted(set(known) - set(config.mirror.database) - set(config.mirror.database.values()))
    for alias in filter(_locks_as_a_whole, shared if writers else ()):
        scratch = "scratch" if alias == "default" else {alias: "scratch"}
        found += [
            Problem(
                f"routes[{route.name}].mirror.methods",
                list(methods),
                f"no writes while DATABASES[{alias!r}] is SQLite, where a mirror that writes holds callers up: "
                f"name a copy of it, [mirror] database = {_toml(scratch)}, or leave {', '.join(methods)} out",
                ("mirror.database",),
            )
            for route, methods in writers
        ]
    return found


def _toml(value: str | Mapping[str, str]) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return "{ " + ", ".join(f'{name} = "{other}"' for name, other in value.items()) + " }"


def _unfit(alias: str, scratch: str, known: Mapping[str, Mapping[str, Any]]) -> Iterable[Problem]:
    names = ", ".join(sorted(known))
    for name in (alias, scratch):
        if name not in known:
            yield Problem("mirror.database", name, f"an alias of DATABASES: {names}")
    if alias in known and scratch in known and _place(known[alias]) == _place(known[scratch]):
        yield Problem("mirror.database", scratch, f"another database than {alias!r}, which callers use")


def _place(settings: Mapping[str, Any]) -> list[str]:
    return [str(settings.get(key, "")) for key in SAME]


def _locks_as_a_whole(alias: str) -> bool:
    """Whether it has one lock for all writers; an in-memory database belongs to one process only."""
    connection: Any = connections[alias]
    return connection.vendor == "sqlite" and not connection.is_in_memory_db()
