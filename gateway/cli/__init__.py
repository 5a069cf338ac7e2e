"""The command line: `gateway …`, and the same as `python manage.py gateway …`.

    init      write a commented gateway.toml            init.py
    check     build everything, report every problem    check.py
    serve     serve it with uvicorn                     serve.py, server.py
    routes    who claims what, by precedence            routes.py
    explain   who would answer one request, and why     explain.py

`app.py` puts them together. A worker process imports this package to start, so nothing is loaded here.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(args: Sequence[str] | None = None, prog_name: str | None = None) -> None:
    """Run the command line with `args` (default: those of the process). Ends in SystemExit."""
    from gateway.cli.app import app

    app(args, prog_name=prog_name)
