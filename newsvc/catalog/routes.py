"""The catalogue's endpoints.

Plain `def`, since the ORM blocks: each request has a thread for its synchronous code, and so a connection.
"""

from __future__ import annotations

from typing import Annotated, Any

from django.shortcuts import get_object_or_404
from fastapi import APIRouter, Depends

from gateway.bridge import DjangoRequest
from gateway.bridge.drf.credentials import drf
from gateway.bridge.drf.filters import Filtered, filtered
from gateway.bridge.drf.pagination import Paginate, paginate
from gateway.bridge.drf.route import DRFRoute
from legacy.shop.filters import ProductFilter
from legacy.shop.models import Product, ProductQuerySet, Tenant
from newsvc.catalog.schemas import ProductDetail, ProductSummary
from newsvc.errors import ErrorBody, InvalidBody
from newsvc.pages import PageOf

__all__ = ["router"]

router = APIRouter(
    prefix="/api/products",
    tags=["products"],
    route_class=DRFRoute,
    dependencies=[Depends(drf(queryset=Product.objects.none()))],  # the project's permissions look at its model
    responses={400: {"model": InvalidBody}, 404: {"model": ErrorBody}},
)

# The project's own filters. The detail is filtered too, as DRF does.
filters = filtered(
    filterset_class=ProductFilter,
    search_fields=["name", "description", "sku"],
    ordering_fields=["price", "name", "created"],
    ordering=["name", "id"],
)
Narrow = Annotated[Filtered, Depends(filters)]


# Put together once: what a subquery is made of takes longer than to narrow it down for a request.
RATED = Product.objects.select_related("category").with_ratings()


async def _products(request: DjangoRequest) -> ProductQuerySet:
    return RATED.visible_to(Tenant.of(request))


Products = Annotated[ProductQuerySet, Depends(_products)]


@router.get("/", response_model=PageOf[ProductSummary])
def list_products(products: Products, narrow: Narrow, page: Annotated[Paginate, Depends(paginate())]) -> Any:
    """Products, filtered, searched, ordered and in pages."""
    return page.now(narrow.now(products), ProductSummary.of)


# `:int` leaves everything else that could be an id to Django, which then answers as it always did.
@router.get("/{product_id:int}/")
def product(product_id: int, products: Products, narrow: Narrow, request: DjangoRequest) -> ProductDetail:
    """A product on its own."""
    found = get_object_or_404(narrow.now(products.prefetch_related("images")), pk=product_id)
    return ProductDetail.with_images(found, request)
