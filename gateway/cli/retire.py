"""`gateway retire`: the patch that deletes what a retired route's service has taken over."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import ConfigOption, JsonOption, build, config_path, end, fail, print_json
from gateway.cli.project import asking_the_database, route_named
from gateway.clock import utc_now
from gateway.rollout.stage import RETIRED

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.config.routes import RouteConfig
    from gateway.workbench.retire.plan import InTheWay
    from gateway.workbench.retire.retirement import Retirement

__all__ = ["EPILOG", "retire"]

EPILOG = """\
\b
Examples:
  gateway retire quotes                     print the patch
  gateway retire quotes | git apply         the same as
  gateway retire quotes --write
  gateway retire quotes --days 30           only if Django had no requests for 30 days

\b
The patch deletes the views of which the route, and other retired ones, claim every path and method; their URLs; what
nothing else in the project uses any more: serializers, functions, templates, imports; and the tests of all that.
Models, migrations, settings, the admin, signals and commands stay, and so does what you have to decide.

\b
It is refused, with file and line, while
  - the route is not retired, or not for --days, or Django had requests for its paths since (--anyway: regardless);
  - a template, reverse(), redirect() or a view_name still uses a URL's name;
  - code other than URLs and tests uses the view: a subclass, an export, a service that lifts it.

\b
A literal path ("/api/quotes/1/") continues to work, with the service, and is listed. Tests that request one are
removed, since Django no longer answers it; --keep-tests keeps those that only do that, if they run through the gateway
(docs/testing.md).

\b
Status 0: the patch was printed, or written. Status 1: it is refused. Status 2: wrong usage. Status 3: the configuration
or the database can't be used.
"""

RouteArgument = Annotated[str, typer.Argument(metavar="ROUTE", help="A route of the file, at stage retired.")]
Exclude = Annotated[
    list[Path] | None,
    typer.Option(
        exists=True,
        file_okay=False,
        metavar="FOLDER",
        help="Python code in this folder is not the project's: it is neither read nor changed. May be repeated.",
        show_default=False,
    ),
]
Days = Annotated[int, typer.Option(min=0, metavar="N", help="The number of days without requests to Django.")]


def retire(
    context: typer.Context,
    route: RouteArgument,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    write: Annotated[bool, typer.Option("--write/--dry-run", help="Change the files, or print the patch.")] = False,
    days: Days = 14,
    anyway: Annotated[bool, typer.Option("--anyway", help="Even if it may be too early.")] = False,
    keep_tests: Annotated[bool, typer.Option("--keep-tests", help="Keep tests that only request a path.")] = False,
    exclude: Exclude = None,
) -> None:
    """Delete the views that a retired route has taken over, and what only they used."""
    from gateway.workbench import describe
    from gateway.workbench.runtime_states import put_in_force

    path = config_path(context, config)
    gateway = build(path)
    if not describe.is_django(gateway):
        fail("There are no views to delete: legacy is a WSGI application, and no Django project.")
    if importlib.util.find_spec("libcst") is None:
        fail('gateway retire changes source with libcst: pip install "django-fastapi-gateway[workbench]"')
    put_in_force(gateway)
    chosen = route_named(gateway.config, route)
    found = _found(gateway, chosen, path, keep_tests=keep_tests, excluded=exclude or [])
    _refuse_early(chosen, found, days, anyway=anyway)
    _refuse_used(route, found)
    if write:
        from gateway.workbench.retire.patch import write as write_changes

        write_changes(found.changes)
    if as_json:
        print_json("retire", **_described(route, found, written=write))
    else:
        _print(found, written=write)


def _found(
    gateway: Gateway, route: RouteConfig, path: Path, *, keep_tests: bool, excluded: Sequence[Path]
) -> Retirement:
    from gateway.workbench.retire.retirement import retirement_of

    state = gateway.snapshot.compiled[route.name].policy.state
    if state.stage != RETIRED:
        why = f"it is at {state.stage}: `gateway promote {route.name} --to retired` first"
        end(1, "unproved", f"{route.name} can't be deleted: {why}", route=route.name, missing=[why])
    root = path.resolve().parent
    found = retirement_of(gateway.snapshot, route.name, root, keep_tests=keep_tests, excluded=excluded)
    if not found.views:
        lines = [f"{view.view}: {url.pattern}: {why}" for view in found.kept for url, why in view.kept]
        uses = "\n".join(f"  {line}" for line in lines) or "  the project has no URL that it claims all of"
        end(1, "in_use", f"{route.name} has no view that can be deleted:\n{uses}", route=route.name)
    return found


def _refuse_early(route: RouteConfig, found: Retirement, days: int, *, anyway: bool) -> None:
    from gateway.workbench.retire.traffic import unproved

    with asking_the_database():
        missing = list(unproved(route, found.patterns, days, utc_now()))
    if not missing:
        return
    listed = "\n".join(f"  {line}" for line in missing)
    if anyway:
        typer.echo(f"Warning: it may be too early:\n{listed}", err=True)
        return
    message = f"It is too early to delete what {route.name} has taken over:\n{listed}"
    end(1, "unproved", message, hint="--anyway does it regardless.", route=route.name, missing=missing)


def _refuse_used(route: str, found: Retirement) -> None:
    if not found.in_the_way:
        return
    uses = _uses(found.in_the_way, found.root)
    listed = "\n".join(f"  {use['file']}:{use['line']}: {use['why']}" for use in uses)
    end(1, "in_use", f"What {route} has taken over is still used:\n{listed}", route=route, uses=uses)


def _uses(found: Sequence[InTheWay], root: Path) -> list[dict[str, Any]]:
    return [{"file": _relative(one.path, root), "line": one.line, "why": one.why} for one in found]


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root.resolve()))


def _described(route: str, found: Retirement, *, written: bool) -> dict[str, Any]:
    from gateway.workbench.retire.patch import diff_of

    root = found.root.resolve()
    return {
        "route": route,
        "written": written,
        "views": [view.view for view in found.views],
        "kept": [
            {
                "view": view.view,
                "urls": [{"pattern": url.pattern, "name": url.name, "why": why} for url, why in view.kept],
            }
            for view in found.kept
        ],
        "gone": [
            {"file": _relative(part.module.path, root), "line": part.place[0], "what": part.name}
            for part in found.parts
        ],
        "files": [{"file": _relative(one.path, root), "deleted": one.after is None} for one in found.changes],
        "noted": _uses(found.noted, root),
        "diff": diff_of(found.changes, root),
    }


def _print(found: Retirement, *, written: bool) -> None:
    """Print the patch to stdout, and notes about it to stderr."""
    from gateway.workbench.retire.patch import diff_of

    root = found.root.resolve()
    if not written:
        typer.echo(diff_of(found.changes, root), nl=False)
    verb = "deleted" if written else "would be deleted"
    typer.echo(f"{', '.join(view.view for view in found.views)}: {len(found.parts)} parts {verb}", err=True)
    for change in found.changes:
        how = "deleted" if change.after is None else "changed"
        typer.echo(f"  {how}  {_relative(change.path, root)}", err=True)
    for view in found.kept:
        typer.echo(f"  kept     {view.view}: {view.kept[0][0].pattern}: {view.kept[0][1]}", err=True)
    for use in _uses(found.noted, root):
        typer.echo(f"  note     {use['file']}:{use['line']}: {use['why']}", err=True)
