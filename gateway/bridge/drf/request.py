"""The view and the request that DRF's classes get for a FastAPI endpoint.

Authentication, permission, throttle, pagination and filter classes need a `Request` and a view. Each endpoint gets a
view class of its own, made from its dependencies (`ViewPart`), and each request an instance of it. It never handles the
request: it is passed to DRF's classes, and makes the response when they refuse the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.routers import Route, SimpleRouter
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView
from starlette.requests import HTTPConnection

from gateway.bridge.auth import django_request
from gateway.bridge.csrf import give_user
from gateway.bridge.drf.original import Original
from gateway.bridge.orm import in_django
from gateway.compat.drf import class_behind, forget_user

if TYPE_CHECKING:
    from gateway.bridge.views import View

__all__ = [
    "EndpointView",
    "ViewPart",
    "drf_request",
    "drf_view",
    "endpoint_view",
    "methods_still_there",
    "view_class",
    "view_of",
]

T = TypeVar("T")


# What `as_view` sets on the class, and what the service's own CSRF check decides.
OF_AS_VIEW = {"__wrapped__", "actions", "cls", "csrf_exempt", "initkwargs", "view_class", "view_initkwargs"}

# Attributes that are read from a view although nothing has set them: those that a router sets on a ViewSet, and, for
# `drf(view=…, changes_object=True)`, whether `get_object()` is called before the body is read, and its result.
UNSAID = ("action", "detail", "changes_object", "instance")


class ViewPart:
    """What one dependency contributes to its endpoint's view.

    `view` is a view class to start from, `action` one of its actions if it is a ViewSet; `attributes` are set on the
    class unless they are None.
    """

    kind: ClassVar[str] = ""  # if set: an endpoint may have one of each kind
    guards: ClassVar[bool] = False  # it checks the permission classes
    documented: frozenset[str] = frozenset()  # its parameters that exist only for OpenAPI
    lifted: Original | None = None  # the URLconf's view, if the endpoint is that view, lifted

    def __init__(self, view: type[APIView] | None = None, action: str | None = None, **attributes: Any) -> None:
        self.view = view
        self.attributes = {name: value for name, value in attributes.items() if value is not None}
        if action is not None:
            extra = getattr(getattr(view, action, None), "kwargs", {})  # the arguments of @action(…)
            self.attributes = {"detail": _of_one_object(view, action), **extra, **self.attributes, "action": action}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(view={self.view}, {self.attributes})"

    @cached_property
    def marks(self) -> Mapping[str, Any]:
        """The attributes that `as_view` and decorators of `dispatch` set on the original view: Django and middleware
        read them (`login_required`, `_non_atomic_requests`, …)."""
        if self.view is None and not self.guards:
            return {}
        kind: Any = self.view or APIView
        arguments = [{"get": self.attributes.get("action") or "options"}] if hasattr(kind, "get_extra_actions") else []
        found = vars(kind.as_view(*arguments))
        return {name: value for name, value in found.items() if name not in OF_AS_VIEW}

    def alone(self) -> GenericAPIView[Any]:
        """The view of an endpoint without other dependencies: for its documentation."""
        view = cast("GenericAPIView[Any]", view_class((self,), frozenset())())
        view.args, view.kwargs, view.format_kwarg = (), {}, None
        view.request = cast("Any", None)
        return view


def _of_one_object(view: type[APIView] | None, action: str) -> bool | None:
    """Whether `action` is for one object, as DRF's routers tell a view (`detail`), for permission classes that read it;
    None if a router wouldn't set it."""
    if (told := getattr(getattr(view, action, None), "detail", None)) is not None:
        return bool(told)  # by @action(detail=…)
    usual = (route for route in SimpleRouter.routes if isinstance(route, Route))
    return next((route.detail for route in usual if action in route.mapping.values()), None)


