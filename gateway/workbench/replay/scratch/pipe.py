"""Pipes one program's output into another."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

from gateway.workbench.replay.scratch.names import CantCopy

__all__ = ["pipe"]


def pipe(dump: list[str], load: list[str], env: Mapping[str, str], alias: str) -> None:
    """Run `dump | load`. Raises CantCopy with their error messages."""
    with (
        subprocess.Popen(dump, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as source,  # noqa: S603 - the database's own programs
        subprocess.Popen(load, stdin=source.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env) as into,  # noqa: S603 - as above
    ):
        if source.stdout is not None:
            source.stdout.close()  # so that `dump` ends if `load` does
        _, refused = into.communicate()
        said = source.stderr.read() if source.stderr is not None else b""
    if source.returncode or into.returncode:
        words = " ".join((said + refused).decode("utf-8", "replace").split())[:500]
        raise CantCopy(f"DATABASES[{alias!r}] can't be copied by {dump[0]}: {words}")
