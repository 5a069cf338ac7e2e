"""Fixtures: the command line in this process, and as a user has it.

Django is set up once in a process, here with legacy.settings. Other projects are served from processes of their own.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.commandline import catalog, gateway, here, invoke, project, rollout, serving, startproject
from tests.support.console import run

__all__ = ["catalog", "gateway", "here", "invoke", "project", "rollout", "serving", "startproject", "terminal"]


@pytest.fixture(scope="session")
def terminal() -> Callable[..., str]:
    """Run the console script on a terminal, and return what it writes there."""
    pty = pytest.importorskip("pty")

    def written(folder: Path, *arguments: str, **environment: str) -> str:
        ours, theirs = pty.openpty()
        try:
            run(folder, *arguments, stdout=theirs, **environment)
            return os.read(ours, 65536).decode()
        finally:
            os.close(ours)
            os.close(theirs)

    return written
