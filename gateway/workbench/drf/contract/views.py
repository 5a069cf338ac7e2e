"""Creates DRF's views as for a request, without one being sent."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.urls import ResolverMatch
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from gateway.bridge.drf.dispatching_view import DRFStyle
from gateway.bridge.drf.request import ViewPart, view_class
from gateway.compat.drf import class_behind
from gateway.routing.table import ANY, EndpointPattern

if TYPE_CHECKING:
    from gateway.workbench.contract.routed import Routed

__all__ = ["is_drf", "legacy_view", "service_view", "with_user"]


def is_drf(callback: Any) -> bool:
    """Whether a view of the URLconf is DRF's."""
    made_of = class_behind(callback)
    return made_of is not None and issubclass(made_of.kind, APIView)


def legacy_view(routed: Routed) -> APIView | None:
    """The project's view for this endpoint, with a request; None if it isn't DRF's."""
    return _made(routed.view, routed) if is_drf(routed.view) else None


def service_view(routed: Routed) -> APIView | None:
    """The view that DRF's classes get for the service's endpoint; None if DRF isn't used there."""
    if routed.bridged and routed.answers == "drf":
        return _made(DRFStyle().view(routed.endpoint, _without_any(routed.siblings), routed.function), routed)
    if not any(isinstance(one, ViewPart) for one in routed.endpoint.dependencies):
        return None
    methods = frozenset(routed.siblings) - {ANY}
    return _with_request(view_class(routed.endpoint.dependencies, methods)(), routed)


def _without_any(siblings: Mapping[str, EndpointPattern]) -> dict[str, EndpointPattern]:
    return {method: endpoint for method, endpoint in siblings.items() if method != ANY}


def _made(callback: Any, routed: Routed) -> APIView:
    """The instance that a request would get, as `as_view` prepares it."""
    made_of = class_behind(callback)
    assert made_of is not None  # noqa: S101 - asked before, by is_drf or by making it
    view: Any = made_of.kind(**made_of.initkwargs)
    if made_of.actions:
        actions = {"head": made_of.actions.get("get"), **made_of.actions}
        view.action_map = made_of.actions
        for method, action in actions.items():
            if action is not None and hasattr(view, action):
                setattr(view, method, getattr(view, action))
        view.action = actions.get(routed.method.lower())
    return _with_request(view, routed)


def _with_request(view: Any, routed: Routed) -> APIView:
    match: ResolverMatch | None = routed.found
    kwargs = {} if match is None else match.kwargs
    http = _http(routed.method, routed.path, match)
    # Before there is a request: DRF's own method, which a project's view may override.
    view.request, view.args, view.kwargs, view.format_kwarg = http, (), kwargs, None
    view.request = view.initialize_request(http, **kwargs)
    view.request.user, view.request.auth = http.user, None
    view.request.version = view.request.versioning_scheme = None
    view.headers = {}
    if negotiated := _negotiated(view):
        view.request.accepted_renderer, view.request.accepted_media_type = negotiated
    return view  # type: ignore[no-any-return]


def _negotiated(view: Any) -> Any:
    try:
        return view.perform_content_negotiation(view.request, force=True)
    except Exception:  # noqa: BLE001 - a class of the project's that wants more of a request
        return None


def _http(method: str, path: str, match: ResolverMatch | None) -> HttpRequest:
    """Django's request, anonymous, with an empty session that isn't stored."""
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": path,
        "raw_path": path.encode(), "root_path": "", "query_string": b"", "server": ("testserver", 80),
        "client": ("127.0.0.1", 0),
        "headers": [(b"host", b"testserver"), (b"content-type", b"application/json")],
    }  # fmt: skip
    http = ASGIRequest(scope, BytesIO())
    http.session = SessionStore()
    http.resolver_match = match
    http.user = anonymous()
    return http


def anonymous() -> Any:
    """The anonymous user; None in a project without users."""
    make: Any = api_settings.UNAUTHENTICATED_USER
    return None if make is None else make()


def with_user(view: Any, user: Any) -> Any:
    """The same view, with a request of `user`."""
    view.request.user = user
    return view
