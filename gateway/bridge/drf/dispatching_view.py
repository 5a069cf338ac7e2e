"""`answers = "drf"`: a DRF view around every endpoint of a service.

The view is DRF's own `APIView`. Its `dispatch` runs as a Django view, inside the project's middleware: it negotiates,
authenticates, checks permissions and throttles, and answers OPTIONS and methods without endpoint. Where it would call
`get` or `post`, the service answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MethodType
from typing import Any, ClassVar, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import NotAuthenticated
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView
from starlette.exceptions import HTTPException

from gateway.bridge.drf.request import EndpointView, methods_still_there, view_class
from gateway.bridge.drf.route import DRFRoute
from gateway.bridge.route import Call
from gateway.bridge.views import Function, Siblings
from gateway.dispatch.scope import ADAPTED
from gateway.routing.table import ANY, EndpointPattern

__all__ = ["DRFStyle", "DispatchingView"]

# Attributes that DRF's decorators for function-based views set on a function (rest_framework.decorators).
POLICIES = (
    "authentication_classes",
    "content_negotiation_class",
    "metadata_class",
    "parser_classes",
    "permission_classes",
    "renderer_classes",
    "throttle_classes",
    "throttle_scope",
    "versioning_class",
)


# Attributes that a router sets on a ViewSet when it makes a view of it (rest_framework.viewsets.ViewSetMixin.as_view).
OF_ROUTERS = ("name", "description", "suffix", "detail", "basename")


class MethodHandler:
    """A view's `get`, `post` or the like. For DRF's dispatch it lets the service answer; for the service it is the
    view's own method, so that an endpoint may be `return view_of(request).get(request)`."""

    def __init__(self, own: Callable[..., Any] | None) -> None:
        self._own = own

    def __get__(self, view: DispatchingView | None, kind: type[Any]) -> Callable[..., Any]:
        own = self._own if view is not None and view.gateway_crossed else DispatchingView.gateway_answer
        if own is None:
            raise AttributeError(f"{kind.__qualname__} has no method of its own here: name its view in drf(view=…)")
        return own if view is None else MethodType(own, view)

    def __set__(self, view: DispatchingView, value: object) -> None:
        """No effect: a ViewSet binds its actions, and Django `head` to `get`."""


