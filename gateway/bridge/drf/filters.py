"""The project's filter backends as FastAPI dependencies.

narrowed = filtered(filterset_class=ProductFilter, search_fields=["name"], ordering_fields=["price"])

@router.get("/products/")
async def products(narrow: Annotated[Filtered, Depends(narrowed)]) -> list[ProductOut]:
    return [ProductOut.of(product) async for product in await narrow(Product.objects.all())]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

from django.db.models import Model, QuerySet
from rest_framework.filters import BaseFilterBackend
from rest_framework.generics import GenericAPIView
from rest_framework.views import APIView
from starlette.requests import HTTPConnection

from gateway.bridge.drf.openapi.parameters import documented, documenting, query_parameters
from gateway.bridge.drf.request import ViewPart, endpoint_view
from gateway.bridge.orm import in_django

__all__ = ["Filtered", "Filters", "filtered", "query_parameters"]

M = TypeVar("M", bound=Model)


class Filtered:
    """The filters of one request, to be applied to a queryset."""

    def __init__(self, view: GenericAPIView[Any]) -> None:
        self.view = view

    async def __call__(self, queryset: QuerySet[M]) -> QuerySet[M]:
        """`queryset`, filtered and ordered. Raises what the backends raise, which DRF turns into a response."""
        return await in_django(self.now, queryset)

    def now(self, queryset: QuerySet[M]) -> QuerySet[M]:
        """The same, for `def` endpoints."""
        return self.view.filter_queryset(queryset)


class Filters(ViewPart):
    """A dependency on filters; see `filtered`."""

    kind = "filtered()"

    def __init__(self, view: type[APIView] | None = None, action: str | None = None, **attributes: Any) -> None:
        super().__init__(view, action, **attributes)
        self.__signature__ = documenting(query_parameters(self.alone()))  # as FastAPI reads it
        self.documented = documented(self.__signature__)

    async def __call__(self, connection: HTTPConnection, **_documented: Any) -> Filtered:
        """The filters of the request. Raises RuntimeError if the service does not run inside the middleware."""
        return Filtered(cast("GenericAPIView[Any]", await endpoint_view(connection)))


def filtered(
    *,
    backends: Sequence[type[BaseFilterBackend]] | None = None,
    queryset: QuerySet[Any] | None = None,
    view: type[APIView] | None = None,
    action: str | None = None,
    **attributes: Any,
) -> Filters:
    """A dependency: `Filtered`, with these `backends`, or else those of `view`, or else the project's defaults.

    `attributes` are read by the backends from the view: `search_fields`, `ordering_fields`, `ordering`,
    `filterset_class`, `filterset_fields`. `queryset` lets the OpenAPI document name the filters and their types, if the
    backend needs the model for that.
    """
    return Filters(view, action, filter_backends=backends, queryset=queryset, **attributes)
