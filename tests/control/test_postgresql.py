"""Whatever else is tested here, once more on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import postgres


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.proof
@pytest.mark.timeout(400)
def test_all_of_it_holds_on_postgresql() -> None:
    with postgres.postgres_database() as database:
        url = f"postgresql://{postgres.USER}@{postgres.HOST}:{postgres.PORT}/{database.name}"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-m",
            "not server and not proof",
            "--timeout=390",
        ]
        done = subprocess.run(
            [*command, str(Path(__file__).parent)],
            env=os.environ | {"DATABASE_URL": url},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stdout