class DispatchingView(EndpointView):
    """A DRF view that lets a service answer instead of its methods.

    `routes` are those of its path, by method; `crossing` waits for the service's response, during which `crossed` is
    true.
    """

    gateway_crossed = False

    gateway_dispatches = True  # read by gateway.bridge.bridge
    gateway_routes: ClassVar[Mapping[str, DRFRoute]] = {}
    gateway_crossing: ClassVar[Callable[[HttpRequest], HttpResponseBase]]

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """DRF's request; `drf_request` finds this view by it."""
        request.drf_view = self  # type: ignore[attr-defined] # as gateway.bridge.drf.request has it
        adapted = request.scope.get(ADAPTED)  # type: ignore[attr-defined] # an ASGIRequest
        if (
            adapted is not None
            and adapted.undeclared
            and request.method == "HEAD"
            and "HEAD" not in self.gateway_routes
        ):
            self.http_method_names = [name for name in self.http_method_names if name != "head"]
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Apply the project's classes to the caller."""
        super().initial(request, *args, **kwargs)
        self.gateway_admitted = True

    def gateway_answer(self, request: Request, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Called instead of `get`, `post` and the others."""
        route = self._gateway_route(request)
        call = Call()
        call.context = self._gateway_context
        if route is not None and route.reads_body:
            changed = cast("Any", self)
            changed.instance = changed.get_object() if changed.changes_object else None
            call.data = route.read(request, self._gateway_context(), changed.instance)
        http = request._request  # noqa: SLF001 - DRF has no other name for it, and documents this one
        self.gateway_crossed = True
        try:
            return call.make(http, type(self).gateway_crossing, Response)
        finally:
            self.gateway_crossed = False

    def handle_exception(self, exc: Exception) -> Response:
        """As DRF, with the headers of the HTTPException from which `exc` was made."""
        response = super().handle_exception(exc)
        cause = exc.__cause__
        if isinstance(cause, HTTPException) and not isinstance(exc, NotAuthenticated):
            for name, value in (cause.headers or {}).items():
                response.headers.setdefault(name, value)
        return response

    @property
    def allowed_methods(self) -> list[str]:
        """The methods of this path: the service's own, and those for which the project still has a DRF view.

        For a method that the service lacks, the project's are not added: the request was routed here because the whole
        path is the service's.
        """
        own = super().allowed_methods
        if self.request.method not in own or self.request.method == "OPTIONS":
            return own
        http = self.request._request  # noqa: SLF001 - as above
        legacy = methods_still_there(http)
        both = [name for verb in self.http_method_names if (name := verb.upper()) in own or name in legacy]
        if "GET" in legacy and "HEAD" not in legacy and "HEAD" not in self.gateway_routes:
            return [name for name in both if name != "HEAD"]
        return both

    # -- used by SimpleMetadata and the browsable API --------------------------------------------

    @property
    def get_serializer(self) -> Callable[..., Any]:
        """Make the view's own serializer, or that of the current method's body. AttributeError when there is none."""
        try:
            return cast("Any", super()).get_serializer  # type: ignore[no-any-return]
        except AttributeError:
            if not any(route.serializer() is not None for route in self.gateway_routes.values()):
                raise
        return self._gateway_serializer

    def _gateway_serializer(self, *args: Any, **kwargs: Any) -> Any:
        route = self._gateway_route(self.request)
        kwargs.setdefault("context", self._gateway_context())
        if args:
            kwargs.setdefault("instance", args[0])
        asked = self.request._request.method  # noqa: SLF001 - of metadata's own request, which has the method described
        made = route and (route.described(**kwargs) if asked == "OPTIONS" else route.serializer(**kwargs))
        return made or Serializer(**kwargs)

    def _gateway_route(self, request: Request) -> DRFRoute | None:
        method = request.method or ""
        return self.gateway_routes.get(method) or (self.gateway_routes.get("GET") if method == "HEAD" else None)

    def _gateway_context(self) -> dict[str, Any]:
        return {"request": self.request, "format": self.format_kwarg, "view": self}


def _with_head(verbs: Sequence[str], base: type[APIView]) -> list[str]:
    """`verbs`, and `head` if Django would use `get` for it."""
    return [*verbs, "head"] if "get" in verbs and "head" not in verbs and not hasattr(base, "head") else [*verbs]


def _own(base: type[EndpointView], verb: str) -> Callable[..., Any] | None:
    """The method that the view named by an endpoint has for `verb`; for a ViewSet, its action."""
    if base.gateway_lifted is not None:
        return base.gateway_lifted.handler(verb, base)
    found: Callable[..., Any] | None = getattr(base, base.gateway_action, None) if base.gateway_action else None
    return found or getattr(base, "get" if verb == "head" and not hasattr(base, "head") else verb, None)


def _as_view(made: Any, siblings: Siblings) -> Function:
    """The function of `as_view` for the class `made`; `as_view` may be decorated."""
    if made.gateway_lifted is not None:
        lifted: Function = made.gateway_lifted.as_view(made)
        return lifted
    if not hasattr(made, "get_extra_actions"):
        view: Function = made.as_view()
        return view
    said = {name: getattr(made, name) for name in OF_ROUTERS if hasattr(made, name)}
    actions = {
        verb: made.action_map.get(verb, made.gateway_action) for method in siblings if (verb := method.lower()) != ANY
    }
    for method, sibling in siblings.items():
        for part in sibling.dependencies:
            if action := getattr(part, "attributes", {}).get("action"):
                actions[method.lower()] = action
    view = made.as_view(actions)
    for name, value in said.items():  # a ViewSet resets what a router didn't set
        setattr(made, name, value)
    return view


class DRFStyle:
    """The views for a service's endpoints: see `gateway.bridge.views.ResponseStyle`."""

    strict_csrf = False  # DRF's views are exempt; SessionAuthentication asks for the token
    keeps_transaction = True  # DRF itself rolls back when an exception is raised

    def view(self, endpoint: EndpointPattern, siblings: Siblings, crossing: Function) -> Function:
        """A DRF view for `endpoint`, with the methods of all its `siblings`."""
        function: Any = endpoint.function
        methods = frozenset(siblings) - {ANY}
        base = view_class(endpoint.dependencies, methods)
        unnamed = base.__name__ == GenericAPIView.__name__
        routes = {
            method: route
            for method, sibling in siblings.items()
            if isinstance(route := getattr(sibling.function, "bridged_route", None), DRFRoute)
        }
        every = APIView.http_method_names if ANY in siblings else [method.lower() for method in methods]
        attributes: dict[str, Any] = {
            "__doc__": function.__doc__ if unnamed else base.__doc__,
            "__module__": function.__module__ if unnamed else base.__module__,
            "gateway_routes": routes,
            "gateway_crossing": staticmethod(crossing),
            **{name: getattr(function, name) for name in POLICIES if hasattr(function, name)},
            **{verb: MethodHandler(_own(base, verb)) for verb in _with_head(every, base) if verb != "options"},
        }
        name = getattr(function, "__name__", type(function).__name__) if unnamed else base.__name__
        attributes["__qualname__"] = name if unnamed else base.__qualname__
        return _as_view(type(name, (DispatchingView, base), attributes), siblings)
