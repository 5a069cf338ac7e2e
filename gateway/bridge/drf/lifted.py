"""Lifted views: a dependency that marks the endpoint, and endpoints that call the view's own methods."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from django.http.response import HttpResponseBase
from fastapi import Request

from gateway.bridge.drf.credentials import schemes_of
from gateway.bridge.drf.original import Original
from gateway.bridge.drf.request import OF_AS_VIEW, EndpointView, ViewPart

__all__ = ["Lifted", "endpoint_for"]


class Lifted(ViewPart):
    """A dependency: the endpoint runs the method of `original` for the request's method. It is never called, but read
    by `gateway.bridge.views`, whose view for the endpoint applies the classes of `original` to the caller."""

    guards = True
    checks_csrf = True  # read by gateway.bridge.views
    only_documents = True  # read by gateway.bridge.drf.route

    def __init__(self, original: Original, callback: Callable[..., Any]) -> None:
        super().__init__(original.kind)
        self.lifted = original
        self.stands_for = callback  # read by gateway.legacy.replaced
        self.__signature__ = _signature(original)  # as FastAPI reads it

    def __repr__(self) -> str:
        return f"Lifted({self.lifted})"

    async def __call__(self, **_documented: None) -> None:
        """No effect: the view does everything."""

    @property
    def marks(self) -> Mapping[str, Any]:
        """The attributes that the view's class and its decorators set on it."""
        marks = self.lifted.marks if self.lifted is not None else {}
        return {name: value for name, value in marks.items() if name not in OF_AS_VIEW}


def _signature(original: Original) -> inspect.Signature:
    schemes = schemes_of(original.alone())
    return inspect.Signature(
        [
            inspect.Parameter(f"scheme_{number}", inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[None, scheme])
            for number, scheme in enumerate(schemes)
        ]
    )


def endpoint_for(original: Original, method: str) -> Callable[..., Any]:
    """An endpoint that runs the method of `original` for `method`, with its name, module and docstring."""

    def endpoint(request: Request) -> Any:
        return _answer(request)

    handler = original.handler(method)
    name = original.name_of(method)
    endpoint.__name__ = name if original.actions is not None else original.kind.__name__
    endpoint.__qualname__ = f"{original.kind.__qualname__}.{name}"
    endpoint.__module__ = original.kind.__module__
    endpoint.__doc__ = inspect.getdoc(handler) or inspect.getdoc(original.kind)
    return endpoint


def _answer(request: Request) -> Any:
    """The response of the view's own method. Raises what it raises."""
    view: EndpointView | None = getattr(request.scope.get("django.request"), "drf_view", None)
    if view is None or view.gateway_lifted is None:
        raise RuntimeError('a lifted view answers in a service with answers = "drf", behind the gateway, and not here')
    handler: Callable[..., Any] = getattr(view, (view.request.method or "").lower())
    response = handler(view.request, *view.args, **view.kwargs)
    if not isinstance(response, HttpResponseBase):  # as DRF's `finalize_response` checks it
        raise AssertionError(f"{handler.__qualname__} returned {type(response)}, and not a response")  # noqa: TRY004
    return response
