"""Routes whose endpoints hand over what they return, so that Django's side renders the response.

FastAPI would write JSON. If a service answers as the Django project does, what an endpoint returns is passed to the
project's own renderer or encoder instead, with FastAPI's status and headers.
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from fastapi import Depends, Request
from fastapi import Response as FastAPIResponse
from fastapi.exceptions import ResponseValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from gateway.bridge.django_response import carry_cookies
from gateway.compat.fastapi import given_or_default

__all__ = ["NOTHING", "REPRESENT", "BridgedRoute", "Call", "Unrendered"]

CALL = "gateway.call"  # key of a scope: the Call of this request
INJECTED = "gateway.injected"  # key of a scope: the response that endpoints and dependencies may change
MARK = "X-Gateway-Handed-Over"  # never leaves the process
REPRESENT = "gateway.represent"  # key of Pydantic's context while a response is made
NOTHING = object()

_anything: TypeAdapter[Any] = TypeAdapter(Any)


class Call:
    """One request for which a Django view calls the service. `data` is the body, if the view has read it, and `context`
    makes the context of the view's serializers."""

    __slots__ = ("context", "data", "result")

    def __init__(self, data: Any = NOTHING) -> None:
        self.data = data
        self.result: Any = NOTHING
        self.context: Callable[[], Any] | None = None

    @staticmethod
    def of(scope: Scope) -> Call | None:
        """The call to which `scope` belongs; None outside of one."""
        return scope.get(CALL)

    def make(
        self,
        request: HttpRequest,
        crossing: Callable[[HttpRequest], HttpResponseBase],
        render: Callable[[Any, int], HttpResponseBase],
    ) -> HttpResponseBase:
        """Call the service for `request`. What it hands over becomes a response by `render(result, status)`; a response
        of its own stays as it is. Raises what it raises."""
        request.scope[CALL] = self  # type: ignore[attr-defined] # an ASGIRequest
        answer = crossing(request)
        if self.result is NOTHING or answer.headers.pop(MARK, None) is None:
            return answer
        result = self.result
        response = result if isinstance(result, HttpResponseBase) else render(result, answer.status_code)
        for name, value in answer.headers.items():
            response.headers[name] = value
        carry_cookies(response, getattr(answer, "raw_cookies", []))
        return response


class Unrendered(Response):
    """What an endpoint returned, on its way to the view; without a view, `alone` renders it."""

    def __init__(self, result: Any, status_code: int, alone: Callable[[Any], bytes]) -> None:
        super().__init__(b"", status_code)
        self.result = result
        self._alone = alone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send status and headers, and the body too if there is no view."""
        injected: Response | None = scope.get(INJECTED)
        headers = [] if injected is None else list(injected.headers.raw)
        if injected is not None and injected.status_code:
            self.status_code = injected.status_code
        call = Call.of(scope)
        if call is not None:
            call.result = self.result
            headers.append((MARK.lower().encode(), b"1"))
        elif isinstance(self.result, HttpResponse):
            self.status_code, self.body = self.result.status_code, self.result.content
        elif self.status_code not in (204, 304):
            self.body = self._alone(self.result)
            headers.append((b"content-type", b"application/json"))
        self.raw_headers = headers
        await super().__call__(scope, receive, send)


async def _keep_injected(request: Request, response: FastAPIResponse) -> None:
    request.scope[INJECTED] = response


def _is_json(response_class: Any) -> bool:
    """Whether a route with this `response_class` (or FastAPI's placeholder for none) responds with JSON."""
    kind = given_or_default(response_class)
    return kind is None or issubclass(kind, JSONResponse)


def _returns_response(endpoint: Callable[..., Any]) -> bool:
    """Whether `endpoint` is annotated to return a response of Django's or DRF's."""
    try:
        annotation = inspect.signature(endpoint, eval_str=True).return_annotation
    except NameError:  # FastAPI will resolve it, or report it
        return False
    return isinstance(annotation, type) and issubclass(annotation, HttpResponseBase)


class BridgedRoute(APIRoute):
    """A route that hands over what its endpoint returns, as Python objects.

    Starlette responses, and those of a `response_class` other than JSON, stay as they are. Django's and DRF's responses
    are handed over unchanged.
    """

    def __init__(
        self, path: str, endpoint: Callable[..., Any], *, dependencies: Sequence[Any] | None = None, **options: Any
    ) -> None:
        kept = [*(dependencies or ()), Depends(_keep_injected)]
        if _returns_response(endpoint):
            options["response_model"] = None  # as FastAPI does for its own Response
        answer = self._handing_over(endpoint) if _is_json(options.get("response_class")) else endpoint
        super().__init__(path, answer, dependencies=kept, **options)
        self._answers = TypeAdapter(self.response_model) if self.response_model else _anything

    def problem(self) -> str | None:
        """Why this route can't answer, in words; None when it can."""
        return None

    @staticmethod
    @abstractmethod
    def alone(result: Any) -> bytes:
        """The body for `result` when no view is around the service."""

    def _handing_over(self, endpoint: Callable[..., Any]) -> Callable[..., Any]:
        call = endpoint if inspect.isroutine(endpoint) else getattr(endpoint, "__call__", endpoint)  # noqa: B004
        if inspect.isgeneratorfunction(call) or inspect.isasyncgenfunction(call):
            return endpoint  # the service sends streams itself
        if inspect.iscoroutinefunction(call):

            @wraps(endpoint)
            async def answer_async(*args: Any, **kwargs: Any) -> Any:
                return self._hand_over(await endpoint(*args, **kwargs))

            answer: Any = answer_async
        else:

            @wraps(endpoint)
            def answer_sync(*args: Any, **kwargs: Any) -> Any:
                return self._hand_over(endpoint(*args, **kwargs))

            answer = answer_sync
        answer.bridged_route = self
        return answer  # type: ignore[no-any-return]

    def _hand_over(self, result: Any) -> Any:
        if isinstance(result, Response):
            return result
        content = result if isinstance(result, HttpResponseBase) else self.represented(result)
        return Unrendered(content, self.status_code or 200, type(self).alone)

    def answering(self) -> Any:
        """Context for serializing the response's fields; falsy when there is none."""
        return True

    def represented(self, result: Any) -> Any:
        """`result` as plain data, through the response model if there is one.

        Raises ResponseValidationError, as FastAPI does.
        """
        if self._answers is not _anything:
            try:
                result = self._answers.validate_python(result, from_attributes=True)
            except ValidationError as exc:
                raise ResponseValidationError(errors=exc.errors(include_url=False), body=result) from exc
        return self._answers.dump_python(
            result,
            mode="python",
            include=self.response_model_include,
            exclude=self.response_model_exclude,
            by_alias=self.response_model_by_alias,
            exclude_unset=self.response_model_exclude_unset,
            exclude_defaults=self.response_model_exclude_defaults,
            exclude_none=self.response_model_exclude_none,
            context={REPRESENT: self.answering()},
        )
