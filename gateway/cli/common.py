"""Shared by several commands: options, building the gateway, printing."""

from __future__ import annotations

import contextlib
import getpass
import json
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from gateway.clock import utc_now
from gateway.config.files import ENVIRONMENT, find_or_fail
from gateway.server.terminal import STARTUP_FAILURE
from gateway.wording import visible

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.config.problems import Problem

__all__ = [
    "ConfigOption",
    "JsonOption",
    "WhoOption",
    "WhyOption",
    "build",
    "config_path",
    "document",
    "end",
    "fail",
    "misuse",
    "operator",
    "plain_problems",
    "print_json",
    "reading_corpus",
    "say",
    "silenced",
    "speaking_json",
    "spinning",
]

# The running command, if it has --json: then errors are printed as a document, too.
speaking_json: ContextVar[str | None] = ContextVar("speaking_json", default=None)

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
WhyOption = Annotated[str, typer.Option(metavar="TEXT", help="The reason, for the history.")]
WhoOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Your name, for the history. [default: the operating system's user]")
]


def say(text: str, *, err: bool = False) -> None:
    """Print a line in which there may be what callers or other operators wrote."""
    typer.echo(visible(text), err=err)


def end(status: int, code: str, message: str, *, hint: str | None = None, **more: object) -> NoReturn:
    """Exit with `status` and an error: `message` on stderr, or for --json a document with `code` and `more` on stdout.
    `hint` says what to do, unless the message does."""
    command = speaking_json.get()
    if command is None:
        say(message if hint is None else f"{message}\n{hint}", err=True)
    else:
        print_json(command, error={"code": code, "message": message.removeprefix("Error: "), "hint": hint, **more})
    raise typer.Exit(status)


def fail(message: str, code: str = "configuration", **more: object) -> NoReturn:
    """Print `message` to stderr and exit with status 3; `code` and `more` as in `end`."""
    end(STARTUP_FAILURE, code, message, **more)  # type: ignore[arg-type] # a hint is text


def misuse(message: str) -> NoReturn:
    """Print `message` to stderr and exit with status 2."""
    end(2, "usage", f"Error: {message}")


def config_path(context: typer.Context, given: Path | None) -> Path:
    """The configuration file: the command's own option, else the one before the command, else the one that
    is found. Raises ConfigError when there is none."""
    return given or context.find_root().obj or find_or_fail()


def build(path: Path) -> Gateway:
    """The gateway that the file at `path` configures. Raises ConfigError with every problem."""
    with silenced():
        from gateway.app import Gateway

        return Gateway.from_file(path)


def document(command: str, **content: Any) -> dict[str, Any]:
    """The document that `command` prints for --json; with `error`, that of a failure. See workbench/shapes."""
    from gateway.workbench.shapes import SHAPES, ErrorDocument

    shape = ErrorDocument if "error" in content else SHAPES[command]
    return shape(command=command, at=utc_now(), **content).model_dump(mode="json")


def print_json(command: str, **content: Any) -> None:
    """Print such a document to stdout."""
    typer.echo(json.dumps(document(command, **content), indent=2, ensure_ascii=False))


def plain_problems(problems: list[Problem]) -> list[dict[str, Any]]:
    """Problems in a form for JSON. Their values may be any of TOML's, such as dates."""
    found = [{"key": problem.key, "value": problem.value, "expected": problem.expected} for problem in problems]
    plain: list[dict[str, Any]] = json.loads(json.dumps(found, default=str))
    return plain


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """In this block, what the project prints goes to stderr, so that it doesn't mix with the command's output."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


@contextlib.contextmanager
def spinning(text: str) -> Iterator[Callable[[str], None]]:
    """Show `text` on stderr while the block runs, if that is a terminal. Yields a function that replaces the text."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True, markup=False).status(text) as status:
        yield status.update


@contextlib.contextmanager
def reading_corpus() -> Iterator[None]:
    """Exit with status 2 and a hint when recorded requests can't be read in this block."""
    from gateway.workbench.corpus import UnreadableCorpus

    try:
        yield
    except (UnreadableCorpus, OSError) as exc:
        end(2, "corpus", f"Error: {exc}")


def operator() -> str:
    """The name of the operator for the history: the operating system's user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name; OSError since Python 3.13
        return "unknown"
