"""Data for the contract test of a DRF endpoint: rows, bodies and queries."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.generics import GenericAPIView

from gateway.workbench.drf.examples import body_text, is_certain, required_names, writable_names
from gateway.workbench.drf.views import is_standard, model_of, overridden, query_names, serializer_of, view_for
from gateway.workbench.inventory import Endpoint
from gateway.workbench.scaffold.contract_test import TestedEndpoint
from gateway.workbench.scaffold.references import Untranslatable, reference
from gateway.workbench.scaffold.rows import guessed_row, values_text

__all__ = ["asked", "login_of"]

WRITING = ("POST", "PUT", "PATCH")
PERFORMS = ("perform_create", "perform_update", "perform_destroy", "get_object")


def login_of(chosen: Sequence[Endpoint]) -> str:
    """How users are authenticated for these views: by the session, if all of them use it."""
    kinds = [_option(endpoint, "authentication_classes") for endpoint in chosen]
    session = all(any(issubclass(one, SessionAuthentication) for one in classes) for classes in kinds)
    return "session" if session else "force"


def _option(endpoint: Endpoint, name: str) -> Any:
    """An attribute of the view: as `as_view` was given it, or the class's."""
    return endpoint.initkwargs.get(name, getattr(endpoint.view_class, name))


def asked(endpoint: Endpoint) -> TestedEndpoint:
    """The data for the tests of `endpoint`; little of it for a view that can't be made, or a serializer that can't be
    read, without a request."""
    try:
        return _asked(endpoint)
    except Exception:  # noqa: BLE001 - the project's own code, which may need anything of a request
        return TestedEndpoint(endpoint)


def _asked(endpoint: Endpoint) -> TestedEndpoint:
    serializer = _serializer(endpoint) if endpoint.method in WRITING else None
    model, lookup = _row(endpoint)
    names = writable_names(serializer) if serializer is not None else []
    upload = serializer is not None and any(
        isinstance(serializer.fields[name], serializers.FileField) for name in names
    )
    return TestedEndpoint(
        endpoint,
        model=reference(model) if model is not None else None,
        values=values_text(model),
        lookup=lookup,
        owner=_owner(model),
        body=body_text(serializer) if serializer is not None else None,
        names=tuple(names),
        required=tuple(required_names(serializer)) if serializer is not None else (),
        queries=tuple(query_names(endpoint)) if endpoint.method == "GET" else (),
        certain=_certain(endpoint, serializer),
        upload=upload,
    )


def _certain(endpoint: Endpoint, serializer: Any) -> bool:
    if not is_standard(endpoint) or overridden(endpoint.view_class, *PERFORMS):
        return False
    if endpoint.method in WRITING and (serializer is None or not is_certain(serializer)):
        return False
    return not (endpoint.parameters and overridden(endpoint.view_class, "get_queryset")) or endpoint.method == "DELETE"


def _serializer(endpoint: Endpoint) -> Any:
    """The serializer that reads the body: the view's, or the one that its method names."""
    named = _named(endpoint.function)
    try:
        found = named() if named is not None else serializer_of(endpoint)
    except (Untranslatable, TypeError):
        return None
    if not isinstance(found, serializers.Serializer) or type(found) is serializers.Serializer:
        return None
    if not is_standard(endpoint) and named is None and "get_serializer" not in _source_names(endpoint.function):
        return None  # an action without a body
    return found


def _source_names(function: Any) -> Sequence[str]:
    return tuple(getattr(getattr(inspect.unwrap(function), "__code__", None), "co_names", ()))


def _named(function: Any) -> Any:
    known = getattr(inspect.unwrap(function), "__globals__", {})
    found = (known.get(name) for name in _source_names(function))
    return next((one for one in found if isinstance(one, type) and issubclass(one, serializers.Serializer)), None)


def _row(endpoint: Endpoint) -> tuple[Any, dict[str, str]]:
    """The model of the row that the path identifies, and its fields in the path."""
    if not endpoint.parameters:
        return None, {}
    view = view_for(endpoint)
    if isinstance(view, GenericAPIView) and (model := model_of(endpoint)) is not None:
        name = view.lookup_url_kwarg or view.lookup_field
        return model, {name: f"row.{view.lookup_field.replace('__', '.')}"}
    return guessed_row(endpoint)


def _owner(model: Any) -> str | None:
    """The foreign key from a row to the user who owns it."""
    if model is None:
        return None
    keys = [field for field in model._meta.fields if field.is_relation]  # noqa: SLF001 - as above
    return next((field.name for field in keys if field.related_model._meta.label == settings.AUTH_USER_MODEL), None)  # noqa: SLF001
