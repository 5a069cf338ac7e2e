"""The command line: `gateway …`, and the same as `python manage.py gateway …`.

    init      write a commented gateway.toml            init.py, requirements.py
    check     build everything, report every problem    check.py
    serve     serve it with uvicorn                     serve.py
    mirrors   mirror for the processes that serve       mirrors.py
    routes    who claims what, by precedence            routes.py
    explain   who would answer one request, and why     explain.py, caller.py
    scaffold  write what takes a view's place           scaffold.py
    status    stage, traffic and verdict of routes      status.py, advice.py
    promote, rollback, pause, resume, clear             moves.py
    diffs     what differs from legacy                  diffs.py
    history   who moved what, and why                   history.py
    sign      a header with which testers choose        sign.py

What they find out is in workbench/, and so are the shapes of `--json` (shapes/); tables.py draws status, diffs and
history. Those that build a gateway share common.py; those that must be quick, project.py. app.py puts them together. A
worker process imports this package to start, so nothing is loaded here.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(args: Sequence[str] | None = None, prog_name: str | None = None) -> None:
    """Run the command line with `args` (default: those of the process). Ends in SystemExit."""
    from gateway.cli.app import app

    app(args, prog_name=prog_name)
