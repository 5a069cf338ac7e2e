"""The configuration and the Django project, without services: for commands that must be fast.

A rollback is an emergency: it imports what the project's own `manage.py` would, and nothing that a broken service could
affect.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gateway.cli.common import config_path, fail, misuse, silenced
from gateway.config.files import read
from gateway.config.parse import Config, parse
from gateway.config.problems import ConfigError
from gateway.config.routes import RouteConfig
from gateway.workbench.database import installed, trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.config.problems import Problem

__all__ = ["asking_the_database", "need_control", "opened", "route_named"]


def opened(context: typer.Context, given: Path | None, *, despite_problems: bool = False) -> Config:
    """The configuration, with its Django project set up. Raises ConfigError.

    `despite_problems`: use the valid part of the file, with a warning about the rest.
    """
    path = config_path(context, given)
    config, problems = parse(read(path), str(path))
    fatal = [problem for problem in problems if not despite_problems or problem.key.split(".")[0] == "legacy"]
    if not fatal:
        _set_up(config, path, fatal)
    if fatal:
        raise ConfigError([*problems, *(problem for problem in fatal if problem not in problems)], str(path))
    if problems:
        typer.echo(f"Warning: {ConfigError(problems, str(path))}", err=True)
    return config


def _set_up(config: Config, path: Path, problems: list[Problem]) -> None:
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    with silenced():
        from gateway.composition import set_up_legacy

        set_up_legacy(config.legacy, problems)


def route_named(config: Config, name: str) -> RouteConfig:
    """The route of this name. If there is none, exits with status 2 and the names of all routes."""
    routes = {route.name: route for route in config.routes}
    if name not in routes:
        misuse(f"there is no route {name!r} in {config.source}; there are {', '.join(routes) or 'none'}")
    return routes[name]


def need_control(config: Config) -> None:
    """Exit with status 3 and a hint if runtime changes can't be stored."""
    if not installed():
        fail(
            f'"gateway.control" is not in INSTALLED_APPS, so routes stay where {config.source} puts them. Add it, and'
            " run `python manage.py migrate`; or change `stage` in the file and restart.",
            "control_missing",
        )


@contextlib.contextmanager
def asking_the_database() -> Iterator[None]:
    """Exit with status 3 and a hint when the database can't be queried in this block."""
    from django.db import DatabaseError

    from gateway.control.database import DatabaseBusy

    try:
        yield
    except (DatabaseError, DatabaseBusy) as exc:
        fail(f"{trouble(exc)}.", "database")
