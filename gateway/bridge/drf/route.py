"""The route class of services with `answers = "drf"`."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar
from functools import cached_property
from typing import Any

from fastapi import Depends, Request, Response, params
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from rest_framework.fields import empty
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request as DRFRequest
from rest_framework.serializers import BaseSerializer
from starlette.datastructures import FormData, Headers, QueryParams
from starlette.exceptions import HTTPException

from gateway.bridge.drf.bodies import BodyModels, body_of
from gateway.bridge.drf.errors import api_exception, validation_error
from gateway.bridge.drf.openapi.errors import ERRORS
from gateway.bridge.drf.openapi.operation import Documentation, OperationExtra
from gateway.bridge.drf.original import Original
from gateway.bridge.drf.request import ViewPart
from gateway.bridge.drf.sent import SentCookies, SentForm, SentHeaders, SentQuery, sent
from gateway.bridge.drf.serializers import field_for, has_model, read_only_beside, serializer_for, written
from gateway.bridge.drf.shapes import fields_in, unreadable
from gateway.bridge.drf.validated import by_name
from gateway.bridge.route import NOTHING, BridgedRoute, Call
from gateway.compat.fastapi import changed_dependant, given_or_default, parameters, without
from gateway.compat.starlette import FormRequest

__all__ = ["DRFRoute"]

# Texts in which Pydantic and DRF agree.
CANT_BE_SERIALIZED = (PydanticUserError, PydanticUndefinedAnnotation, TypeError, AssertionError)
# The context of the view's serializers for the current request.
serializer_context: ContextVar[Any] = ContextVar("serializer_context", default=True)


class DRFRoute(BridgedRoute):
    """A route whose body DRF reads and whose response DRF writes; `APIRouter(route_class=DRFRoute)`.

    The body is parsed by the project's parsers and validated by a serializer made from the endpoint's models. What the
    endpoint returns is rendered by the project's renderers; what it raises goes to EXCEPTION_HANDLER.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **_documented(path, options))
        if self.body_field is not None or self.response_model not in (None, Any):
            self.openapi_extra = options.get("openapi_extra")  # the endpoint documents itself
        if self.body_field or any(parameters(self.dependant)):
            self.responses = ERRORS | self.responses  # and so FastAPI doesn't add its 422

    def represented(self, result: Any) -> Any:
        """`result` as Pydantic represents it, with plain types in a model written by the field that a ModelSerializer
        has for them; values without a model go to DRF's encoder. Raises ResponseValidationError."""
        data = super().represented(result)
        return written(data) if self._answers_with_model else data

    def answering(self) -> Any:
        """The context of the view's serializers, if a field of the response needs it."""
        return serializer_context.get() if self._answers_in_context else super().answering()

    @cached_property
    def _answers_in_context(self) -> bool:
        return any(field.asks_for_context for field in fields_in(self.response_model))

    @cached_property
    def _answers_with_model(self) -> bool:
        return has_model(self.response_model)

    @staticmethod
    def alone(result: Any) -> bytes:
        """`result` as DRF's JSON renderer renders it."""
        written: bytes = JSONRenderer().render(result)
        return written

    def problem(self) -> str | None:
        """What keeps DRF from reading this route's body or parameters."""
        if wrong := unreadable(self.dependant):
            return wrong
        try:
            if self.body_field is not None and self.serializer() is None:
                field_for(self.body_field.field_info.annotation, self.body_field.field_info.metadata)
        except CANT_BE_SERIALIZED as exc:
            return f"its body has no serializer: {str(exc).splitlines()[0]}"
        return None

    # -- for the view, on a thread --------------------------------------------------------------

    @property
    def reads_body(self) -> bool:
        """Whether the endpoint has a body parameter."""
        return self.body_field is not None

    def serializer(self, **options: Any) -> BaseSerializer[Any] | None:
        """The serializer for the body; None if the body isn't made of models. Raises ValidationError for data that is
        of none of several models."""
        return None if self._body is None else self._body.serializer(options.pop("data", empty), **options)

    def described(self, **options: Any) -> BaseSerializer[Any] | None:
        """The serializer as OPTIONS describes it: including fields that are only in the response, as read-only."""
        if self._body is None:
            return None
        taken = serializer_for(next(iter(self._body.models.values())))
        given = body_of(self.response_model)
        if given is None or len(given.models) > 1:
            return taken(**options)
        try:
            answered = serializer_for(next(iter(given.models.values())))
        except CANT_BE_SERIALIZED:  # no serializer can be made for this response
            return taken(**options)
        made: BaseSerializer[Any] = read_only_beside(taken, answered)(**options)
        return made

    @cached_property
    def _body(self) -> BodyModels | None:
        if self.body_field is None:
            return None
        info = self.body_field.field_info
        return body_of(info.annotation, (info, *info.metadata))

    def read(self, request: DRFRequest, context: Mapping[str, Any], instance: Any = None) -> Any:
        """The validated body of `request`, for an update of `instance`, if given. Raises DRF's UnsupportedMediaType,
        ParseError, ValidationError."""
        data, field = request.data, self.body_field
        if field is None or isinstance(field.field_info, params.Form):
            return NOTHING  # FastAPI reads forms itself
        if not data and not field.field_info.is_required() and not isinstance(data, list):
            return None
        partial = request.method == "PATCH"
        serializer = self.serializer(data=data, context=context, partial=partial, instance=instance)
        if serializer is None:
            return field_for(field.field_info.annotation, field.field_info.metadata).run_validation(data)
        serializer.is_valid(raise_exception=True)
        return by_name(serializer, serializer.validated_data)

    # -- for FastAPI, on the event loop ----------------------------------------------------------

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, with the body as DRF has read it; what it raises is for DRF to handle."""
        with changed_dependant(self, _without_documentation):
            original = super().get_route_handler()

        async def handler(request: Request) -> Response:
            call = Call.of(request.scope)
            if call is None:
                return await original(request)
            if self._answers_in_context and call.context is not None:
                serializer_context.set(call.context())  # for this request's task
            try:
                return await original(ReadRequest(request, call))
            except RequestValidationError as exc:
                raise validation_error(exc) from exc
            except HTTPException as exc:
                if exc.status_code < 400:
                    raise
                raise api_exception(exc) from exc

        return handler


def _documented(path: str, options: dict[str, Any]) -> dict[str, Any]:
    """The `options` of a route, with the documentation of its view's classes for a method that is lifted by hand: one
    that calls the view (`drf(view=…)`), and declares neither a response nor documentation of its own."""
    methods = list(options.get("methods") or ())
    parts = [one.dependency for one in options.get("dependencies") or ()]
    part = next((one for one in parts if isinstance(one, ViewPart) and one.guards and one.view is not None), None)
    if part is None or part.view is None or part.lifted is not None or len(methods) != 1:
        return options
    if options.get("openapi_extra") or given_or_default(options.get("response_model")) not in (None, Any):
        return options
    action = part.attributes.get("action")
    initkwargs = {name: value for name, value in part.attributes.items() if name != "action"}
    original = Original(part.view, initkwargs, {methods[0].lower(): action} if action else None)
    operation = OperationExtra(original, methods[0], re.sub(r":\w+}", "}", path), None)
    dependencies = [*options["dependencies"], Depends(Documentation(operation))]
    return options | {"openapi_extra": operation, "dependencies": dependencies}


def _without_documentation(dependant: Dependant) -> Dependant:
    """Leave out what exists only for OpenAPI, and would be solved for every request.

    That is what DRF reads itself: query parameters, for which FastAPI would accept any text, and security schemes,
    which have no effect.
    """
    return without(
        dependant,
        lambda of: getattr(of.call, "documented", frozenset()),
        lambda call: getattr(call, "only_documents", False),
    )


class ReadRequest(FormRequest):
    """A request whose body DRF has read. Until FastAPI has taken the body, it looks like parsed JSON."""

    def __init__(self, request: Request, call: Call) -> None:
        super().__init__(request.scope, request.receive)
        self._data = call.data
        self._query: QueryParams | None = None
        self._path: dict[str, Any] | None = None
        self._headers_sent: Headers | None = None
        self._cookies_sent: dict[str, str] | None = None

    @property
    def headers(self) -> Headers:
        """The caller's headers."""
        if self._data is not NOTHING:
            return Headers({"content-type": "application/json"})
        if self._headers_sent is None:
            self._headers_sent = SentHeaders(scope=self.scope)
        return self._headers_sent

    @property
    def cookies(self) -> dict[str, str]:
        """The caller's cookies."""
        if self._cookies_sent is None:
            self._cookies_sent = SentCookies(super().cookies)
        return self._cookies_sent

    def form_read(self, form: FormData) -> FormData:
        """The form, for FastAPI's own Form() parameters, with marked values."""
        return SentForm([(name, sent(value)) for name, value in form.multi_items()])

    async def body(self) -> bytes:
        """The caller's bytes."""
        if self._data is None:
            self._data = NOTHING
            return b""
        return b"{}" if self._data is not NOTHING else await super().body()

    async def json(self) -> Any:
        """The body as DRF has read it, the first time; then the body that the caller sent."""
        if self._data is NOTHING:
            return await super().json()
        data, self._data = self._data, NOTHING
        return data

    @property
    def query_params(self) -> QueryParams:
        """The query, with marked values (`gateway.bridge.drf.sent`)."""
        if self._query is None:
            self._query = SentQuery([(name, sent(value)) for name, value in super().query_params.multi_items()])
        return self._query

    @property
    def path_params(self) -> dict[str, Any]:
        """The path's parameters, with marked values."""
        if self._path is None:
            self._path = {name: sent(value) for name, value in super().path_params.items()}
        return self._path
