"""Errors with the status and body that `legacy.shop.api.exceptions` gives them."""

from __future__ import annotations

import json
from http import HTTPStatus

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from newsvc.errors import ErrorBody
from newsvc.quotes.rendering import JSONAnswer

__all__ = ["NotFound", "UnknownTenant", "install_error_handlers"]


class NotFound(Exception):
    """404: there is no such thing."""

    def __init__(self, detail: str = "Not found.") -> None:
        super().__init__(detail)
        self.body = ErrorBody(code="not_found", detail=detail)


class UnknownTenant(Exception):
    """404: the `X-Tenant` header names no shop."""

    body = ErrorBody(code="unknown_tenant", detail="There is no such shop.")


def install_error_handlers(app: FastAPI) -> None:
    """Have `app` answer with these bodies, also where FastAPI itself finds nothing to call."""

    @app.exception_handler(NotFound)
    async def not_found(_: Request, exc: NotFound) -> Response:
        return JSONAnswer(exc.body.model_dump(), HTTPStatus.NOT_FOUND)

    @app.exception_handler(UnknownTenant)
    async def unknown_tenant(_: Request, exc: UnknownTenant) -> Response:
        # In Django a middleware answers this one, with JsonResponse, which puts spaces between things.
        return Response(json.dumps(exc.body.model_dump()), HTTPStatus.NOT_FOUND, media_type="application/json")

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, exc: HTTPException) -> Response:
        body = ErrorBody(code="error", detail=exc.detail)
        if exc.status_code == HTTPStatus.NOT_FOUND:
            body = NotFound().body
        elif exc.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            body = ErrorBody(code="method_not_allowed", detail=f'Method "{request.method}" not allowed.')
        return JSONAnswer(body.model_dump(), exc.status_code, exc.headers)