class EndpointView(APIView):
    """Methods added to the view class of an endpoint."""

    # With a prefix, since the project's view may have methods called `begin`, `routes` or `finish`.
    gateway_admitted = False
    gateway_action: str | None = None  # the action of a ViewSet that the endpoint stands for
    gateway_lifted: Original | None = None
    gateway_guarded = False  # a dependency checks the permission classes
    gateway_permissions: Sequence[type[BasePermission]] = ()
    gateway_throttles: Sequence[type[BaseThrottle]] = ()

    def get_permissions(self) -> Sequence[Any]:
        """The view's own, and those of the endpoint's other dependencies."""
        return _with(super().get_permissions(), self.gateway_permissions)

    def get_throttles(self) -> list[BaseThrottle]:
        """The view's own, and those of the endpoint's other dependencies."""
        return _with(super().get_throttles(), self.gateway_throttles)

    def gateway_begin(self, request: HttpRequest, arguments: Mapping[str, Any]) -> None:
        """Do what DRF does before anything that may fail. `arguments` are the path's parameters."""
        self.setup(request, **arguments)
        self.request = self.initialize_request(request, *self.args, **self.kwargs)
        self.headers = self.default_response_headers
        self.format_kwarg = self.get_format_suffix(**self.kwargs)
        negotiated = self.perform_content_negotiation(self.request, force=True)
        self.request.accepted_renderer, self.request.accepted_media_type = negotiated

    def gateway_admit(self) -> None:
        """Apply the project's classes to the caller, once. Raises what they raise."""
        if self.gateway_admitted:
            return
        request = self.request
        if give_user(request._request):  # noqa: SLF001 - as DRF's own classes call it
            forget_user(request)  # a user that was read before could not be found
        request.version, request.versioning_scheme = self.determine_version(request, *self.args, **self.kwargs)
        self.perform_authentication(request)
        self.check_permissions(request)
        self.check_throttles(request)
        self.gateway_admitted = True

    def gateway_fail(self, error: Exception) -> HttpResponseBase:
        """The response for `error` from the project's EXCEPTION_HANDLER. Raises `error` if that returns None."""
        if not self.gateway_guarded:
            self.permission_classes = ()  # DRF's pages for browsers check them to select forms
        return self._gateway_final(self.handle_exception(error))

    def gateway_finish(self, response: HttpResponseBase) -> HttpResponseBase:
        """The endpoint's own `response`, with the headers that DRF adds to every response."""
        if response.status_code == 101:  # a WebSocket was accepted
            return response
        return self._gateway_final(response)

    def _gateway_final(self, response: Any) -> HttpResponseBase:
        return self.finalize_response(self.request, response, *self.args, **self.kwargs)


@lru_cache(maxsize=4096)
def view_class(dependencies: tuple[Callable[..., Any] | ViewPart, ...], methods: frozenset[str]) -> type[EndpointView]:
    """The view class for an endpoint with these `dependencies`, at a path with these `methods`.

    Permissions and throttles of several dependencies add up; of everything else the last one's value is used.
    Raises RuntimeError when they can't be combined.
    """
    parts = [dependency for dependency in dict.fromkeys(dependencies) if isinstance(dependency, ViewPart)]
    base = _base(parts)
    attributes: dict[str, Any] = {
        "__doc__": base.__doc__,
        "__module__": base.__module__,
        "__qualname__": base.__qualname__,
    }
    attributes["gateway_guarded"] = any(part.guards for part in parts)
    for part in parts:
        attributes |= part.attributes
    own = [part for part in parts if part.view is not None] or parts
    others = [part for part in parts if part not in own]
    for name, more in (("permission_classes", "gateway_permissions"), ("throttle_classes", "gateway_throttles")):
        attributes.pop(name, None)
        if (given := _added(own, name)) is not None:
            attributes[name] = given
        attributes[more] = _added(others, name) or ()
    verbs = [method.lower() for method in methods]
    attributes |= {verb: _elsewhere for verb in verbs if not hasattr(base, verb)}
    if (lifted := next((part.lifted for part in parts if part.lifted is not None), None)) is not None:
        return type(base.__name__, (EndpointView, base), attributes | {"gateway_lifted": lifted})
    if "action" in attributes:
        attributes["action_map"] = dict.fromkeys(verbs, attributes["action"])
        attributes["gateway_action"] = attributes["action"]
    attributes = {name: None for name in UNSAID if not hasattr(base, name)} | attributes
    bases = (EndpointView, base) if issubclass(base, GenericAPIView) else (EndpointView, base, GenericAPIView)
    made = type(base.__name__, bases, attributes)
    _hide(made, "serializer_class", "get_serializer", "get_serializer_class")
    _hide(made, "queryset", "get_queryset", "get_object")
    return made


