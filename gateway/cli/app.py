"""All commands, put together."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from gateway.cli import check, diffs, explain, history, init, mirrors, moves, routes, serve, sign, status
from gateway.cli.common import ConfigOption, fail
from gateway.cli.terminal import StartError
from gateway.config import ConfigError

__all__ = ["app"]

EPILOG = """\
\b
Start here, in the folder of manage.py:
  gateway init          write gateway.toml
  gateway check         see whether everything in it holds
  gateway serve         serve it on http://127.0.0.1:8000

\b
Then move a route, and back:
  gateway status                where every route is, and how it does
  gateway promote ROUTE         one stage up
  gateway rollback ROUTE        Django answers again, at once

The configuration is gateway.toml or [tool.gateway] in pyproject.toml, in this folder; --config or the environment \
variable GATEWAY_CONFIG names another file. "python manage.py gateway" takes the same commands once "gateway.control" \
is in INSTALLED_APPS.

\b
Exit status: 0 done, 1 a route can't be moved so, 2 wrong usage, 3 the configuration or the
database can't be used or the server did not start.
"""


class Commands(TyperGroup):
    """Turns what is wrong with a configuration into its text and the exit status, for every command."""

    def invoke(self, ctx: Any) -> Any:
        """As in the base class."""
        try:
            return super().invoke(ctx)
        except (ConfigError, StartError) as exc:
            fail(str(exc))


app = typer.Typer(
    name="gateway",
    cls=Commands,
    help="Serve a Django project and FastAPI services from one process, and move endpoints over one at a time.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    # rich would be loaded for every --help and stay in the memory of every server.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
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
    """Options that stand before the command."""
    context.obj = config


@app.command("version")
def version_command() -> None:
    """Print the versions of the gateway and of what it runs on."""
    typer.echo(_version())


app.command("init", epilog=init.EPILOG)(init.init)
app.command("check", epilog=check.EPILOG)(check.check)
app.command("serve", epilog=serve.EPILOG)(serve.serve)
app.command("mirrors", epilog=mirrors.EPILOG)(mirrors.mirrors)
app.command("routes", epilog=routes.EPILOG)(routes.routes)
app.command("explain", epilog=explain.EPILOG)(explain.explain)
app.command("status", epilog=status.EPILOG)(status.status)
app.command("promote", epilog=moves.EPILOGS["promote"])(moves.promote)
app.command("rollback", epilog=moves.EPILOGS["rollback"])(moves.rollback)
app.command("pause", epilog=moves.EPILOGS["pause"])(moves.pause)
app.command("resume", epilog=moves.EPILOGS["resume"])(moves.resume)
app.command("clear", epilog=moves.EPILOGS["clear"])(moves.clear)
app.command("diffs", epilog=diffs.EPILOG)(diffs.diffs)
app.command("history", epilog=history.EPILOG)(history.history)
app.command("sign", epilog=sign.EPILOG)(sign.sign)
app.registered_commands.append(app.registered_commands.pop(0))  # `version` comes last in --help
