"""Copies of SQLite databases: files in a folder of this replay, which it keeps locked."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from gateway.workbench.replay.scratch.names import PREFIX, CantCopy, age_of, new_name

__all__ = ["SqliteCopies", "clean"]

LOCK = "lock"


class SqliteCopies:
    """Copies of one database, one for each process."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._alias = connection.alias
        self._source = _file(connection)
        self._folder = Path(tempfile.gettempdir()) / new_name(connection.alias)
        self._lock: int | None = None

    def make(self, count: int) -> list[dict[str, Any]]:
        """Make `count` copies; returns the changed values of DATABASES for each. Raises CantCopy."""
        self._folder.mkdir(mode=0o700)
        self._lock = os.open(self._folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        paths = [self._folder / f"{self._alias}-{number}.sqlite3" for number in range(count)]
        try:
            with closing(sqlite3.connect(self._source)) as source, closing(sqlite3.connect(paths[0])) as copy:
                source.backup(copy)
        except sqlite3.Error as exc:
            raise CantCopy(f"DATABASES[{self._alias!r}], {self._source}: SQLite can't copy it: {exc}") from exc
        for path in paths[1:]:
            shutil.copyfile(paths[0], path)
        return [{"NAME": str(path)} for path in paths]

    def drop(self) -> None:
        """Delete them."""
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)


def _file(connection: BaseDatabaseWrapper) -> Path:
    known: Any = connection
    name = connection.settings_dict["NAME"]
    if known.is_in_memory_db() or str(name).startswith("file:"):
        expected = "a database in a file; what is in memory belongs to its own process"
        raise CantCopy(f"DATABASES[{connection.alias!r}] is {name!r}: replay copies {expected}")
    if not (path := Path(name)).is_file():
        raise CantCopy(f"DATABASES[{connection.alias!r}]: there is no file {path}: `manage.py migrate` makes one")
    return path


def clean() -> list[str]:
    """Delete the folders that no process has locked. Returns their names."""
    removed = []
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if age_of(folder.name) is not None and folder.is_dir() and not _is_locked(folder / LOCK):
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(str(folder))
    return removed


def _is_locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:  # it is being created, or its creator was killed then
        age = age_of(path.parent.name)
        return age is not None and age < 1
    except OSError:  # it belongs to another user
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(handle)
