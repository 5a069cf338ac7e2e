"""The project's paginator classes as FastAPI dependencies.

@router.get("/products/")
async def products(page: Annotated[Paginate, Depends(paginate(ProductPagination))]) -> Any:
    return await page(Product.objects.all(), ProductSerializer)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, cast

from fastapi import Response
from pydantic import BaseModel
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import BasePagination
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView
from starlette.requests import HTTPConnection

from gateway.bridge.drf.openapi.parameters import described, documented, documenting
from gateway.bridge.drf.request import ViewPart, endpoint_view
from gateway.bridge.orm import in_django

__all__ = ["Paginate", "Pagination", "paginate"]

# A serializer class, a Pydantic model that reads attributes, or a function of one object.
Serialise = type[BaseSerializer[Any]] | type[BaseModel] | Callable[[Any], Any]


class Paginate:
    """The page that one request wants."""

    def __init__(self, view: GenericAPIView[Any], response: Response) -> None:
        self.view = view
        self._response = response

    async def __call__(self, rows: Any, serialise: Serialise | None = None) -> Any:
        """The data of the paginator's own response for its page of `rows`, a queryset or a list.

        `serialise` makes the results: a DRF serializer class, a Pydantic model that reads attributes, or a function of
        one object; without it, the view's serializer class is used. Headers that the paginator sets are added to the
        response. Raises what the paginator raises, which DRF turns into a response.
        """
        return await in_django(self.now, rows, serialise)

    def now(self, rows: Any, serialise: Serialise | None = None) -> Any:
        """The same, for `def` endpoints."""
        page = self.view.paginate_queryset(rows)
        if page is None:  # there is no paginator, or it returns the whole list by default
            return self._results(rows, serialise)
        found = self.view.get_paginated_response(self._results(page, serialise))
        if found.status_code != 200:
            self._response.status_code = found.status_code
        for name, value in found.items():
            if name.lower() != "content-type":
                self._response.headers[name] = value
        return found.data

    def _results(self, rows: Iterable[Any], serialise: Serialise | None) -> Any:
        if serialise is None:
            return self.view.get_serializer(rows, many=True).data
        if isinstance(serialise, type) and issubclass(serialise, BaseSerializer):
            return serialise(rows, many=True, context=self.view.get_serializer_context()).data
        if isinstance(serialise, type) and issubclass(serialise, BaseModel):
            return [serialise.model_validate(row, from_attributes=True) for row in rows]
        make = cast("Callable[[Any], Any]", serialise)
        return [make(row) for row in rows]


class Pagination(ViewPart):
    """A dependency on a page; see `paginate`."""

    kind = "paginate()"

    def __init__(self, view: type[APIView] | None = None, action: str | None = None, **attributes: Any) -> None:
        super().__init__(view, action, **attributes)
        alone = self.alone()
        describe = getattr(alone.paginator, "get_schema_operation_parameters", None)
        parameters = described(alone.paginator, partial(describe, alone)) if describe is not None else []
        self.__signature__ = documenting(parameters)  # as FastAPI reads it
        self.documented = documented(self.__signature__)

    async def __call__(self, connection: HTTPConnection, response: Response, **_documented: Any) -> Paginate:
        """The page of the request. Raises RuntimeError if the service does not run inside the middleware."""
        return Paginate(cast("GenericAPIView[Any]", await endpoint_view(connection)), response)


def paginate(
    paginator: type[BasePagination] | None = None,
    *,
    view: type[APIView] | None = None,
    action: str | None = None,
    **attributes: Any,
) -> Pagination:
    """A dependency: `Paginate`, with this `paginator` class, or else that of `view`, or else the project's default.

    `attributes` are set on the view that the paginator gets, such as `serializer_class`.
    """
    return Pagination(view, action, pagination_class=paginator, **attributes)
