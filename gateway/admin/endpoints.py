"""The inventory as a page and as a file, and the page of one endpoint: its brief, and what scaffold would write."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext

from gateway.admin.inventory_cache import Counted
from gateway.rollout.stage import STAGES
from gateway.workbench.inventory.selection import ORDERS, EndpointSelection

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.stats.endpoint_stats import EndpointStats
    from gateway.workbench.brief import Brief
    from gateway.workbench.inventory.report import InventoryEntry
    from gateway.workbench.scaffold.draft import Draft

__all__ = ["COLUMNS", "EndpointList", "EndpointPage", "as_csv", "as_json", "endpoint_list", "endpoint_page"]

KINDS = ("drf", "django", "ninja", "admin", "static", "other")
COLUMNS = (
    "method", "template", "name", "view", "app", "kind", "stage", "route", "requests", "errors", "p50_seconds",
    "p95_seconds", "body_bytes", "seen", "dead",
)  # fmt: skip
# What a spreadsheet takes for the beginning of one, whatever it skips before
# (https://owasp.org/www-community/attacks/CSV_Injection).
FORMULA = re.compile(r"[\s\0\"']*[=+@\-\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


@dataclass(frozen=True, slots=True)
class Choice:
    """A select of the form: its name, its label, its values, and the one that is chosen."""

    name: str
    label: str
    values: tuple[str, ...]
    chosen: str


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """A line of the table. `query` leads to the endpoint's page; numbers are None where nothing is counted."""

    entry: InventoryEntry

    @property
    def query(self) -> str:
        """The query of the endpoint's page."""
        return urlencode({"endpoint": str(self.entry.endpoint)})

    @property
    def view(self) -> str:
        """The view's own name, with the action."""
        one = self.entry.endpoint
        return one.view.rpartition(".")[2] + (f".{one.action}" if one.action else "")

    @property
    def route(self) -> str:
        """The route that claims it; "" without one."""
        claimed = self.entry.serving.claimed
        return "" if claimed is None else claimed.route

    @property
    def stats(self) -> EndpointStats | None:
        """The requests of both sides; None if there were none."""
        usage = self.entry.usage
        return usage.total if usage is not None and usage.requests else None

    @property
    def requests(self) -> int | None:
        """None if there were none."""
        return None if self.stats is None else self.stats.requests

    @property
    def errors(self) -> int | None:
        """None without requests."""
        return None if self.stats is None else self.stats.errors

    @property
    def seen(self) -> datetime | None:
        """The time of the last request."""
        return None if self.stats is None else self.stats.seen

    @property
    def p50(self) -> float | None:
        """In seconds."""
        return None if self.stats is None else self.stats.histogram.quantile(0.5)

    @property
    def p95(self) -> float | None:
        """In seconds."""
        return None if self.stats is None else self.stats.histogram.quantile(0.95)


@dataclass(frozen=True, slots=True)
class EndpointList:
    """The endpoints that a form selects, and what it can select by."""

    counted: Counted
    entries: tuple[InventoryEntry, ...]
    chosen: dict[str, str]
    choices: tuple[Choice, ...]
    orders: tuple[str, ...]

    @property
    def rows(self) -> tuple[EndpointRow, ...]:
        """The lines of the table."""
        return tuple(map(EndpointRow, self.entries))


@dataclass(frozen=True, slots=True)
class EndpointPage:
    """One endpoint. `draft` is None where nothing can be scaffolded; `why_not` says why."""

    name: str
    brief: Brief
    entry: InventoryEntry | None
    draft: Draft | None
    files: tuple[tuple[str, str, str], ...]  # path, outcome, diff
    why_not: str
    service: str


