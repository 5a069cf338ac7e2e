"""The catalogue's endpoints.

Plain `def`, since the ORM blocks: FastAPI runs them on a thread of its pool.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from newsvc.catalog.queries import find_product, list_page
from newsvc.catalog.schemas import ProductDetail, ProductListQuery, ProductPage, ProductQuery, ProductSummary
from newsvc.database import django_connections
from newsvc.errors import ErrorBody, InvalidBody
from newsvc.links import page_link
from newsvc.tenant import TenantSlug, find_tenant

__all__ = ["router"]

router = APIRouter(
    prefix="/api/products",
    tags=["products"],
    responses={400: {"model": InvalidBody}, 404: {"model": ErrorBody}},
)


@router.get("/")
def list_products(
    request: Request, query: Annotated[ProductListQuery, Query()], tenant_slug: TenantSlug = None
) -> ProductPage:
    """Products, filtered, searched, ordered and in pages."""
    with django_connections():
        page = list_page(query, find_tenant(tenant_slug))
        results = [ProductSummary.of(product) for product in page]
    return ProductPage(
        count=page.paginator.count,
        next=page_link(request, page.next_page_number()) if page.has_next() else None,
        previous=page_link(request, page.previous_page_number()) if page.has_previous() else None,
        results=results,
    )


# `:int` leaves everything else that could be an id to Django, which then answers as it always did.
@router.get("/{product_id:int}/")
def product(
    request: Request, product_id: int, query: Annotated[ProductQuery, Query()], tenant_slug: TenantSlug = None
) -> ProductDetail:
    """A product on its own."""
    with django_connections():
        found = find_product(product_id, query, find_tenant(tenant_slug))
        return ProductDetail.with_images(found, request)
