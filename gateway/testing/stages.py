"""The stages of routes in a test run: those of the file, of the database, or of the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.rollout.stage import CANARY, STAGES, State

__all__ = ["DATABASE", "FILE", "Lookup", "RequestedStages", "parsed"]

FILE, DATABASE = "file", "database"
PATIENCE = 30.0  # seconds to wait for the database if the run needs it
EXPECTED = (
    f'"{FILE}", "{DATABASE}", a stage ({", ".join(STAGES)}; "{CANARY}:25" for a quarter of callers), or NAME=STAGE'
)


class RequestedStages:
    """The values of `--gateway-stage`, given once or several times: the last one for a route counts."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """Raises ValueError, which says what is expected."""
        self._rules = [parsed(text) for text in texts]

    def __repr__(self) -> str:
        return f"RequestedStages({self._rules})"

    def __str__(self) -> str:
        return ", ".join(f"{name}={what}" if name else str(what) for name, what in self._rules) or FILE

    @property
    def asks_the_database(self) -> bool:
        """Whether the run needs the stages in the database."""
        return any(what == DATABASE for _, what in self._rules)

    def states(self, routes: Sequence[str], database: Mapping[str, State]) -> dict[str, State]:
        """The state of each route that differs from the file. Raises ValueError for an unknown route."""
        found: dict[str, State] = {}
        for name, what in self._rules:
            if name is not None and name not in routes:
                raise ValueError(f"there is no route {name!r}; there are: {', '.join(routes) or 'none'}")
            for route in routes if name is None else (name,):
                if isinstance(what, State):
                    found[route] = what
                elif what == DATABASE and route in database:
                    found[route] = database[route]
                else:
                    found.pop(route, None)
        return found


def parsed(text: str) -> tuple[str | None, State | str]:
    """A route, or None for all, and the state that is given for it. Raises ValueError, which says what is expected."""
    name, equals, rest = text.partition("=")
    what = rest if equals else name
    if what in (FILE, DATABASE):
        return (name if equals else None), what
    stage, colon, weight = what.partition(":")
    try:
        state = State(stage, float(weight)) if colon else State(stage, 50.0 if stage == CANARY else 0.0)
    except ValueError:
        raise ValueError(f"{text!r} is none of {EXPECTED}") from None
    return (name if equals else None), state


class Lookup:
    """Runs `gateway status`, in a process beside the tests, to get the states of routes.

    Tests have a database of their own, in which no route was changed; the real states are in that of the settings in
    `config`, which this process, with other settings, can't query.
    """

    def __init__(self, config: Path) -> None:
        status = "from gateway.cli import main; main()"  # the command may not be on PATH
        command = [sys.executable, "-c", status, "status", "--json", "--config", str(config.resolve())]
        self._known: dict[str, State] | None = None
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=config.resolve().parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        """Stop the process: the result isn't needed."""
        self._process.kill()
        self._process.communicate()

    def states(self, patience: float = PATIENCE) -> dict[str, State]:
        """The current state of each route in the database. Raises LookupError with the reason."""
        if self._known is None:
            self._known = self._asked(patience)
        return self._known

    def _asked(self, patience: float) -> dict[str, State]:
        try:
            out, err = self._process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            raise LookupError(f"the database did not answer in {patience:g} s") from None
        if self._process.returncode:
            raise LookupError(_said(out) or err.strip() or f"`gateway status` ended with {self._process.returncode}")
        found = json.loads(out)
        if not found["control"]:
            raise LookupError('"gateway.control" is not in INSTALLED_APPS: the database has no stages')
        return {route["route"]: _state(route["effective"]) for route in found["routes"]}


def _said(out: str) -> str:
    """Why `gateway status --json` failed, if it says so."""
    try:
        return str(json.loads(out)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return ""


def _state(values: Mapping[str, Any]) -> State:
    return State(values["stage"], values["weight_percent"] or 0.0, bool(values.get("paused")))
