"""`gateway brief`: what is needed to rewrite one endpoint."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import ConfigOption, JsonOption, build, config_path, end, print_json, reading_corpus
from gateway.server.terminal import REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.workbench.brief import Brief, Source

__all__ = ["EPILOG", "brief"]

EPILOG = """\
\b
Examples:
  gateway brief "GET /api/products/{id}/"
  gateway brief "POST /api/orders/" --corpus recordings/orders.jsonl
  gateway brief shop.views.ProductViewSet.list --json
  gateway brief "GET /api/products/" > brief.md       for a reviewer, or a coding agent

One page of Markdown: the code that answers now, with its file and line, the SQL of its queryset, the settings \
on which the view relies, recorded requests and responses, and what `gateway scaffold` would write. \
No database is queried, and nothing is sent. Status 1: there is no such endpoint.
"""


def brief(
    context: typer.Context,
    endpoint: Annotated[
        str, typer.Argument(metavar="ENDPOINT", help='"GET /api/products/{id}/", a path, a URL\'s name, or a view.')
    ],
    corpus: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Recorded requests, for examples.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show everything that is needed to rewrite an endpoint, on one page."""
    build(config_path(context, config))
    from gateway.workbench.brief import brief_of
    from gateway.workbench.corpus import read_corpus
    from gateway.workbench.inventory import NoSuchEndpoint, find

    with reading_corpus():
        recorded = None if corpus is None else read_corpus(corpus)
    try:
        found = brief_of(find(endpoint), recorded)
    except NoSuchEndpoint as exc:
        end(REFUSED, "no_such_endpoint", str(exc))
    if as_json:
        print_json("brief", **_described(found))
    else:
        typer.echo("\n".join(_page(found)))


def _described(found: Brief) -> dict[str, Any]:
    """The brief in the form of `BriefDocument` in workbench/shapes."""
    from gateway.workbench.corpus.case import case_to_json

    endpoint = found.endpoint
    return {
        "method": endpoint.method,
        "template": endpoint.template,
        "name": endpoint.name,
        "view": endpoint.view,
        "action": endpoint.action,
        "kind": endpoint.kind,
        "file": endpoint.file,
        "line": endpoint.line,
        "parameters": [asdict(one) for one in endpoint.parameters],
        "sources": [_source_document(one) for one in found.sources],
        "sql": found.sql,
        "settings": {name: str(value) for name, value in found.defaults.items()},
        "cases": [case_to_json(case) for case in found.cases],
        "notes": list(found.notes),
    }


def _source_document(source: Source) -> dict[str, Any]:
    return {key: getattr(source, key) for key in ("role", "name", "file", "line", "text")}


def _page(found: Brief) -> Iterator[str]:
    endpoint = found.endpoint
    yield f"# {endpoint}\n"
    yield f"- view: `{endpoint.view}`" + (f", action `{endpoint.action}`" if endpoint.action else "")
    yield f"- written in: {endpoint.file}:{endpoint.line}"
    yield f"- URL name: {endpoint.name or 'none'}"
    for parameter in endpoint.parameters:
        yield f"- parameter `{parameter.name}`: `{parameter.regex}`"
    yield from (f"- note: {note}" for note in found.notes)
    for source in found.sources:
        yield f"\n## {source.role}: `{source.name}`\n\n{source.file}:{source.line}"
        if source.text is not None:
            yield f"\n```python\n{source.text.rstrip()}\n```"
    if found.sql is not None:
        yield f"\n## SQL\n\n```sql\n{found.sql}\n```"
    if found.defaults:
        yield "\n## REST_FRAMEWORK\n"
        yield from (f"- `{name}`: `{value!r}`" for name, value in found.defaults.items())
    if found.cases:
        yield "\n## Recorded\n"
        for case in found.cases:
            status = case.answer.status if case.answer is not None else "no answer recorded"
            yield f"- {case.method} {case.target} as {case.user.kind}: {status}, {case.seen} times"
