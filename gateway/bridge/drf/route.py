"""The route class of services with `answers = "drf"`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

from fastapi import Request, Response, params, routing
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request as DRFRequest
from rest_framework.serializers import BaseSerializer
from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException

from gateway.bridge.drf.errors import api_exception, validation_error
from gateway.bridge.drf.fields import Sent
from gateway.bridge.drf.serializers import field_for, has_model, is_model, serializer_for, written
from gateway.bridge.route import NOTHING, BridgedRoute, Call

__all__ = ["DRFRoute"]

ERRORS: dict[int | str, dict[str, Any]] = {
    400: {
        "description": "The input is not valid: messages by field.",
        "content": {"application/json": {"schema": {"type": "object", "additionalProperties": True}}},
    },
    "default": {
        "description": "Any other error.",
        "content": {"application/json": {"schema": {"type": "object", "properties": {"detail": {"type": "string"}}}}},
    },
}


class DRFRoute(BridgedRoute):
    """A route whose body DRF reads and whose answer DRF writes; `APIRouter(route_class=DRFRoute)`.

    The body is parsed by the project's parsers and validated by a serializer made of the endpoint's models.
    What the endpoint returns is rendered by the project's renderers, what it raises is for EXCEPTION_HANDLER.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if self.body_field or _takes_parameters(self.dependant):
            self.responses = ERRORS | self.responses  # and so FastAPI doesn't add its 422

    def represented(self, result: Any) -> Any:
        """As Pydantic has it, and plain types in a model as the serializer field would write them that a
        ModelSerializer has for them; what no model describes is for DRF's encoder. Raises ResponseValidationError."""
        data = super().represented(result)
        return written(data) if self._answers_with_model else data

    @cached_property
    def _answers_with_model(self) -> bool:
        return has_model(self.response_model)

    @staticmethod
    def alone(result: Any) -> bytes:
        """What DRF's JSON renderer makes of `result`."""
        written: bytes = JSONRenderer().render(result)
        return written

    def problem(self) -> str | None:
        """What keeps DRF from reading this route's body."""
        try:
            if self.body_field is not None and self.serializer() is None:
                field_for(self.body_field.field_info.annotation, self.body_field.field_info.metadata)
        except (
            PydanticUserError,
            PydanticUndefinedAnnotation,
            TypeError,
            AssertionError,
        ) as exc:  # as pydantic and DRF say it
            return f"its body has no serializer: {str(exc).splitlines()[0]}"
        return None

    # -- for the view, on a thread of Django's ---------------------------------------------------

    @property
    def reads_body(self) -> bool:
        """Whether the endpoint wants a body at all."""
        return self.body_field is not None

    def serializer(self, **options: Any) -> BaseSerializer[Any] | None:
        """The serializer for the body; None where it isn't a model. Raises nothing."""
        annotation, many = self._model()
        return None if annotation is None else serializer_for(annotation)(many=many, **options)

    def _model(self) -> tuple[type[BaseModel] | None, bool]:
        annotation: Any = self.body_field.field_info.annotation if self.body_field is not None else None
        inner = [part for part in getattr(annotation, "__args__", ()) if part is not type(None)]
        many = getattr(annotation, "__origin__", None) is list
        if inner and len(inner) == 1:
            annotation = inner[0]
        return (annotation if is_model(annotation) else None), many

    def read(self, request: DRFRequest, context: Mapping[str, Any]) -> Any:
        """The validated body of `request`. Raises DRF's UnsupportedMediaType, ParseError, ValidationError."""
        data, field = request.data, self.body_field
        if field is None or isinstance(field.field_info, params.Form):
            return NOTHING  # FastAPI reads a form for itself
        if not data and not field.field_info.is_required() and not isinstance(data, list):
            return None
        partial = request.method == "PATCH"
        serializer = self.serializer(data=data, context=context, partial=partial)
        if serializer is None:
            return field_for(field.field_info.annotation, field.field_info.metadata).run_validation(data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    # -- for FastAPI, on the event loop ----------------------------------------------------------

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, given the body as DRF has read it, and raising what DRF answers."""
        with _undocumented(self):
            original = super().get_route_handler()

        async def handler(request: Request) -> Response:
            call = Call.of(request.scope)
            if call is None:
                return await original(request)
            try:
                return await original(ReadRequest(request, call))
            except RequestValidationError as exc:
                raise validation_error(exc) from exc
            except HTTPException as exc:
                if exc.status_code < 400:
                    raise
                raise api_exception(exc) from exc

        return handler


@contextmanager
def _undocumented(route: Any) -> Iterator[None]:
    """While FastAPI makes a handler of `route`: leave out of its dependencies what is there for OpenAPI alone.

    That is what DRF reads by itself: query parameters, of which FastAPI would take any text, and schemes that do
    nothing. Each would be solved for every request. Where a router is included, FastAPI makes a handler of what
    its private context says; without the context, these handlers are as good and not as fast.
    """
    context = getattr(routing, "_effective_route_context_var", None)
    effective = context.get() if context is not None else None
    if effective is not None and effective.original_route is route:
        route = effective
    whole = route.dependant
    route.dependant = _without_documentation(whole)
    try:
        yield
    finally:
        route.dependant = whole


def _without_documentation(dependant: Any) -> Any:
    documented: frozenset[str] = getattr(dependant.call, "documented", frozenset())
    return replace(
        dependant,
        query_params=[field for field in dependant.query_params if field.name not in documented],
        dependencies=[
            _without_documentation(inner)
            for inner in dependant.dependencies
            if not getattr(inner.call, "only_documents", False)
        ],
    )


def _takes_parameters(dependant: Any) -> bool:
    """Whether an endpoint takes any, by itself or by what it depends on."""
    own = (*dependant.path_params, *dependant.query_params, *dependant.header_params, *dependant.cookie_params)
    return bool(own) or any(_takes_parameters(inner) for inner in dependant.dependencies)


class ReadRequest(Request):
    """A request whose body DRF has read. Until FastAPI has taken it, it looks like JSON that is parsed already."""

    def __init__(self, request: Request, call: Call) -> None:
        super().__init__(request.scope, request.receive)
        self._data = call.data
        self._query: QueryParams | None = None
        self._path: dict[str, Any] | None = None

    @property
    def headers(self) -> Headers:
        """The caller's headers."""
        if self._data is not NOTHING:
            return Headers({"content-type": "application/json"})
        return super().headers

    async def body(self) -> bytes:
        """The caller's bytes."""
        if self._data is None:
            self._data = NOTHING
            return b""
        return b"{}" if self._data is not NOTHING else await super().body()

    async def json(self) -> Any:
        """What DRF has read, once; then what the caller sent."""
        if self._data is NOTHING:
            return await super().json()
        data, self._data = self._data, NOTHING
        return data

    @property
    def query_params(self) -> QueryParams:
        """The query, in which values can be told from text of our own."""
        if self._query is None:
            self._query = QueryParams([(name, Sent(value)) for name, value in super().query_params.multi_items()])
        return self._query

    @property
    def path_params(self) -> dict[str, Any]:
        """The path's parameters, likewise."""
        if self._path is None:
            found = super().path_params
            self._path = {name: Sent(value) if isinstance(value, str) else value for name, value in found.items()}
        return self._path
