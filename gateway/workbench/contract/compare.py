"""The contract of a route: every endpoint, compared with the view that was at its path."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gateway.compat.drf import class_behind
from gateway.workbench.contract.budget import TrialBudget
from gateway.workbench.contract.database import without_database
from gateway.workbench.contract.paths import compare_paths
from gateway.workbench.contract.result import (
    Compared,
    ContractKind,
    ContractReport,
    EndpointContract,
    RouteContract,
    Unknown,
)
from gateway.workbench.contract.routed import Routed, named, routed

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["NothingClaimed", "contract_of", "find_contracts"]

_parameter = re.compile(r"{[^}]*}")


class NothingClaimed(LookupError):
    """No route has this name, and none claims such an endpoint."""


def contract_of(gateway: Gateway, route: str, budget: TrialBudget) -> RouteContract:
    """The contract of one route. Makes no database query and no request."""
    return _contract(gateway, route, list(routed(gateway, route)), budget)


def find_contracts(gateway: Gateway, text: str | None, budget: TrialBudget) -> Iterator[RouteContract]:
    """The contracts of what `text` names: a route, an endpoint (`GET /api/products/{id}/`, with or without its method),
    or the dotted name of a view or function; None names every route. Raises NothingClaimed, before the first.

    They are yielded one after another, as they are made.
    """
    routes = list(gateway.snapshot.routes)
    if text is None or text in routes:
        return (contract_of(gateway, route, budget) for route in ([text] if text else routes))
    claimed = {route: list(routed(gateway, route)) for route in routes}
    chosen = {route: [one for one in found if _is_meant(one, text)] for route, found in claimed.items()}
    if not any(chosen.values()):
        known = ", ".join(
            [*routes, *(f"{one.method} {one.endpoint.path}" for found in claimed.values() for one in found)]
        )
        raise NothingClaimed(
            f"no route is called {text!r}, and none claims such an endpoint; there are: {known or 'none'}"
        )
    return (_contract(gateway, route, found, budget) for route, found in chosen.items() if found)


def _is_meant(one: Routed, text: str) -> bool:
    method, _, path = text.strip().rpartition(" ")
    if path.startswith("/"):
        own = _parameter.sub("{}", one.endpoint.path)
        wanted = _parameter.sub("{}", path)
        return wanted.rstrip("/") == own.rstrip("/") and method.strip().upper() in ("", one.method)
    return text in (named(one.function), None if one.view is None else named(one.view))


def _contract(gateway: Gateway, route: str, found: Sequence[Routed], budget: TrialBudget) -> RouteContract:
    service = gateway.snapshot.routes[route].service
    if not found:
        return RouteContract(route, service, (), skipped=_why_none(gateway, service))
    with without_database():
        endpoints = [_endpoint(gateway, route, one, budget) for one in found]
    return RouteContract(route, service, endpoints)


def _why_none(gateway: Gateway, service: str) -> str:
    if gateway.config.services[service].app is None:
        return "the service is at a URL, and can't be asked what it declares"
    return "it claims nothing but the service's own pages"


def _endpoint(gateway: Gateway, route: str, one: Routed, budget: TrialBudget) -> EndpointContract:
    view = None if one.view is None else named(one.view)
    made = EndpointContract(one.method, one.endpoint.path, view, named(one.function), _kind(one))
    if view is None:
        made.add([Unknown("view", "the project has no such path: there is nothing to compare with")])
        return made
    made.add(compare_paths(one, gateway.snapshot, route))
    made.add(_rules(one, made.kind, budget, options=_claims_options(gateway, route, one)))
    return made


def _claims_options(gateway: Gateway, route: str, one: Routed) -> bool:
    match = gateway.snapshot.table.match(one.path, "OPTIONS")
    return match is not None and match.route == route


def _kind(one: Routed) -> ContractKind:
    if one.view is None:
        return "new"
    if not _has_drf():
        return "plain"
    from gateway.workbench.drf.contract.lifted import is_lifted
    from gateway.workbench.drf.contract.views import is_drf

    if not is_drf(one.view):
        return "plain"
    if is_lifted(one):
        return "lifted"
    return "rewritten" if one.bridged and one.answers == "drf" else "plain"


def _has_drf() -> bool:
    return importlib.util.find_spec("rest_framework") is not None


def _rules(one: Routed, kind: ContractKind, budget: TrialBudget, *, options: bool) -> Iterable[ContractReport]:
    made_of: Any = class_behind(one.view)
    if _has_drf():
        from gateway.workbench.drf.contract.endpoint import compare_endpoint
        from gateway.workbench.drf.contract.views import is_drf

        if is_drf(one.view):
            return compare_endpoint(one, budget, lifted=kind == "lifted", options=options)
    what = "a function" if made_of is None else "a class"
    return [
        Compared("view", f"{what} of Django's, which says nothing of bodies and answers"),
        Unknown("view", "its bodies, answers, statuses and callers are code alone: record and replay compare them"),
    ]
