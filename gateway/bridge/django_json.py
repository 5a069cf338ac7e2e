"""`answers = "django"`: a Django view around every endpoint of a service.

What an endpoint returns becomes a JsonResponse; errors in a request go to the project's handler400, 403 and 404; a
method without endpoint is Django's 405, and OPTIONS is Django's.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views import View
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from gateway.bridge.route import BridgedRoute, Call
from gateway.bridge.views import Function, Siblings
from gateway.routing.table import ANY, EndpointPattern

__all__ = ["DjangoRoute", "DjangoStyle"]

PAGES: dict[int, type[Exception]] = {
    HTTPStatus.BAD_REQUEST: BadRequest,
    HTTPStatus.FORBIDDEN: PermissionDenied,
    HTTPStatus.NOT_FOUND: Http404,
}


class DjangoRoute(BridgedRoute):
    """A route whose response is a JsonResponse; `APIRouter(route_class=DjangoRoute)`."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        dependant = self.dependant
        if self.body_field or dependant.path_params or dependant.query_params or dependant.header_params:
            errors: dict[int | str, dict[str, Any]] = {
                400: {"description": "Bad Request"},
                "default": {"description": "Any other error."},
            }
            self.responses = errors | self.responses  # and so FastAPI doesn't add its 422

    @staticmethod
    def alone(result: Any) -> bytes:
        """`result` as DjangoJSONEncoder encodes it."""
        return JsonResponse(result, safe=False).content

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, raising exceptions for which Django has error pages."""
        original = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await original(request)
            except RequestValidationError as exc:
                if Call.of(request.scope) is None:
                    raise
                in_path = any(found["loc"][0] == "path" for found in exc.errors())
                raise (Http404 if in_path else BadRequest)(str(exc)) from exc
            except HTTPException as exc:
                if Call.of(request.scope) is None or exc.status_code not in PAGES:
                    raise
                raise PAGES[exc.status_code](exc.detail) from exc

        return handler


class DjangoStyle:
    """Which views stand in for a service's endpoints: `gateway.bridge.views.ResponseStyle`."""

    strict_csrf = True
    keeps_transaction = False

    def view(self, endpoint: EndpointPattern, siblings: Siblings, crossing: Function) -> Function:
        """A Django view for `endpoint`, with the methods of all its `siblings`."""

        def let_service_answer(_view: View, request: HttpRequest, *_args: object, **_kwargs: object) -> Any:
            return Call().make(request, crossing, _json)

        function: Any = endpoint.function
        verbs = View.http_method_names if ANY in siblings else [method.lower() for method in siblings]
        attributes = {"__doc__": function.__doc__, **dict.fromkeys(verbs, let_service_answer)}
        made: Any = type(getattr(function, "__name__", type(function).__name__), (View,), attributes)
        view: Function = made.as_view()
        return view


def _json(result: Any, status: int) -> HttpResponseBase:
    return JsonResponse(result, safe=False, status=status)
