"""Documents query parameters that DRF's classes read themselves."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Annotated, Any

from django.utils.encoding import force_str
from fastapi import Query, Response
from pydantic import WithJsonSchema
from starlette.requests import HTTPConnection

__all__ = ["described", "documented", "documenting", "query_parameters"]

logger = logging.getLogger("gateway.bridge")

Described = Mapping[str, Any]
PREFIX = "parameter_"


def described(what: object, describe: Callable[[], Iterable[Described]]) -> list[Described]:
    """The result of `describe`, the parameters of `what`; empty, with a warning in the log, if it raises.

    It is called when the endpoint is declared, without a request, which not every class expects.
    """
    try:
        return [*describe()]
    except Exception:
        logger.warning("the query parameters of %r are not in the OpenAPI document", what, exc_info=True)
        return []


def documenting(parameters: Iterable[Described]) -> inspect.Signature:
    """The signature of a dependency that takes a `connection` and a `response`, and documents query `parameters`.

    These are in the form of `get_schema_operation_parameters` of a paginator or a filter backend. FastAPI accepts any
    text for them: DRF validates the values.
    """
    found = [_keyword("connection", HTTPConnection), _keyword("response", Response)]
    by_name = {parameter["name"]: parameter for parameter in parameters if parameter.get("in") == "query"}
    for number, parameter in enumerate(by_name.values()):
        found.append(_keyword(f"{PREFIX}{number}", _query(parameter), default=None))
    return inspect.Signature(found)


def documented(signature: inspect.Signature) -> frozenset[str]:
    """The names of the parameters that `documenting` has added to `signature`."""
    return frozenset(name for name in signature.parameters if name.startswith(PREFIX))


def _query(parameter: Described) -> Any:
    schema = {"title": parameter["name"], **parameter.get("schema", {"type": "string"})}
    description = parameter.get("description") or None
    deprecated = parameter.get("deprecated")
    query = Query(alias=parameter["name"], description=description and str(description), deprecated=deprecated)
    return Annotated[str | None, WithJsonSchema(schema), query]


def _keyword(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def query_parameters(view: Any) -> Iterator[Described]:
    """The query parameters that the filter backends of `view` read."""
    for backend in [make() for make in getattr(view, "filter_backends", ())]:
        if hasattr(backend, "get_filterset_class"):  # django-filter's, which no longer documents its parameters
            yield from described(backend, partial(_query_parameterset, backend, view))
        elif hasattr(backend, "get_schema_operation_parameters"):
            yield from described(backend, partial(backend.get_schema_operation_parameters, view))


def _query_parameterset(backend: Any, view: Any) -> Iterator[Described]:
    filterset = backend.get_filterset_class(view, view.queryset)
    for name, field in filterset.base_filters.items() if filterset is not None else ():
        schema: dict[str, Any] = {"type": "string"}
        choices = field.extra.get("choices")
        if isinstance(choices, (list, tuple)):
            schema["enum"] = [force_str(choice[0]) for choice in choices]
        description = force_str(field.extra.get("help_text") or field.label or name)
        yield {"name": name, "in": "query", "description": description, "schema": schema}
