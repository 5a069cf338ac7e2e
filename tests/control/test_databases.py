"""Whatever else is tested here and of the admin's pages, once more on PostgreSQL and on MariaDB."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import mariadb, postgres

SECONDS = 870  # several times what it takes alone: others may use the processors
SHOWN = 20_000  # characters of the end of its output


@contextmanager
def on_postgresql() -> Iterator[str]:
    with postgres.postgres_database() as database:
        yield f"postgresql://{postgres.USER}@{postgres.HOST}:{postgres.PORT}/{database.name}"


@contextmanager
def on_mariadb() -> Iterator[str]:
    with mariadb.mariadb_database() as name:
        yield f"mysql://{mariadb.USER}@{mariadb.HOST}:{mariadb.PORT}/{name}"


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.proof
@pytest.mark.timeout(SECONDS + 30)
@pytest.mark.parametrize("place", [on_postgresql, on_mariadb])
def test_all_of_it_holds_there(place, tmp_path) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "not server and not proof",
        "--timeout=120",
    ]
    folder, admin = Path(__file__).parent, Path(__file__).parents[1] / "admin"
    # One of them leaves a connection on a thread, with which PostgreSQL doesn't drop the tests' database.
    command += [str(folder), str(admin), f"--ignore={admin / 'test_through_the_gateway.py'}"]
    output = tmp_path / "output"
    with place() as url, output.open("w") as out:  # a file, whose end is there if it is not over in time
        env = os.environ | {"DATABASE_URL": url}
        with subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.STDOUT) as running:
            try:
                running.wait(SECONDS)
            except subprocess.TimeoutExpired:
                running.kill()
    assert running.returncode == 0, output.read_text()[-SHOWN:]
