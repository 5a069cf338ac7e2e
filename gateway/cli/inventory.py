"""`gateway inventory`: every endpoint of the project, who serves it, its traffic, and what to move next."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.common import ConfigOption, JsonOption, build, config_path, fail, print_json, reading_corpus

if TYPE_CHECKING:
    from gateway.workbench.inventory.described import LookedUp
    from gateway.workbench.inventory.recordings import RecordedCases

__all__ = ["EPILOG", "inventory"]

EPILOG = """\
\b
Examples:
  gateway inventory                         every endpoint of the project, with its stage and traffic
  gateway inventory --sort requests         those with most requests first
  gateway inventory /api/ --stage legacy    endpoints below /api/ that have not moved
  gateway inventory --next 5                which five to move next, and why
  gateway inventory --dead                  endpoints without requests, or unreachable
  gateway inventory orders -v               with permissions, serializers, templates, and references to its URL
  gateway inventory --json | jq '.endpoints[] | select(.kind == "drf") | .template'

Requests are counted by servers whose project has "gateway.control" in INSTALLED_APPS, routed or not, and stored every \
half minute. The admin, static files, installed packages and format suffixes are one line each; --all lists \
them.
"""

SHOWN_NEXT = 5  # default for JSON
SortKey = StrEnum("SortKey", ["url", "requests", "errors", "p95", "bytes", "seen"])
KindName = StrEnum("KindName", ["drf", "django", "ninja", "admin", "static", "other"])
StageName = StrEnum("StageName", ["legacy", "shadow", "canary", "live", "retired"])


def inventory(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="Part of a path, a URL's name or a view.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
    sort: Annotated[SortKey | None, typer.Option(help="The order. [default: the URLconf's]")] = None,
    method: Annotated[str | None, typer.Option(metavar="METHOD", help="Only this method.")] = None,
    app: Annotated[str | None, typer.Option(metavar="LABEL", help="Only views of this app.")] = None,
    kind: Annotated[KindName | None, typer.Option(help="Only views of this kind.")] = None,
    stage: Annotated[StageName | None, typer.Option(help="Only those at this stage.")] = None,
    route: Annotated[str | None, typer.Option(metavar="NAME", help="Only those that this route claims.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Only those without requests, or unreachable.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Also admin, static, installed and suffixes.")] = False,
    days: Annotated[int, typer.Option(min=1, max=90, metavar="N", help="Traffic of today and the days before.")] = 7,
    following: Annotated[int, typer.Option("--next", min=0, metavar="N", help="What to move next, and why.")] = 0,
    corpus: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Recorded requests, which --next counts as proof.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="What each uses, and references to its URL.")
    ] = False,
) -> None:
    """List every endpoint that Django serves: its upstream, its traffic, and what is left to move."""
    from gateway.cli.inventory_tables import show_inventory, show_next
    from gateway.workbench import describe
    from gateway.workbench.inventory.counted import counted_in
    from gateway.workbench.inventory.described import described
    from gateway.workbench.inventory.ranking import ranked
    from gateway.workbench.inventory.report import inventory as take
    from gateway.workbench.inventory.selection import EndpointSelection
    from gateway.workbench.runtime_states import put_in_force

    gateway = build(config_path(context, config))
    if not describe.is_django(gateway):
        fail("there is no inventory: [legacy] is another WSGI application, which can't be asked for its URLs")
    states = put_in_force(gateway)
    counted, why = counted_in(days)
    found = take(gateway.snapshot, counted, days)
    select = EndpointSelection(
        text, method.upper() if method else None, app, kind, stage, route, dead=dead, grouped=everything
    )
    entries = select(found.entries, sort)
    looked_up = _look_up(Path.cwd(), whole=as_json or verbose)
    candidates = ranked(entries, looked_up.coverage, _recorded(corpus))[: following or (SHOWN_NEXT if as_json else 0)]
    if as_json:
        notes = list(looked_up.document.notes) if looked_up.document is not None else []
        content = described(found, entries, candidates, looked_up)
        print_json("inventory", stages=states.described(), counted=why, notes=notes, **content)
    elif following:
        show_next(candidates)
    else:
        show_inventory(found, entries, looked_up, why, verbose=verbose)


def _recorded(corpus: Path | None) -> RecordedCases | None:
    from gateway.workbench.inventory.recordings import recordings_in

    with reading_corpus():
        return recordings_in(corpus) if corpus is not None else None


def _look_up(folder: Path, *, whole: bool) -> LookedUp:
    """What is looked up for all endpoints together; `whole`: including what takes longer."""
    from gateway.workbench.inventory.coverage import coverage_in
    from gateway.workbench.inventory.described import LookedUp
    from gateway.workbench.inventory.documents import project_document
    from gateway.workbench.inventory.uses import Uses, uses

    coverage = coverage_in(folder)
    return LookedUp(uses(), coverage, project_document()) if whole else LookedUp(Uses({}), coverage, None)
