"""The project's authentication, permission and throttle classes as FastAPI dependencies.

    router = APIRouter(dependencies=[Depends(drf())])  # the project's defaults

    @router.post("/orders/")
    async def place(order: OrderIn, user: DRFUser) -> OrderOut: ...

    @router.get("/orders/{pk}/")
    async def read(pk: int, request: Annotated[Request, Depends(drf(permissions=[IsOwner]))]) -> OrderOut:
        order = await Order.objects.aget(pk=pk)
        await check_object_permissions(request, order)
        ...

DRF decides who the caller is, whether the response is 401, 403 or 429, and what it says. For CsrfViewMiddleware an
endpoint with one of these dependencies is like a DRF view: SessionAuthentication checks the token.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet
from fastapi import Depends, Security, params
from fastapi.security.base import SecurityBase
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView
from starlette.exceptions import WebSocketException
from starlette.requests import HTTPConnection
from starlette.status import WS_1008_POLICY_VIOLATION

from gateway.bridge.drf.openapi.schemes import schemes_of_view
from gateway.bridge.drf.request import EndpointView, ViewPart, drf_request, view_of
from gateway.bridge.orm import in_django
from gateway.compat.drf import class_behind

__all__ = [
    "Credentials",
    "DRFRequest",
    "DRFUser",
    "SchemeDependency",
    "check_object_permissions",
    "drf",
    "schemes_of",
    "view_of",
]


class SchemeDependency(SecurityBase):
    """An authentication class in the OpenAPI document. As a dependency it has no effect."""

    only_documents = True  # read by gateway.bridge.drf.route

    def __init__(self, name: str, model: Mapping[str, Any]) -> None:
        self.scheme_name = name
        self.model = model  # type: ignore[assignment] # FastAPI writes it as it is

    async def __call__(self) -> None:
        """No effect: DRF authenticates."""


class Credentials(ViewPart):
    """A dependency that applies the endpoint's DRF classes to the caller; see `drf`."""

    guards = True
    checks_csrf = True  # read by gateway.bridge.views

    def __init__(self, view: Any = None, action: str | None = None, **attributes: Any) -> None:
        made_of = class_behind(view)
        super().__init__(view if made_of is None else made_of.kind, action, **attributes)
        parameters = [inspect.Parameter("connection", inspect.Parameter.KEYWORD_ONLY, annotation=HTTPConnection)]
        for number, scheme in enumerate(schemes_of(self.alone())):
            annotation = Annotated[None, scheme]
            parameters.append(
                inspect.Parameter(f"scheme_{number}", inspect.Parameter.KEYWORD_ONLY, annotation=annotation)
            )
        self.__signature__ = inspect.Signature(parameters)  # as FastAPI reads it

    async def __call__(self, connection: HTTPConnection, **_schemes: None) -> Request:
        """DRF's request, once the caller is admitted. Raises what DRF raises, and refuses a WebSocket."""
        view: EndpointView | None = getattr(connection.scope.get("django.request"), "drf_view", None)
        if view is not None and view.gateway_admitted:
            return view.request
        try:
            return await in_django(_admitted, connection)
        except APIException as exc:
            if connection.scope["type"] == "websocket":
                raise WebSocketException(WS_1008_POLICY_VIOLATION) from exc
            raise


def _admitted(connection: HTTPConnection) -> Request:
    request = drf_request(connection)
    view_of(request).gateway_admit()
    return request


def drf(
    *,
    permissions: Sequence[type[BasePermission]] | None = None,
    throttles: Sequence[type[BaseThrottle]] | None = None,
    authentication: Sequence[type[BaseAuthentication]] | None = None,
    queryset: QuerySet[Any] | None = None,
    view: type[APIView] | Callable[..., Any] | None = None,
    action: str | None = None,
    **attributes: Any,
) -> Credentials:
    """A dependency: DRF's request, after the classes given here, or else the project's defaults, have admitted it.

    `queryset` is for permissions that use its model, `attributes` are other attributes that classes read from a view,
    such as `throttle_scope`. `view` is a DRF view class, or a function made by `@api_view`, from which to take
    everything, with its `action`.

    An endpoint may have several, from its application and routers too: permissions and throttles add up, each checked
    once; everything else is taken from the last one, which is the closest to the endpoint.
    """
    return Credentials(
        view,
        action,
        permission_classes=permissions,
        throttle_classes=throttles,
        authentication_classes=authentication,
        queryset=queryset,
        **attributes,
    )


async def check_object_permissions(request: Request, obj: Any) -> None:
    """Check the endpoint's permission classes for `obj`. Raises what they raise, which DRF turns into a response.

    In a `def` endpoint: `view_of(request).check_object_permissions(request, obj)`.
    """
    await in_django(view_of(request).check_object_permissions, request, obj)


def schemes_of(view: Any) -> list[params.Security]:
    """How callers of `view` authenticate, as dependencies that document it."""
    return [Security(SchemeDependency(one.name, one.definition), scopes=[*one.scopes]) for one in schemes_of_view(view)]


_default = drf()


async def _user(request: Annotated[Request, Depends(_default)]) -> Any:
    return request.user


DRFRequest = Annotated[Request, Depends(_default)]
if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    DRFUser = Annotated[AbstractBaseUser | AnonymousUser, Depends(_user)]
else:  # without django.contrib.auth there is no such class
    DRFUser = Annotated[Any, Depends(_user)]