def endpoint_list(counted: Counted, form: QueryDict) -> EndpointList:
    """The endpoints that `form` selects; values that don't exist select nothing."""
    chosen = {name: form.get(name, "").strip() for name in ("text", "method", "app", "kind", "stage", "route", "sort")}
    select = EndpointSelection(
        text=chosen["text"],
        method=chosen["method"] or None,
        app=chosen["app"] or None,
        kind=chosen["kind"] or None,
        stage=chosen["stage"] or None,
        route=chosen["route"] or None,
        dead=form.get("dead") == "yes",
        grouped=form.get("all") == "yes",
    )
    entries = counted.inventory.entries
    order = chosen["sort"] if chosen["sort"] in ORDERS else None
    values = (
        ("method", gettext("Method"), _known(entry.endpoint.method for entry in entries)),
        ("app", gettext("App"), _known(entry.endpoint.app for entry in entries)),
        ("kind", gettext("Kind"), KINDS),
        ("stage", gettext("Stage"), STAGES),
        ("route", gettext("Route"), _known(claim.route for entry in entries for claim in entry.serving.claims)),
    )
    choices = tuple(Choice(name, label, found, chosen[name]) for name, label, found in values)
    flags = {name: form.get(name, "") for name in ("dead", "all")}
    return EndpointList(counted, tuple(select(entries, order)), chosen | flags, choices, tuple(ORDERS))


def _known(values: Iterator[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


# -- files -----------------------------------------------------------------------------------------


def as_csv(entries: Sequence[InventoryEntry]) -> str:
    """A line for each endpoint, for a spreadsheet."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in _values(entry)] for entry in entries)
    return text.getvalue()


def _values(entry: InventoryEntry) -> Iterator[object]:
    one, claimed = entry.endpoint, entry.serving.claimed
    yield from (one.method, one.template, one.name, one.view, one.app, one.kind, entry.stage)
    yield None if claimed is None else claimed.route
    if entry.usage is None:
        yield from (None,) * 6
    else:
        total = entry.usage.total
        yield from (total.requests, total.errors, total.histogram.quantile(0.5), total.histogram.quantile(0.95))
        yield from (total.size, None if total.seen is None else total.seen.isoformat())
    yield entry.dead


def _cell(value: object) -> object:
    """Text that a spreadsheet would calculate is only text."""
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


def as_json(listed: EndpointList, gateway: Gateway) -> dict[str, Any]:
    """The document of `gateway inventory --json`, for the selected endpoints."""
    from gateway.workbench.inventory.described import LookedUp, described
    from gateway.workbench.inventory.uses import Uses
    from gateway.workbench.shapes import SHAPES

    counted = listed.counted
    content = described(counted.inventory, listed.entries, counted.candidates, LookedUp(Uses({}), None, None))
    content |= {
        "stages": {"source": "runtime", "why": gettext("as served now"), "revision": gateway.snapshot.revision},
        "counted": counted.why,
        "notes": [],
    }
    return SHAPES["inventory"](command="inventory", at=counted.at, **content).model_dump(mode="json")


# -- one endpoint ----------------------------------------------------------------------------------


def endpoint_page(name: str, service: str, counted: Counted, config: Path, *, rewrite: bool) -> EndpointPage:
    """The page of the endpoint of that name; nothing is written. Raises NoSuchEndpoint."""
    from gateway.workbench.brief import brief_of
    from gateway.workbench.inventory import find
    from gateway.workbench.scaffold.draft import CannotScaffold
    from gateway.workbench.scaffold.scaffolding import ScaffoldRequest, scaffold

    endpoint = find(name)
    entry = next((one for one in counted.inventory.entries if one.endpoint == endpoint), None)
    service = service or (endpoint.app.rpartition(".")[2] or "service")
    root = config.resolve().parent
    draft, why_not = None, ""
    try:
        if not config.is_file():
            raise CannotScaffold(gettext("the gateway was not configured by a file, to which a route could be added"))
        draft = scaffold(ScaffoldRequest(str(endpoint), service, rewrite=rewrite), config)
    except CannotScaffold as exc:
        why_not = str(exc)
    files = (
        ()
        if draft is None
        else tuple((_under(file.path, root), file.outcome(), file.diff(root)) for file in draft.files)
    )
    return EndpointPage(str(endpoint), brief_of(endpoint), entry, draft, files, why_not, service)


def _under(path: Path, root: Path) -> str:
    return str(path.relative_to(root) if path.is_relative_to(root) else path)
