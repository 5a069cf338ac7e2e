"""Django REST framework, which is optional: nothing here imports it."""

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
    """What a view was made of: the class, what `as_view` was given, and a ViewSet's actions by method."""

    kind: type[Any]
    initkwargs: Mapping[str, Any]
    actions: Mapping[str, str] | None


def class_behind(view: Any) -> ViewClass | None:
    """The class that `view`, or what it is wrapped in, was made of by `as_view`; None where it was made otherwise.

    Django documents `view_class` and `view_initkwargs`. A ViewSet has `cls`, `initkwargs` and `actions` instead, which
    DRF leaves on the function for its own routers and schemas. A decorator copies them, as `functools.wraps` does.
    """
    kind = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if not isinstance(kind, type):
        return None
    initkwargs = getattr(view, "view_initkwargs", None) or getattr(view, "initkwargs", None) or {}
    return ViewClass(kind, initkwargs, getattr(view, "actions", None))


def api_view_function(kind: type) -> Callable[..., Any] | None:
    """The function that `@api_view` has made the view class `kind` of; None where it is a class that somebody wrote.

    `WrappedAPIView.handler`: DRF gives the class the function's name, and keeps the function itself only as the free
    variable `func` of its methods.
    """
    if kind.__qualname__ != "WrappedAPIView":
        return None
    for handler in vars(kind).values():
        names = getattr(getattr(handler, "__code__", None), "co_freevars", ())
        if "func" in names:
            return cast("Callable[..., Any]", handler.__closure__[names.index("func")].cell_contents)
    return None


def forget_user(request: Request) -> None:
    """Let `request.user` be looked for again, the next time it is asked for.

    `Request._user`: `user` can be set, which says who it is, but not taken back.
    """
    vars(request).pop("_user", None)


def arguments_of(field: Any) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """What a serializer field, or a serializer, was made with: its arguments as they were given.

    `Field._args`, `Field._kwargs`: DRF keeps them to make copies (`__deepcopy__`), and nothing else says what a field
    class of a project's own was given.
    """
    return tuple(field._args), dict(field._kwargs)  # noqa: SLF001 - as above


def declared_fields(serializer: type) -> Mapping[str, Any]:
    """The fields that a serializer's class declares, by name; none where it is no serializer.

    `Serializer._declared_fields`: an instance has `fields`, for which a ModelSerializer asks its model, and
    the project's `get_fields()` may ask for a request.
    """
    return getattr(serializer, "_declared_fields", {})


def force_user(user: object | None) -> None:
    """From now on, let every view of DRF's in this process take its caller for `user`, whatever it is sent; None: for
    whom it is.

    `HttpRequest._force_auth_user`: what `APIClient.force_authenticate()` sets on each request that it makes.
    """
    from django.http import HttpRequest

    HttpRequest._force_auth_user = user  # type: ignore[attr-defined] # noqa: SLF001
