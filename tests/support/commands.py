"""The command line of another project, in a process of its own: one start for many commands.

It reads the arguments of `gateway …` as lines of JSON, and answers each with exit status, stdout and stderr.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.support.server import environment


class Result(NamedTuple):
    """What a command said, and how it ended."""

    exit_code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        return json.loads(self.stdout)


class Commands:
    """The command line for a gateway.toml. `settings` are the server's, PROJECT_SETTINGS."""

    def __init__(self, config: Path, settings: dict[str, Any]) -> None:
        env = environment(GATEWAY_CONFIG=str(config), PROJECT_SETTINGS=json.dumps(settings))
        command = [sys.executable, "-m", "tests.support.commands"]
        self._process = subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def __call__(self, *arguments: str) -> Result:
        """Run `gateway …`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(arguments), file=self._process.stdin, flush=True)
        return Result(*json.loads(self._process.stdout.readline()))


def _serve() -> None:
    from typer.testing import CliRunner

    from gateway.cli.app import app

    for line in sys.stdin:
        result = CliRunner().invoke(app, json.loads(line), prog_name="gateway")
        sys.stdout.write(json.dumps([result.exit_code, result.stdout, result.stderr]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