def _hide(view: type[EndpointView], attribute: str, *methods: str) -> None:
    """Remove `methods` from `view` if they are GenericAPIView's and the `attribute` that they need is missing.

    The pages that DRF renders for browsers, errors too, have a form for any view with these methods.
    """
    if getattr(view, attribute) is not None or any(
        getattr(view, name) is not getattr(GenericAPIView, name) for name in methods
    ):
        return

    def absent(_self: APIView) -> None:
        raise AttributeError(f"the view of this endpoint has none of {methods}: it was given no {attribute}")

    for name in methods:
        setattr(view, name, property(absent))


def _base(parts: Sequence[ViewPart]) -> type[APIView]:
    kinds = [part.kind for part in parts if part.kind]
    if len(kinds) > len(set(kinds)):
        raise RuntimeError(f"at most one dependency of each of these: {', '.join(sorted(set(kinds)))}")
    views = {part.view for part in parts if part.view is not None}
    if len(views) > 1:
        names = ", ".join(sorted(view.__qualname__ for view in views))
        raise RuntimeError(f"dependencies that name one DRF view between them; these name {names}")
    return views.pop() if views else GenericAPIView


def _added(parts: Sequence[ViewPart], name: str) -> list[Any] | None:
    """The values that all `parts` give for `name` together; None when none does."""
    given = [part.attributes[name] for part in parts if name in part.attributes]
    return [*dict.fromkeys(chain.from_iterable(given))] if given else None


def _with(found: Sequence[T], classes: Sequence[type[T]]) -> list[T]:
    there = {type(instance) for instance in found}
    return [*found, *(more() for more in classes if more not in there)]


def _elsewhere(self: APIView, request: Request, *_args: object, **_kwargs: object) -> HttpResponseBase:  # noqa: ARG001 - a method
    """Stands for a method that FastAPI handles, so that the view has it."""
    raise MethodNotAllowed(request.method or "")


def drf_view(request: HttpRequest) -> EndpointView:
    """The view for `request`, which came to a service through the middleware; the same one for each call."""
    view: EndpointView | None = getattr(request, "drf_view", None)
    if view is None:
        endpoint: View = request.scope["gateway.view"]  # type: ignore[attr-defined] # an ASGIRequest
        view = view_class(endpoint.dependencies, endpoint.methods | methods_still_there(request))()
        request.drf_view = view  # type: ignore[attr-defined] # where `gateway.bridge.bridge.cross` looks for it
        view.gateway_begin(request, request.resolver_match.kwargs if request.resolver_match else {})
    return view


def methods_still_there(request: HttpRequest) -> frozenset[str]:
    """The methods of the project's own DRF view at this path, which the Allow header still names."""
    return _methods(getattr(request.resolver_match, "moved_from", None))


@lru_cache(maxsize=4096)
def _methods(function: Any) -> frozenset[str]:
    made_of = class_behind(function)
    if made_of is None or not issubclass(made_of.kind, APIView):
        return frozenset()
    view, initial, actions = made_of
    names = initial.get("http_method_names", view.http_method_names)
    found = {name for name in names if (name in actions if actions else hasattr(view, name))}
    if "get" in found and "head" in names:
        found.add("head")  # both kinds of view set it only when they are called
    return frozenset(map(str.upper, found))


def drf_request(connection: HTTPConnection) -> Request:
    """DRF's request for a connection, or FastAPI `Request`: the same one for each call, with the endpoint's
    authentication.

    Reading its user may query the database, and so may this: call it on the request's thread, as `in_django` does.
    Raises RuntimeError if the service does not run inside the middleware.
    """
    return drf_view(django_request(connection)).request


async def endpoint_view(connection: HTTPConnection) -> EndpointView:
    """The view for a connection, created on the request's thread if there is none yet.

    Raises RuntimeError if the service does not run inside the middleware.
    """
    request = django_request(connection)
    view: EndpointView | None = getattr(request, "drf_view", None)
    return await in_django(drf_view, request) if view is None else view


def view_of(request: Request) -> EndpointView:
    """The view to which `request` belongs."""
    return cast("EndpointView", request.parser_context["view"])
