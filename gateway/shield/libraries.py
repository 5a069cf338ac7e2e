"""Database libraries besides Django's connections: what a mirror writes through them is not rolled back here.

So a mirror of a write must not use them, unless the service says that it rolls back itself. Every statement is refused
where it begins, whoever opened the connection and when. A mirror of a read may read; where SQLAlchemy would commit, it
rolls back.
"""

from __future__ import annotations

import inspect
import os
import sqlite3
import sqlite3.dbapi2
import sys
from collections.abc import Iterable
from functools import wraps
from types import ModuleType
from typing import Any

from django.db import connections

from gateway.context.mirror_scope import current
from gateway.shield.guard import GuardedCall, among_callers, guard
from gateway.wording import qualified_name

__all__ = ["DATABASES", "INSTEAD", "database_libraries", "shield_libraries"]

INSTEAD = (
    "which nothing rolls back: let the service roll back what it does where gateway.is_mirror(), and say so by "
    "rolls_back = true in its [services.NAME]"
)
_STATEMENTS = {"execute", "executemany", "executescript", "cursor", "transaction", "execute_insert", "commit"}
# Module, class, and the methods that begin something in a database.
TABLE: tuple[tuple[str, str, set[str]], ...] = (
    ("sqlalchemy.engine.base", "Engine", {"connect", "begin", "raw_connection"}),
    ("sqlalchemy.engine.base", "Connection", _STATEMENTS | {"exec_driver_sql", "scalar", "scalars", "begin"}),
    ("psycopg", "Connection", _STATEMENTS | {"__init__"}),
    ("psycopg", "AsyncConnection", _STATEMENTS | {"__init__"}),
    ("asyncpg.connection", "Connection", _STATEMENTS | {"fetch", "fetchrow", "fetchval", "fetchmany", "prepare"}),
    ("MySQLdb.connections", "Connection", {"cursor", "query", "commit"}),
    ("aiosqlite.core", "Connection", _STATEMENTS | {"execute_fetchall"}),
)
# Where these and SQLAlchemy's dialects are: module and class.
DATABASES = (*((module, cls) for module, cls, _ in TABLE), ("sqlalchemy.engine", "Dialect"))
# Packages whose import shows that a service doesn't only use Django's connections. They use one of those above, or
# Python's sockets, which are refused too.
NAMES = frozenset({
    "aiomysql", "aiosqlite", "asyncmy", "asyncpg", "databases", "MySQLdb", "oracledb", "peewee", "pg8000", "pony",
    "psycopg", "psycopg2", "psycopg_pool", "pymysql", "sqlalchemy", "sqlite3", "sqlmodel", "tortoise",
})  # fmt: skip


def shield_libraries() -> None:
    """Guard those of these libraries that are imported by now: they are optional, and not imported here."""
    for module, name, methods in TABLE:
        if isinstance(cls := getattr(sys.modules.get(module), name, None), type):
            _take_over(cls, "commit")
            guard(cls, methods.__contains__, _unless_rolled_back)
    if isinstance(dialect := getattr(sys.modules.get("sqlalchemy.engine"), "Dialect", None), type):
        guard(dialect, {"do_commit"}.__contains__, _rolled_back)
    if not hasattr(sqlite3.connect, "asks_mirrors"):
        _check_sqlite()


def _take_over(cls: Any, name: str) -> None:
    """Give `cls` its own copy of a method that it inherits from a class in C, which can't be guarded."""
    inherited = getattr(cls, name, None)
    if inherited is None or name in vars(cls) or inspect.isfunction(inherited):
        return

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return inherited(self, *args, **kwargs)

    setattr(cls, name, method)


def _unless_rolled_back(call: GuardedCall) -> Any:
    scope, djangos = call.scope, _is_djangos(call.target)
    if djangos and call.name == "commit":
        raise scope.refuse("a commit by the driver's connection", "whose transaction is the mirror's")
    if scope.may_not_stay and not djangos:
        raise scope.refuse(qualified_name(type(call.target)), INSTEAD)
    return call.method(call.target, *call.args, **call.kwargs)


def _is_djangos(connection: object) -> bool:
    """Whether Django has opened it on this thread: then it is in the mirror's transaction."""
    with among_callers():
        return any(known.connection is connection for known in connections.all(initialized_only=True))


def _rolled_back(call: GuardedCall) -> Any:
    """The commit of a mirror, for each kind of SQLAlchemy's databases: rolled back."""
    if call.scope.rolls_back:
        return call.method(call.target, *call.args, **call.kwargs)
    return call.target.do_rollback(*call.args, **call.kwargs)


def _check_sqlite() -> None:
    """Check databases in files. SQLite's connections are of a class that can't be changed, so opening is checked."""
    connect: Any = sqlite3.connect

    @wraps(connect)
    def checked(database: Any, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        scope = current.get()
        if scope is not None and scope.may_not_stay and _is_in_file(name := os.fsdecode(database)):
            raise scope.refuse(f"a connection to {name} that is not Django's", INSTEAD)
        found: sqlite3.Connection = connect(database, *args, **kwargs)
        return found

    checked.asks_mirrors = True  # type: ignore[attr-defined] # nothing else says who has replaced it
    modules: tuple[Any, ...] = (sqlite3, sqlite3.dbapi2)
    for module in modules:
        module.connect = checked


def _is_in_file(name: str) -> bool:
    return name not in ("", ":memory:") and "mode=memory" not in name


def database_libraries(modules: Iterable[ModuleType]) -> list[str]:
    """Which of these libraries `modules`, or other modules of their packages, have imported."""
    packages = {module.__package__ or module.__name__ for module in modules}
    found = set()
    for name, module in sys.modules.copy().items():
        if any(name == package or name.startswith(f"{package}.") for package in packages):
            found |= {_root(value) for value in vars(module).values()}
    return sorted(found & NAMES)


def _root(value: object) -> str:
    """The package that defines it."""
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return str(name).partition(".")[0]
