"""Copies of databases: whole, apart, and gone after it, whatever ended the replay."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from gateway.workbench.replay.scratch import CantCopy
from gateway.workbench.replay.scratch.names import PREFIX, age_of, new_name
from gateway.workbench.replay.scratch.sqlite import SqliteCopies, clean


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where copies go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def connection(tmp_path: Path) -> DatabaseWrapper:
    """A database with one row."""
    path = tmp_path / "original.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (a)")
        database.execute("INSERT INTO t VALUES (1)")
        database.commit()
    return DatabaseWrapper(connections.settings["default"] | {"NAME": str(path)}, "default")


def rows(path: str) -> list[tuple[int]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT a FROM t").fetchall()


def test_each_process_has_a_copy_of_its_own(folder, connection):
    copies = SqliteCopies(connection)
    first, second = (made["NAME"] for made in copies.make(2))
    with closing(sqlite3.connect(first)) as database:
        database.execute("INSERT INTO t VALUES (2)")
        database.commit()
    assert (rows(first), rows(second), rows(connection.settings_dict["NAME"])) == ([(1,), (2,)], [(1,)], [(1,)])
    copies.drop()
    assert [*folder.glob(f"{PREFIX}*")] == []


def test_nobody_else_may_read_a_copy(folder, connection):
    copies = SqliteCopies(connection)
    (made,) = copies.make(1)
    assert Path(made["NAME"]).parent.stat().st_mode & 0o77 == 0
    copies.drop()


def test_what_is_in_memory_or_missing_can_not_be_copied(tmp_path, connection):
    for name, said in ((":memory:", "in its own process"), (str(tmp_path / "none"), "there is no file")):
        connection.settings_dict["NAME"] = name
        with pytest.raises(CantCopy, match="there is no file" if "no file" in said else "belongs to its own process"):
            SqliteCopies(connection)


def test_what_is_no_database_can_not_be_copied(folder, connection):
    Path(connection.settings_dict["NAME"]).write_text("a letter" * 100)
    copies = SqliteCopies(connection)
    with pytest.raises(CantCopy, match=r"original\.sqlite3: SQLite can't copy it: file is not a database"):
        copies.make(1)
    copies.drop()
    assert [*folder.glob(f"{PREFIX}*")] == []


def test_a_copy_that_is_being_made_is_left_alone_and_one_that_never_was_is_removed(folder):
    """A process may have been killed after it made the folder, and before the lock."""
    begun, given_up = folder / new_name("default"), folder / f"{PREFIX}1700000000_1_default"
    begun.mkdir()
    given_up.mkdir()
    assert clean() == [str(given_up)]
    assert begun.exists()


def test_what_a_killed_replay_left_is_removed_and_what_runs_is_not(folder, connection):
    running = SqliteCopies(connection)
    running.make(1)
    script = (
        "import fcntl, os, pathlib, sys\n"
        "folder = pathlib.Path(sys.argv[1]); folder.mkdir(); lock = open(folder / 'lock', 'w')\n"
        "fcntl.flock(lock, fcntl.LOCK_EX); (folder / 'default-0.sqlite3').write_text('x'); os.kill(os.getpid(), 9)\n"
    )
    left = folder / f"{PREFIX}1700000000_1_default"
    assert subprocess.run([sys.executable, "-c", script, str(left)]).returncode == -9
    assert clean() == [str(left)]
    assert [path.name for path in folder.glob(f"{PREFIX}*")] == [running._folder.name]
    running.drop()


def test_a_name_says_how_old_a_copy_is():
    assert (age_of(new_name("default")) or 0) < 5
    assert age_of("gateway_replay_mine") is None


def test_a_lock_is_let_go_of_with_the_copy(folder, connection):
    copies = SqliteCopies(connection)
    copies.make(1)
    path = copies._folder / "lock"
    handle = os.open(path, os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    copies.drop()
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(handle)
