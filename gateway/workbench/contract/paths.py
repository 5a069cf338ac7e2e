"""Compares paths, methods and names, for views of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gateway.parity.severity import Severity
from gateway.routing.table import ANY
from gateway.workbench.contract.result import Compared, ContractFinding, ContractReport
from gateway.workbench.contract.routed import samples_of
from gateway.workbench.inventory.views import handlers

if TYPE_CHECKING:
    from gateway.snapshot import Snapshot
    from gateway.workbench.contract.routed import Routed

__all__ = ["compare_paths"]


def compare_paths(routed: Routed, snapshot: Snapshot, route: str) -> Iterator[ContractReport]:
    """Differences in the path: the slash at its end, its parameters, the methods, and the name."""
    yield Compared("path", f"{routed.endpoint.path}, slash, parameters, methods")
    if not routed.slash:
        ends = ("without", "with") if routed.endpoint.path.endswith("/") else ("with", "without")
        yield ContractFinding(
            Severity.BREAKING,
            "path",
            f"legacy has it {ends[0]} a slash at the end, the service {ends[1]}",
            legacy=f"{ends[0]} a slash",
            service=f"{ends[1]} a slash",
        )
    yield from _parameters(routed, snapshot, route)
    yield from _methods(routed)
    yield from _name(routed)


def _parameters(routed: Routed, snapshot: Snapshot, route: str) -> Iterator[ContractReport]:
    """Paths that only the service has: a parameter that matches more."""
    if "{" not in routed.endpoint.path:
        return
    for path in samples_of(routed.endpoint):
        match = snapshot.table.match(path, routed.method)
        if match is None or match.route != route or snapshot.known(path) is not False:
            continue
        yield ContractFinding(
            Severity.WARNING,
            "path",
            f"{path} is claimed, which is a 404 of legacy's: write {{name:int}} or the like",
            legacy="404",
            service="claimed",
        )


def _methods(routed: Routed) -> Iterator[ContractReport]:
    """Methods that a route claims with `claim = "all"`, and that the service lacks."""
    if routed.claim != "all" or routed.limited or routed.view is None:
        return
    gone = methods_of(routed.view) - {*routed.siblings, "HEAD", "OPTIONS"}
    if gone:
        listed = ", ".join(sorted(gone))
        yield ContractFinding(
            Severity.BREAKING,
            "methods",
            f'{listed}: legacy has it, the route claims all (claim = "all"), and the service answers 405',
            legacy=listed,
            service="405",
        )


def methods_of(view: Any) -> frozenset[str]:
    """The methods of the project's view, as far as they are known."""
    return frozenset(handler.method for handler in handlers(view)) - {ANY}


def _name(routed: Routed) -> Iterator[ContractReport]:
    found = routed.found
    if found is not None and found.view_name:
        yield Compared("names", f"reverse({found.view_name!r}) and resolver_match: Django's URLconf keeps them")
