"""The application with all commands."""

from __future__ import annotations

from collections import UserDict
from importlib import import_module
from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperGroup

from gateway.cli.common import ConfigOption, end, fail, plain_problems, speaking_json
from gateway.config.problems import ConfigError
from gateway.server.terminal import StartError

__all__ = ["app"]

EPILOG = """\
\b
Start here, in the folder of manage.py:
  gateway init          write gateway.toml
  gateway check         report every problem in it
  gateway serve         serve it on http://127.0.0.1:8000

\b
Then promote a route, or roll it back:
  gateway status                every route's stage, traffic and verdict
  gateway promote ROUTE         to its next stage
  gateway rollback ROUTE        Django answers again, at once

The configuration is gateway.toml or [tool.gateway] in pyproject.toml, in this folder; --config or the environment \
variable GATEWAY_CONFIG names another file. "python manage.py gateway" takes the same commands once "gateway.control" \
is in INSTALLED_APPS.

\b
Exit status: 0 success, 1 the transition isn't possible, 2 wrong usage, 3 the configuration or
the database can't be used, or the server did not start.
"""


# Errors in arguments. Typer uses click, or its own copy; the module of its one public exception tells which.
_Usage: Any = typer.BadParameter.__base__


# The module of each command, in the order of --help.
COMMANDS = {
    "init": "init",
    "check": "check",
    "serve": "serve",
    "mirrors": "mirrors",
    "routes": "routes",
    "inventory": "inventory",
    "explain": "explain",
    "brief": "brief",
    "scaffold": "scaffold",
    "contract": "contract",
    "openapi": "openapi",
    "record": "record",
    "replay": "replay",
    "verify": "verify",
    "status": "status",
    "promote": "moves",
    "rollback": "moves",
    "pause": "moves",
    "resume": "moves",
    "clear": "moves",
    "diffs": "diffs",
    "history": "history",
    "hooks": "hooks",
    "retire": "retire",
    "sign": "sign",
    "mcp": "mcp",
}
LOOKS: dict[str, Any] = {
    # Otherwise rich would be imported for every --help, and stay in every server's memory.
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "add_completion": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


class OnDemand(UserDict[str, Any]):
    """Commands by name, imported on demand: a server keeps in memory all that was ever imported."""

    def __getitem__(self, name: str) -> Any:
        if isinstance(found := super().__getitem__(name), str):
            found = self.data[name] = _loaded(name, found)
        return found


def _loaded(name: str, where: str) -> Any:
    module = import_module(f"gateway.cli.{where}")
    alone = typer.Typer(**LOOKS)
    epilogs = getattr(module, "EPILOGS", None)  # in modules with several commands
    alone.command(name, epilog=epilogs[name] if epilogs else module.EPILOG)(getattr(module, name))
    return typer.main.get_command(alone)


class Commands(TyperGroup):
    """For every command, prints errors in the configuration and exits with a status; for --json, errors in arguments
    too."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = OnDemand({**COMMANDS, **self.commands})

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As in the base class. Its options are parsed after that, and may be invalid."""
        name, command, rest = super().resolve_command(ctx, args)
        if "--json" in rest:
            speaking_json.set(name)
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        """As in the base class."""
        token = speaking_json.set(None)
        try:
            return super().invoke(ctx)
        except ConfigError as exc:
            fail(str(exc), problems=plain_problems(exc.problems))
        except StartError as exc:
            fail(str(exc), "start")
        except _Usage as exc:
            if (name := speaking_json.get()) is None:
                raise
            end(exc.exit_code, "usage", exc.format_message(), hint=f"gateway {name} --help")
        finally:
            speaking_json.reset(token)


app = typer.Typer(
    name="gateway",
    cls=Commands,
    help="Serve a Django project and FastAPI services from one process, and move endpoints over one at a time.",
    epilog=EPILOG,
    no_args_is_help=True,
    **LOOKS,
)


def _version() -> str:
    import platform
    from importlib.metadata import version

    others = ", ".join(f"{name} {version(name.lower())}" for name in ("Django", "FastAPI", "uvicorn"))
    return f"gateway {version('django-fastapi-gateway')} ({others}, Python {platform.python_version()})"


def _print_version(value: bool) -> None:
    if value:
        typer.echo(_version())
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config: ConfigOption = None,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the versions and exit.")
    ] = False,
) -> None:
    """Options before the command."""
    context.obj = config


@app.command("version")
def version_command() -> None:
    """Print the versions of the gateway and of what it runs on."""
    typer.echo(_version())
