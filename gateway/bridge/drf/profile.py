"""`answers = "drf"`: a DRF view around every endpoint of a service.

The view is DRF's own `APIView`. Its `dispatch` runs in the place of a Django view, inside the project's
middleware: it negotiates, authenticates, asks permissions and throttles, and answers OPTIONS and methods
that nobody has. Where it would call `get` or `post`, the service answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast

from django.http import Http404, HttpRequest
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
from gateway.routing.table import ANY, Endpoint

__all__ = ["DRFProfile", "DispatchingView"]

# What DRF's decorators for function-based views leave on a function (rest_framework.decorators).
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


class DispatchingView(EndpointView):
    """A DRF view that lets a service answer in the place of its methods.

    `routes` are those of its path, by method; `crossing` waits for the service's answer.
    """

    dispatches = True  # read by gateway.bridge.middleware
    routes: ClassVar[Mapping[str, DRFRoute]] = {}
    crossing: ClassVar[Callable[[HttpRequest], HttpResponseBase]]

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """DRF's request, and this view the one that `drf_request` finds."""
        request.drf_view = self  # type: ignore[attr-defined] # as gateway.bridge.drf.request has it
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let the project's classes decide about the caller."""
        super().initial(request, *args, **kwargs)
        self.admitted = True

    def let_service_answer(self, request: Request, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """What stands for `get`, `post` and the others."""
        route = self._route(request)
        call = Call()
        if route is not None and route.reads_body:
            call.data = route.read(request, self._context())
        http = request._request  # noqa: SLF001 - DRF has no other name for it, and documents this one
        return call.make(http, type(self).crossing, Response)

    def handle_exception(self, exc: Exception) -> Response:
        """As DRF, with the headers of the HTTPException that `exc` stands for."""
        response = super().handle_exception(exc)
        cause = exc.__cause__
        if isinstance(cause, HTTPException) and not isinstance(exc, NotAuthenticated):
            for name, value in (cause.headers or {}).items():
                response.headers.setdefault(name, value)
        return response

    @property
    def allowed_methods(self) -> list[str]:
        """The methods of this path: the service's own, and those that the project still has a DRF view for.

        What the service doesn't have is not asked here for a method that it doesn't have: then the whole path
        is its own.
        """
        own = super().allowed_methods
        if self.request.method not in own or self.request.method == "OPTIONS":
            return own
        http = self.request._request  # noqa: SLF001 - as above
        legacy = methods_still_there(http, http.scope["gateway.view"].route)  # type: ignore[attr-defined] # an ASGIRequest
        return [name for verb in self.http_method_names if (name := verb.upper()) in own or name in legacy]

    # -- what SimpleMetadata and the browsable API ask for ---------------------------------------

    @property
    def get_serializer(self) -> Callable[..., Any]:
        """Make the view's own serializer, or that of the current method's body. AttributeError where there is none."""
        try:
            return cast("Any", super()).get_serializer  # type: ignore[no-any-return]
        except AttributeError:
            if not any(route.serializer() is not None for route in self.routes.values()):
                raise
        return self._own_serializer

    def _own_serializer(self, *args: Any, **kwargs: Any) -> Any:
        route = self._route(self.request)
        kwargs.setdefault("context", self._context())
        if args:
            kwargs.setdefault("instance", args[0])
        return (route and route.serializer(**kwargs)) or Serializer(**kwargs)

    def _route(self, request: Request) -> DRFRoute | None:
        method = request.method or ""
        return self.routes.get(method) or (self.routes.get("GET") if method == "HEAD" else None)

    def _context(self) -> dict[str, Any]:
        return {"request": self.request, "format": self.format_kwarg, "view": self}


class DRFProfile:
    """Which views stand in for a service's endpoints: `gateway.bridge.views.Profile`."""

    strict_csrf = False  # DRF's views are exempt; SessionAuthentication asks for the token
    keeps_transaction = True  # DRF rolls back by itself, for what is raised

    def view(self, endpoint: Endpoint, siblings: Siblings, crossing: Function) -> Function:
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
            "__module__": function.__module__,
            "routes": routes,
            "crossing": staticmethod(crossing),
            **{name: getattr(function, name) for name in POLICIES if hasattr(function, name)},
            **{verb: DispatchingView.let_service_answer for verb in every if verb != "options"},
        }
        name = getattr(function, "__name__", type(function).__name__) if unnamed else base.__name__
        made = type(name, (DispatchingView, base), attributes)
        view: Function = APIView.as_view.__func__(made)  # type: ignore[attr-defined] # a ViewSet's own wants a router
        return view

    def missing(self) -> Function:
        """What no DRF view has is Django's 404."""

        def view(request: HttpRequest, *_args: object, **_kwargs: object) -> HttpResponseBase:
            raise Http404(f"{request.path} is no endpoint")

        return view
