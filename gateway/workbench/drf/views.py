"""A DRF view for an endpoint, with a synthetic request: its serializer, filters and pagination."""

from __future__ import annotations

import inspect
from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework import mixins
from rest_framework.generics import GenericAPIView
from rest_framework.settings import api_settings
from rest_framework.test import APIRequestFactory

from gateway.workbench.inventory import Endpoint
from gateway.workbench.scaffold.references import Untranslatable

__all__ = ["STANDARD", "is_standard", "model_of", "overridden", "query_names", "serializer_of", "view_for"]

STANDARD = {
    "list": mixins.ListModelMixin,
    "retrieve": mixins.RetrieveModelMixin,
    "create": mixins.CreateModelMixin,
    "update": mixins.UpdateModelMixin,
    "partial_update": mixins.UpdateModelMixin,
    "destroy": mixins.DestroyModelMixin,
}
# The action of each method in generic views.
GENERIC = {"get": ("list", "retrieve"), "post": ("create",), "put": ("update",), "patch": ("partial_update",),
           "delete": ("destroy",)}  # fmt: skip


def view_for(endpoint: Endpoint) -> Any:
    """The view, with a synthetic request."""
    kind: Any = endpoint.view_class
    view = kind(**endpoint.initkwargs)
    method = endpoint.method.lower()
    if endpoint.action is not None and hasattr(kind, "get_extra_actions"):
        view.action_map = {method: endpoint.action}
        view.action = endpoint.action
    request = APIRequestFactory().generic(endpoint.method, endpoint.template)
    request.user = AnonymousUser()
    view.setup(request, **{parameter.name: "1" for parameter in endpoint.parameters})
    view.request = view.initialize_request(request)
    view.format_kwarg = None
    return view


def serializer_of(endpoint: Endpoint) -> Any:
    """An instance of the view's serializer for this endpoint. Raises Untranslatable if it has none."""
    view = view_for(endpoint)
    if not isinstance(view, GenericAPIView):
        raise Untranslatable(f"{endpoint.view} names no serializer")
    try:
        return view.get_serializer()
    except Exception as exc:
        raise Untranslatable(f"{endpoint.view}.get_serializer() can't be asked without a request: {exc!r}") from exc


def model_of(endpoint: Endpoint) -> Any:
    """The model of the endpoint's rows; None if unknown."""
    view = view_for(endpoint)
    queryset = getattr(view, "queryset", None)
    if queryset is not None:
        return queryset.model
    try:
        return view.get_queryset().model
    except Exception:  # noqa: BLE001 - whatever the project's own code says without a request
        return None


def standard_action(endpoint: Endpoint) -> str | None:
    """Which of REST framework's own actions this is; None for the project's own."""
    kind, name = endpoint.view_class, endpoint.action
    if kind is None or name is None or not issubclass(kind, GenericAPIView):
        return None
    candidates = (name,) if hasattr(kind, "get_extra_actions") else GENERIC.get(name, ())
    for action in candidates:
        if issubclass(kind, STANDARD.get(action, ())) and not overridden(kind, action, name):
            return action
    return None


def is_standard(endpoint: Endpoint) -> bool:
    """Whether REST framework's own code answers."""
    return standard_action(endpoint) is not None


def overridden(kind: Any, *names: str) -> list[Any]:
    """Those of these methods that the project overrides."""
    found = [inspect.unwrap(getattr(kind, name)) for name in names if hasattr(kind, name)]
    return [method for method in found if not str(method.__module__).startswith("rest_framework.")]


def query_names(endpoint: Endpoint) -> list[str]:
    """The query parameters of the view's filters and pagination."""
    view = view_for(endpoint)
    found: list[str] = []
    for backend in getattr(view, "filter_backends", ()):
        found += _of_backend(backend(), view)
    paginator = getattr(view, "paginator", None)
    names = (
        "page_query_param",
        "page_size_query_param",
        "limit_query_param",
        "offset_query_param",
        "cursor_query_param",
    )
    found += [value for name in names if (value := getattr(paginator, name, None))]
    return list(dict.fromkeys(found))


def _of_backend(backend: Any, view: Any) -> list[str]:
    if hasattr(backend, "get_search_fields"):
        return [str(backend.search_param)] if getattr(view, "search_fields", None) else []
    if hasattr(backend, "ordering_param"):
        return [str(backend.ordering_param)]
    if hasattr(backend, "get_filterset_class"):
        try:
            filterset = backend.get_filterset_class(view, view.get_queryset())
        except Exception:  # noqa: BLE001 - whatever the project's own code says without a request
            return []
        return [*filterset.base_filters] if filterset is not None else []
    return []


def url_field(serializer: Any) -> bool:
    """Whether a new object's `Location` is in its response (CreateModelMixin.get_success_headers)."""
    return api_settings.URL_FIELD_NAME in serializer.fields
