"""What several commands share: options, building the gateway, printing."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from gateway.cli.terminal import STARTUP_FAILURE
from gateway.config import ENVIRONMENT, find_or_fail

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.rollout.stage import State

__all__ = [
    "ConfigOption",
    "JsonOption",
    "build",
    "config_path",
    "fail",
    "misuse",
    "print_json",
    "state_values",
]

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="PATH",
        help=f"The configuration file. [env var: {ENVIRONMENT}; default: gateway.toml, else pyproject.toml]",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def fail(message: str) -> NoReturn:
    """Print `message` to stderr and end with status 3."""
    typer.echo(message, err=True)
    raise typer.Exit(STARTUP_FAILURE)


def misuse(message: str) -> NoReturn:
    """Print `message` to stderr and end with status 2."""
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(2)


def config_path(context: typer.Context, given: Path | None) -> Path:
    """The configuration file: the command's own option, else the one before the command, else the one that
    is found. Raises ConfigError when there is none."""
    return given or context.find_root().obj or find_or_fail()


def build(path: Path) -> Gateway:
    """The gateway that the file at `path` configures. Raises ConfigError with every problem."""
    # What the project prints while it is imported must not mix with what a command prints.
    with contextlib.redirect_stdout(sys.stderr):
        from gateway.app import Gateway

        return Gateway.from_file(path)


def print_json(document: object) -> None:
    """Print `document` to stdout."""
    typer.echo(json.dumps(document, indent=2, default=str, ensure_ascii=False))


def state_values(state: State) -> dict[str, Any]:
    """Where a route stands, for JSON; a weight only says something in canary."""
    return {"stage": state.stage, "weight": state.weight if state.stage == "canary" else None, "paused": state.paused}
