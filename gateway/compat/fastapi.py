"""FastAPI: the declarations of an application, and what it runs before and after an endpoint."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import routing
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute

__all__ = [
    "called_before",
    "changed_dependant",
    "given_or_default",
    "is_documentation",
    "lingers",
    "manager_of",
    "parameters",
    "route_contexts",
    "step_of",
    "without",
]


def route_contexts(routes: Sequence[BaseRoute]) -> Iterator[RouteContext]:
    """Each of `routes`, with included routers replaced by their routes and what the inclusion adds.

    `iter_route_contexts`: FastAPI keeps included routers as nested objects. That isn't documented, and `app.routes` has
    them as they are.
    """
    return iter_route_contexts(routes)


def called_before(dependant: Dependant | None) -> Iterator[Callable[..., Any]]:
    """What FastAPI calls before an endpoint: dependencies of application, routers and endpoint, and their own.

    `Dependant.dependencies` and `call`: dependencies are documented as arguments of a route, not for introspection.
    """
    if dependant is None:
        return
    for inner in dependant.dependencies:
        if inner.call is not None:
            yield inner.call
        yield from called_before(inner)


def parameters(dependant: Dependant, *, body: bool = False) -> Iterator[tuple[str, Any]]:
    """The parameters of an endpoint and its dependencies, each with its declaration; with `body`, body parameters too.

    `path_params` and the like: FastAPI only publishes the OpenAPI document, in which types are JSON Schema.
    """
    own = (*dependant.path_params, *dependant.query_params, *dependant.header_params, *dependant.cookie_params)
    yield from ((field.name, field.field_info) for field in (*own, *(dependant.body_params if body else ())))
    for inner in dependant.dependencies:
        yield from parameters(inner, body=body)


def lingers(dependant: Dependant, *, socket: bool) -> bool:
    """Whether FastAPI may run something after the response: background tasks, or the exit of a dependency.

    `background_tasks_param_name`, and `scope`, which says whether an exit runs before the response ("function") or
    after.
    """
    return bool(dependant.background_tasks_param_name) or any(
        (_is_generator(inner.call) and (socket or inner.scope != "function")) or lingers(inner, socket=socket)
        for inner in dependant.dependencies
    )


def _is_generator(function: Any) -> bool:
    call = inspect.unwrap(function if inspect.isroutine(function) else getattr(function, "__call__", function))  # noqa: B004
    return inspect.isgeneratorfunction(call) or inspect.isasyncgenfunction(call)


def without(
    dependant: Dependant,
    parameters: Callable[[Dependant], Container[str]],
    dependency: Callable[[Any], bool],
) -> Dependant:
    """`dependant` as FastAPI solves it, without the query parameters that `parameters` names for it and for each of its
    dependencies, and without the dependencies that `dependency` selects."""
    return replace(
        dependant,
        query_params=[field for field in dependant.query_params if field.name not in parameters(dependant)],
        dependencies=[
            without(inner, parameters, dependency) for inner in dependant.dependencies if not dependency(inner.call)
        ],
    )


@contextmanager
def changed_dependant(route: routing.APIRoute, make: Callable[[Dependant], Dependant]) -> Iterator[None]:
    """While FastAPI makes a handler of `route`, replace its dependencies by the result of `make`.

    `_effective_route_context_var`: if a router is included, FastAPI takes the dependencies from this context and not
    from the route. Without it, handlers would work, but slower.
    """
    effective = routing._effective_route_context_var.get()  # noqa: SLF001
    made: Any = effective if effective is not None and effective.original_route is route else route
    whole = made.dependant
    made.dependant = make(whole)
    try:
        yield
    finally:
        made.dependant = whole


def is_documentation(function: Callable[..., Any]) -> bool:
    """Whether `function` serves FastAPI's own pages, or the OpenAPI document.

    By its module: other routes may have `include_in_schema=False` too.
    """
    return str(getattr(function, "__module__", "")).startswith("fastapi.")


def given_or_default(value: Any) -> Any:
    """`value`, or the default if it is a placeholder for an argument that was not given: `DefaultPlaceholder.value`."""
    return value.value if isinstance(value, DefaultPlaceholder) else value


def step_of(function: Callable[..., Any]) -> str:
    """The name of the function that a thread is to call; `__enter__` and `__exit__` are those of a `yield` dependency.

    `contextmanager_in_threadpool` passes the bound methods, the first in a `functools.partial` of Starlette's. There is
    no public hook before or after them.
    """
    called = function.func if isinstance(function, partial) else function
    return getattr(called, "__name__", "")


def manager_of(function: Any) -> Any:
    """The object whose method `function` is, if `step_of` has named one; None for a plain function."""
    called: Any = function.func if isinstance(function, partial) else function
    return getattr(called, "__self__", None)
