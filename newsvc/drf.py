"""What DRF does around a view, done by DRF itself around an endpoint: negotiation, authentication, permissions,
throttles, and the answer to an exception."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.http import Http404, HttpRequest
from fastapi import FastAPI, Request, Response
from rest_framework.exceptions import APIException, MethodNotAllowed, NotFound
from rest_framework.request import Request as DRFRequest
from rest_framework.views import APIView
from starlette.exceptions import HTTPException

from gateway.bridge import DjangoRequest
from gateway.bridge.auth import django_request

__all__ = ["guard", "install_error_handlers"]


def guard(**policy: Any) -> Callable[..., DRFRequest]:
    """A dependency that lets a request pass as a DRF view with this policy would, and gives DRF's request.

    `policy`: attributes of APIView, such as `permission_classes`; what isn't named is the project's default.
    """
    view_class = type("Endpoint", (APIView,), policy)

    def admitted(request: DjangoRequest, response: Response) -> DRFRequest:
        view = view_class()
        found: DRFRequest = view.initialize_request(request)
        view.request = found
        view.headers = view.default_response_headers
        request.api_view = view  # type: ignore[attr-defined] # read back by _answer()
        view.initial(found)
        if "Vary" in view.headers:
            response.headers["Vary"] = view.headers["Vary"]
        return found

    return admitted


def install_error_handlers(app: FastAPI, *kinds: type[Exception]) -> None:
    """Have the project's EXCEPTION_HANDLER answer for DRF's exceptions, Http404, and `kinds` of its own."""
    for kind in (APIException, Http404, *kinds):
        app.add_exception_handler(kind, _answer)
    app.add_exception_handler(HTTPException, _answer_routing)


def _answer(request: Request, error: Exception) -> Response:
    http = django_request(request)
    view = getattr(http, "api_view", None) or _plain_view(http)
    found = view.finalize_response(view.request, view.handle_exception(error))
    found.render()
    return Response(found.content, found.status_code, dict(found.items()))


def _plain_view(request: HttpRequest) -> APIView:
    view = APIView()
    view.request = view.initialize_request(request)
    view.headers = view.default_response_headers
    with suppress(APIException):
        view.perform_authentication(view.request)  # which a cache has to know of
    return view


def _answer_routing(request: Request, error: Exception) -> Response:
    """Where FastAPI itself finds nothing to call."""
    status = getattr(error, "status_code", 404)
    return _answer(request, MethodNotAllowed(request.method or "") if status == 405 else NotFound())
