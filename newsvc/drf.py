"""What DRF does around a view beyond `gateway.bridge.drf`: Accept, ?format=, and reading bodies, done by DRF itself."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from rest_framework.request import Request as DRFRequest

from gateway.bridge import in_django
from gateway.bridge.auth import django_request
from gateway.bridge.drf.request import EndpointView, drf_view
from newsvc.fields import plain_data, refusal

__all__ = ["DRFRoute"]

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class DRFRoute(APIRoute):
    """Endpoints that understand a request as a DRF view would: the same answers in the same order.

        router = APIRouter(route_class=DRFRoute, dependencies=[Depends(drf())])

    The body is parsed by DRF's parsers, so forms are as good as JSON, and validated on the request's own thread,
    so that fields may ask the database. Validators find DRF's request in their context, as "request".
    """

    def get_route_handler(self) -> Handler:
        """FastAPI's handler, after all that may refuse the request."""
        handle = super().get_route_handler()
        model: Any = self.body_field.field_info.annotation if self.body_field else None

        async def handle_as_drf(request: Request) -> Response:
            view = await in_django(drf_view, django_request(request))
            body = await in_django(_read, view, model)
            return await handle(request if body is None else _WithBody(request, body))

        return handle_as_drf


def _read(view: EndpointView, model: type[BaseModel] | None) -> BaseModel | None:
    """What the caller sent, once the caller is let in. Raises what DRF raises."""
    view.perform_content_negotiation(view.request)
    view.admit()
    return None if model is None else _valid(model, view.request)


def _valid(model: type[BaseModel], request: DRFRequest) -> BaseModel:
    data = plain_data(request.data, model)
    try:
        return model.model_validate(data, context={"request": request})
    except ValidationError as exc:
        raise refusal(exc, data) from exc


class _WithBody(Request):
    """A request whose body has been read. FastAPI takes a model for what it is."""

    def __init__(self, request: Request, body: BaseModel) -> None:
        super().__init__(request.scope, request.receive)
        self._model = body

    async def body(self) -> Any:
        """What FastAPI takes for the body when it is no JSON."""
        return self._model

    async def json(self) -> Any:
        """What FastAPI takes for the body when it is JSON."""
        return self._model
