"""`gateway scaffold`: writes the endpoint that replaces a view, its route and its contract test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from gateway.cli.common import ConfigOption, JsonOption, config_path, end, print_json
from gateway.cli.project import opened

if TYPE_CHECKING:
    from gateway.workbench.scaffold.draft import Draft, File, FileOutcome

__all__ = ["EPILOG", "scaffold"]

EPILOG = """\
\b
Examples:
  gateway scaffold "GET /api/products/{id}/" --service catalog            as the project's own view answers it
  gateway scaffold /api/products/ --service catalog --whole-viewset       every endpoint of its view
  gateway scaffold shop.views.ProductViewSet --service catalog --rewrite  with Pydantic models instead of serializers
  gateway scaffold /api/products/ --service catalog --dry-run             what would be written

An endpoint is a path template with its method or without, a path, a URL's name, or a view's dotted name; "gateway \
inventory" lists them. A lifted endpoint runs the view's own code, so nothing can differ; in a rewritten one, what \
can't be translated is listed, and raises NotImplementedError. It writes a module with a router, the route in \
gateway.toml at stage legacy, and a contract test for both sides. No file is overwritten: if one exists, the diff is \
shown. Exit status 1 in that case, or if there is no such endpoint.
"""


def scaffold(
    context: typer.Context,
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="A template, a path, a URL's name or a view.")],
    service: Annotated[str, typer.Option(metavar="NAME", help="The service; created if there is none of that name.")],
    rewrite: Annotated[bool, typer.Option("--rewrite", help="Pydantic models instead of the serializers.")] = False,
    whole: Annotated[bool, typer.Option("--whole-viewset", help="Every endpoint of the view.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing, show what would be written.")] = False,
    tests: Annotated[str, typer.Option(metavar="DIR", help="The folder of contract tests.")] = "tests",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the endpoint that replaces a view, its route and its contract test."""
    from gateway.workbench.inventory import NoSuchEndpoint
    from gateway.workbench.scaffold.draft import CannotScaffold
    from gateway.workbench.scaffold.scaffolding import ScaffoldRequest, scaffold

    opened(context, config)
    path = config_path(context, config)
    try:
        draft = scaffold(ScaffoldRequest(endpoint, service, rewrite=rewrite, whole=whole, tests=tests), path)
    except NoSuchEndpoint as exc:
        end(1, "no_such_endpoint", f"Error: {exc}")
    except CannotScaffold as exc:
        end(1, "not_scaffolded", f"Error: {exc}")
    root = path.resolve().parent
    done = [_File(file, "planned" if dry_run else file.outcome(), file.shown, file.diff(root)) for file in draft.files]
    if not dry_run:
        draft.write()
    if as_json:
        print_json("scaffold", **_described(draft, done, root))
    else:
        _print(draft, done, root)
    if any(one.outcome == "kept" and one.file.kind != "application" for one in done):
        raise typer.Exit(1)


class _File(NamedTuple):
    """A file, what happens to it, and what is shown of it."""

    file: File
    outcome: FileOutcome
    text: str
    diff: str

    def path(self, root: Path) -> str:
        """The path relative to the project's folder."""
        return str(self.file.path.relative_to(root) if self.file.path.is_relative_to(root) else self.file.path)


def _described(draft: Draft, done: Sequence[_File], root: Path) -> dict[str, Any]:
    """The draft in the form of `ScaffoldDocument` in workbench/shapes."""
    files = [
        {"path": one.path(root), "kind": one.file.kind, "outcome": one.outcome, "text": one.text, "diff": one.diff}
        for one in done
    ]
    told = {name: list(getattr(draft, name)) for name in ("endpoints", "todos", "notes", "steps")}
    return {"service": draft.service, "route": draft.route, "mode": draft.mode, "files": files, **told}


_SAID = {
    "written": "written",
    "unchanged": "is as it would be written",
    "kept": "is there already, and was left as it is; this would be the difference:",
    "planned": "would be written:",
}


def _print(draft: Draft, done: Sequence[_File], root: Path) -> None:
    for one in done:
        typer.echo(f"{one.path(root)} {_said(one)}")
        if one.outcome in ("kept", "planned") and one.diff:
            typer.echo(f"\n{one.diff}")
    for title, lines in (("To do", draft.todos), ("Note", draft.notes), ("Next", draft.steps)):
        for line in lines:
            typer.echo(f"{title}: {line}")


def _said(one: _File) -> str:
    if one.outcome == "written" and one.file.appended:
        return "has new entries at its end"
    return _SAID[one.outcome]
