"""Analyses a callback of the URLconf: its methods, and the handler of each."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from django.urls import URLPattern, URLResolver
from django.views import View

from gateway.compat.django import methods_required
from gateway.compat.drf import ViewClass, api_view_function, class_behind
from gateway.compat.ninja import NinjaOperation, operations_behind
from gateway.routing.table import ANY
from gateway.workbench.inventory.endpoint import ViewKind

__all__ = ["ViewHandler", "handlers", "innermost", "kind_of", "layers"]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
# Django and DRF answer these themselves, for every path or for GET.
INCIDENTAL = frozenset({"HEAD", "OPTIONS", "TRACE"})


class ViewHandler(NamedTuple):
    """The handler of a view for one method: see `Endpoint`. `name` is the operation's, if it has one."""

    method: str
    function: Any
    view_class: type | None = None
    action: str | None = None
    initkwargs: Mapping[str, Any] = {}


def handlers(callback: Any, name: str | None = None) -> Iterator[ViewHandler]:
    """The handlers of `callback` by method; "*" if its methods are unknown. `name` is that of its URL: Ninja has one
    for each operation, and each leads to all of them."""
    operations = operations_behind(callback)
    if operations is not None:
        own = [one for one in operations if name and name.endswith(_url_name(one))]
        for operation in own or operations:
            yield from (ViewHandler(method, operation.view_func) for method in operation.methods)
        return
    made_of = class_behind(callback)
    if made_of is not None:
        yield from _of_class(made_of, _required(callback))
        return
    methods = _required(callback)
    for method in [ANY] if methods is None else _without_incidental(methods):
        yield ViewHandler(method, innermost(callback))


def _url_name(operation: NinjaOperation) -> str:
    given: str | None = getattr(operation, "url_name", None)  # set only if one was given
    return given or operation.view_func.__name__


def _of_class(made_of: ViewClass, required: Sequence[str] | None) -> Iterator[ViewHandler]:
    view, initkwargs, actions = made_of
    own = [name.upper() for name in initkwargs.get("http_method_names", getattr(view, "http_method_names", ()))]
    found = {method: (actions or {}).get(method.lower(), method.lower()) for method in own}
    if actions:
        found = {method: action for method, action in found.items() if method.lower() in actions}
    found = {method: action for method, action in found.items() if hasattr(view, action)}
    if required is not None:
        found = {method: action for method, action in found.items() if method in required}
    if not set(found) - INCIDENTAL and not actions and _dispatches_itself(view):
        yield ViewHandler(ANY, view, view, None, initkwargs)
        return
    for method in _without_incidental([*found]):
        yield ViewHandler(method, _written(view, found[method]), view, found[method], initkwargs)


def _dispatches_itself(view: type) -> bool:
    """Whether the class dispatches methods itself, as the views of GraphQL libraries do."""
    module: str = getattr(getattr(view, "dispatch", None), "__module__", "")
    return not module.startswith(("django.views.", "rest_framework."))


def _written(view: type, action: str) -> Any:
    """The project's code for an action: the method if it is the class's own, else the class."""
    own = vars(view).get(action)
    return api_view_function(view) or (own if own is not None and not _is_inherited(view, action) else view)


def _is_inherited(view: type, action: str) -> bool:
    """Whether the class's own method only wraps its base's, as drf-spectacular's `extend_schema_view` and Django's
    `method_decorator` on a class make it."""
    inner = innermost(vars(view)[action])
    return any(innermost(vars(base)[action]) is inner for base in view.__mro__[1:] if action in vars(base))


def _required(callback: Any) -> Sequence[str] | None:
    """The methods that `require_http_methods` or a similar decorator allows, at any depth of decorators."""
    found: Sequence[str] | None = None
    for one in layers(callback):
        methods = methods_required(one)
        if methods is not None:
            found = [method for method in methods if found is None or method in found]
    return found


def _without_incidental(methods: Sequence[str]) -> list[str]:
    order = {method: place for place, method in enumerate(METHODS)}
    own = [method for method in methods if method not in INCIDENTAL] or list(methods)
    return sorted(own, key=lambda method: order.get(method, len(order)))


def layers(callback: Any) -> Iterator[Any]:
    """`callback`, the function that it wraps, and so on inwards."""
    seen: set[int] = set()
    while callback is not None and id(callback) not in seen:
        seen.add(id(callback))
        yield callback
        callback = callback.func if isinstance(callback, partial) else getattr(callback, "__wrapped__", None)


def innermost(callback: Any) -> Any:
    """The function inside all decorators."""
    *_, last = layers(callback)
    return last


def kind_of(callback: Any, items: Sequence[URLPattern | URLResolver]) -> ViewKind:
    """The kind of view. An admin's pages count as the admin's, whoever wrote the view."""
    if any(getattr(item, "app_name", None) == "admin" for item in items):
        return "admin"
    inner = innermost(callback)
    if getattr(inner, "__module__", "") in ("django.views.static", "django.contrib.staticfiles.views"):
        return "static"
    if operations_behind(callback) is not None:
        return "ninja"
    made_of = class_behind(callback)
    if made_of is not None:
        return "drf" if _is_drf(made_of.kind) else "django" if issubclass(made_of.kind, View) else "other"
    return "django" if inspect.isroutine(inner) else "other"


def _is_drf(kind: type) -> bool:
    views = sys.modules.get("rest_framework.views")
    return views is not None and issubclass(kind, views.APIView)
