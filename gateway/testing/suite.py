"""One run of a test suite through the gateway: the stages of routes, and the report at the end."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from gateway.config.files import find, read
from gateway.config.parse import Config, parse
from gateway.config.problems import ConfigError
from gateway.rollout.policy import declared_state
from gateway.rollout.stage import State
from gateway.testing import tally
from gateway.testing.stages import Lookup, RequestedStages

__all__ = ["Report", "Suite", "join", "leave", "states_of"]

VARIABLE = "GATEWAY_TESTING"  # shared by the processes of one run: a JSON object
BRIEFLY = 5.0  # seconds to wait for the database if it is only needed for the report
NONE = (
    "No request of these tests went through the gateway, so they say nothing about it. Tests that call views"
    " directly, or through RequestFactory, bypass it; --gateway-allow-none says that this is fine."
)


@dataclass(frozen=True, slots=True)
class Report:
    """The report at the end, and whether the run has failed because it proves nothing."""

    lines: tuple[str, ...]
    failed: bool


class Suite:
    """A run in this process and those that it starts (`--parallel`, pytest-xdist). A context manager.

    `config` is the path of the configuration; None: the file that is found in `folder`, or, if there is none, a gateway
    without routes. `stages` are values of `--gateway-stage`. `allow_none`: it is no failure if no request goes through
    the gateway. Raises ConfigError, ValueError, and LookupError if stages of the database are requested but can't be
    read.
    """

    def __init__(
        self,
        config: str | None = None,
        stages: Sequence[str] = (),
        *,
        allow_none: bool = False,
        folder: Path | None = None,
    ) -> None:
        self._path = Path(config) if config is not None else find(folder)
        self._config = _valid(self._path)
        self._wanted = RequestedStages(stages)
        self._allow_none = allow_none
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        from gateway.testing.client import through_gateway
        from gateway.testing.live import configure

        lookup = Lookup(self._path) if self._path is not None and self._config.routes else None
        self._lookup = lookup
        self._folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="gateway-testing-")))
        self._used = states = self._states()
        configure(self._path, states)
        tally.forget()
        shared = {
            "config": None if self._path is None else str(self._path.resolve()),
            "states": {name: [state.stage, state.weight] for name, state in states.items()},
            "folder": str(self._folder),
        }
        self._stack.enter_context(_variable(json.dumps(shared)))
        self._stack.enter_context(through_gateway())
        return self

    def __exit__(self, *_: object) -> None:
        if self._lookup is not None:
            self._lookup.close()
        self._stack.close()

    def report(self, *, ran: bool = True) -> Report:
        """The report before the block ends. `ran`: whether any test was run."""
        found = tally.gathered(self._folder)
        failed = ran and not found and not self._allow_none
        lines = [NONE if failed else tally.said(found), *self._stages_said()]
        return Report(tuple(lines), failed)

    def _states(self) -> dict[str, State]:
        database: Mapping[str, State] = {}
        if self._wanted.asks_the_database and self._lookup is not None:
            database = self._lookup.states()
        return self._wanted.states([route.name for route in self._config.routes], database)

    def _stages_said(self) -> Iterator[str]:
        """The stages at which routes were tested, and those that differ in the database."""
        if self._lookup is None:
            if self._path is None:
                yield "There is no gateway.toml here, so Django answered everything."
            return
        states = {route.name: declared_state(route) for route in self._config.routes} | self._used
        yield f"Stages: {self._wanted}."
        try:
            database = self._lookup.states(BRIEFLY)
        except LookupError as exc:
            yield f"Where the database has the routes is not known: {' '.join(str(exc).split())}"
            return
        for name, state in states.items():
            if name in database and database[name].stage != state.stage:
                yield f"{name} was tested at {state}, but the database has it at {database[name]}."


def states_of(source: Path | str | Mapping[str, Any] | None, stages: Sequence[str]) -> dict[str, State]:
    """The states that `--gateway-stage` gives to the routes of a configuration. Raises as Suite."""
    if not stages:
        return {}
    wanted = RequestedStages(stages)
    tables = source if isinstance(source, Mapping) else {"legacy": {}} if source is None else read(Path(source))
    config, _ = parse(tables)
    database: Mapping[str, State] = {}
    if wanted.asks_the_database and not isinstance(source, Mapping) and source is not None:
        database = Lookup(Path(source)).states()
    return wanted.states([route.name for route in config.routes], database)


def _valid(path: Path | None) -> Config:
    """The configuration, validated before any test runs. Raises ConfigError."""
    config, problems = parse({"legacy": {}} if path is None else read(path), str(path))
    if problems:
        raise ConfigError(problems, str(path))
    return config


@contextmanager
def _variable(value: str) -> Iterator[None]:
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


# -- the processes that a run starts ---------------------------------------------------------------


def join() -> None:
    """Make this process's clients call the gateway, like the process that started it, until it ends."""
    from gateway.testing.client import through_gateway
    from gateway.testing.live import configure

    shared = json.loads(os.environ[VARIABLE])
    configure(shared["config"] and Path(shared["config"]), {name: State(*it) for name, it in shared["states"].items()})
    tally.forget()
    _for_good.enter_context(through_gateway())


def leave() -> None:
    """Store the counts of this process for the process that started it."""
    if (shared := os.environ.get(VARIABLE)) is not None:
        tally.hand_in(Path(json.loads(shared)["folder"]))


_for_good = ExitStack()
