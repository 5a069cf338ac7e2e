"""The command line: `gateway …`, and the same as `python manage.py gateway …`.

    init      write a commented gateway.toml            init.py, requirements.py
    check     build everything, report every problem    check.py
    serve     serve it with uvicorn                     serve.py
    mirrors   make mirrors for the processes that serve mirrors.py
    routes    routes by precedence, and what they claim routes.py
    explain   who would answer one request, and why     explain.py, caller.py
    inventory every endpoint of the project             inventory.py, inventory_tables.py
    brief     what is needed to rewrite an endpoint     brief.py
    openapi   the API document, and what changes in it  openapi.py
    scaffold  write the endpoint that replaces a view   scaffold.py
    contract  compare an endpoint with its view         contract.py
    record    record real requests                      record.py
    replay    send recorded requests to both sides      replay.py, replay_output.py
    verify    all of these comparisons, one verdict     verify.py
    status    stage, traffic and verdict of routes      status.py, advice.py
    promote, rollback, pause, resume, clear             moves.py
    diffs     what differs from legacy                  diffs.py
    history   who changed which route, and why          history.py
    hooks     what hooks were told, and a test of one   hooks.py
    sign      a header that selects a side, for testers sign.py
    retire    delete views that are no longer reached   retire.py
    mcp       a server for coding agents                mcp.py

The results come from workbench/, which also has the schemas of `--json` (shapes/); tables.py formats status, diffs and
history. Commands that build a gateway share common.py; those that must be fast, project.py. app.py registers all of
them. Worker processes import this package, so it imports nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(args: Sequence[str] | None = None, prog_name: str | None = None) -> None:
    """Run the command line with `args` (default: those of the process). Ends in SystemExit."""
    from gateway.cli.app import app

    app(args, prog_name=prog_name)
