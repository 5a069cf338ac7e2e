"""The catalogue's endpoints.

Plain `def`, since the ORM blocks: each request has a thread for its synchronous code, and so a connection.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from gateway.bridge import DjangoRequest
from gateway.bridge.drf.credentials import drf
from legacy.shop.models import Product, Tenant
from newsvc.catalog.queries import find_product, list_page
from newsvc.catalog.schemas import ProductDetail, ProductListQuery, ProductQuery, ProductSummary
from newsvc.drf import DRFRoute
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


@router.get("/")
def list_products(request: DjangoRequest, query: Annotated[ProductListQuery, Query()]) -> PageOf[ProductSummary]:
    """Products, filtered, searched, ordered and in pages."""
    page = list_page(query, Tenant.of(request))
    return PageOf.showing([ProductSummary.of(product) for product in page], page, request)


# `:int` leaves everything else that could be an id to Django, which then answers as it always did.
@router.get("/{product_id:int}/")
def product(request: DjangoRequest, product_id: int, query: Annotated[ProductQuery, Query()]) -> ProductDetail:
    """A product on its own."""
    return ProductDetail.with_images(find_product(product_id, query, Tenant.of(request)), request)
