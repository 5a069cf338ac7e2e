"""Django REST framework, which is optional: this module doesn't import it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from rest_framework.request import Request

__all__ = [
    "ViewClass",
    "api_view_function",
    "arguments_of",
    "class_behind",
    "declared_fields",
    "force_user",
    "forget_user",
]


class ViewClass(NamedTuple):
    """How a view was made: the class, the arguments of `as_view`, and a ViewSet's actions by method."""

    kind: type[Any]
    initkwargs: Mapping[str, Any]
    actions: Mapping[str, str] | None


def class_behind(view: Any) -> ViewClass | None:
    """The class from which `as_view` made `view`, or the view that it wraps; None if it was made in another way.

    Django documents `view_class` and `view_initkwargs`. A ViewSet has `cls`, `initkwargs` and `actions` instead, which
    DRF sets on the function for its own routers and schemas. Decorators copy them with `functools.wraps`.
    """
    kind = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if not isinstance(kind, type):
        return None
    initkwargs = getattr(view, "view_initkwargs", None) or getattr(view, "initkwargs", None) or {}
    return ViewClass(kind, initkwargs, getattr(view, "actions", None))


def api_view_function(kind: type) -> Callable[..., Any] | None:
    """The function from which `@api_view` made the view class `kind`; None for any other class.

    `WrappedAPIView.handler`: DRF gives the class the function's name, and keeps the function only as the free variable
    `func` of its methods.
    """
    if kind.__qualname__ != "WrappedAPIView":
        return None
    for handler in vars(kind).values():
        names = getattr(getattr(handler, "__code__", None), "co_freevars", ())
        if "func" in names:
            return cast("Callable[..., Any]", handler.__closure__[names.index("func")].cell_contents)
    return None


def forget_user(request: Request) -> None:
    """Make `request.user` be determined again at the next access.

    `Request._user`: `user` can be set, but not deleted.
    """
    vars(request).pop("_user", None)


def arguments_of(field: Any) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """The arguments with which a serializer field, or a serializer, was created.

    `Field._args`, `Field._kwargs`: DRF keeps them to make copies (`__deepcopy__`); there is no public way to the
    arguments of a project's own field class.
    """
    return tuple(field._args), dict(field._kwargs)  # noqa: SLF001 - as above


def declared_fields(serializer: type) -> Mapping[str, Any]:
    """The fields that a serializer's class declares, by name; empty if it is no serializer.

    `Serializer._declared_fields`: an instance has `fields`, but a ModelSerializer builds these from its model, and the
    project's `get_fields()` may need a request.
    """
    return getattr(serializer, "_declared_fields", {})


def force_user(user: object | None) -> None:
    """From now on, make every DRF view in this process authenticate its caller as `user`, whatever is sent; None: undo
    that.

    `HttpRequest._force_auth_user`: what `APIClient.force_authenticate()` sets on each request that it makes.
    """
    from django.http import HttpRequest

    HttpRequest._force_auth_user = user  # type: ignore[attr-defined] # noqa: SLF001
