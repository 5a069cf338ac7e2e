"""Compares pagination and filters: the query parameters that both sides read, and the classes behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import BaseModel
from rest_framework.filters import SearchFilter
from rest_framework.generics import GenericAPIView

from gateway.bridge.drf.filters import Filters
from gateway.bridge.drf.openapi.parameters import query_parameters
from gateway.bridge.drf.pagination import Pagination
from gateway.compat.fastapi import parameters
from gateway.parity.severity import Severity
from gateway.workbench.contract.result import Compared, ContractFinding, ContractReport, Unknown, plain
from gateway.workbench.drf.contract.source import mentions

__all__ = ["compare_lists"]

OF_FILTERS = ("filter_backends", "filterset_class", "filterset_fields", "search_fields", "ordering_fields", "ordering")
OF_PAGES = (
    "page_size", "max_page_size", "page_query_param", "page_size_query_param", "default_limit", "max_limit",
    "limit_query_param", "offset_query_param", "cursor_query_param", "ordering", "last_page_strings",
)  # fmt: skip
READING = ("GET", "query_params", "QUERY_STRING")  # how an endpoint may read the query itself


def compare_lists(legacy: Any, service: Any, routed: Any) -> Iterator[ContractReport]:
    """The differences of a list's filters and pagination; `service` is None if no DRF view is around the endpoint."""
    filters = next((one for one in routed.endpoint.dependencies if isinstance(one, Filters)), None)
    pages = next((one for one in routed.endpoint.dependencies if isinstance(one, Pagination)), None)
    read = _read(legacy)
    taken = {*_taken(routed)}
    yield Compared("filters", ", ".join(read) or "no query parameter")
    missing = [name for name in read if name not in taken]
    if missing and mentions(routed.function, *READING):
        yield Unknown("filters", f"{', '.join(missing)}: code of the endpoint's reads the query by itself")
    else:
        for name in missing:
            yield ContractFinding(
                Severity.BREAKING,
                "filters",
                f"?{name}=: {read[name]} reads it in legacy, the service doesn't",
                name,
                read[name],
                "ignored",
            )
    if filters is not None and service is not None:
        yield from _attributes(legacy, service, OF_FILTERS, "filters")
    yield from _pages(legacy, service, pages)


def _read(view: Any) -> Mapping[str, str]:
    """The query parameters of the view's own classes, each with the class that reads it."""
    found: dict[str, str] = {}
    for backend in getattr(view, "filter_backends", ()):
        if issubclass(backend, SearchFilter) and not backend().get_search_fields(view, view.request):
            continue
        described = query_parameters(cast("GenericAPIView[Any]", _ViewWithBackends(view, [backend])))
        found |= {str(one["name"]): backend.__name__ for one in described if one.get("in") == "query"}
    paginator = getattr(view, "paginator", None)
    describe = getattr(paginator, "get_schema_operation_parameters", None)
    for one in describe(view) if describe is not None else ():
        if one.get("in") == "query":
            found[str(one["name"])] = type(paginator).__name__
    return found


class _ViewWithBackends:
    """The view with some of its backends."""

    def __init__(self, view: Any, backends: Any) -> None:
        self._view = view
        self.filter_backends = backends

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)


def _taken(routed: Any) -> Iterator[str]:
    """The query parameters of the endpoint and its dependencies."""
    dependant = getattr(routed.route, "dependant", None)
    for name, info in parameters(dependant) if dependant is not None else ():
        if getattr(getattr(info, "in_", None), "value", "") != "query":
            continue
        model = info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (str(inner.alias or inner_name) for inner_name, inner in model.model_fields.items())
        yield str(info.alias or name)


def _attributes(legacy: Any, service: Any, names: tuple[str, ...], area: str) -> Iterator[ContractReport]:
    for name in names:
        ours, theirs = getattr(legacy, name, None), getattr(service, name, None)
        if _plain(ours) != _plain(theirs):
            yield ContractFinding(
                Severity.BREAKING,
                area,
                f"{name} is {plain(ours)} in legacy and {plain(theirs)} in the service",
                name,
                plain(ours),
                plain(theirs),
            )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, list | tuple) else value


def _pages(legacy: Any, service: Any, pages: Pagination | None) -> Iterator[ContractReport]:
    ours = getattr(legacy, "paginator", None)
    if ours is None:
        yield Compared("pagination", "none")
        if pages is not None and getattr(service, "paginator", None) is not None:
            yield ContractFinding(Severity.BREAKING, "pagination", "the service gives pages, legacy whole lists")
        return
    name = type(ours).__name__
    theirs = getattr(service, "paginator", None) if pages is not None else None
    if theirs is None:
        yield ContractFinding(
            Severity.BREAKING,
            "pagination",
            f"nothing makes pages, as {name} does in legacy: Depends(paginate())",
            "",
            name,
            "none",
        )
        return
    yield Compared("pagination", name)
    if type(theirs) is not type(ours):
        yield ContractFinding(
            Severity.BREAKING, "pagination", "another class makes pages", "", name, type(theirs).__name__
        )
    yield from _attributes(ours, theirs, OF_PAGES, "pagination")
