"""The service's endpoint."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from django.conf import settings
from fastapi import APIRouter, Depends, Response

from legacy.shop.models import Product
from newsvc.errors import ErrorBody
from newsvc.quotes.database import django_connections
from newsvc.quotes.errors import NotFound
from newsvc.quotes.schemas import Quotes
from newsvc.quotes.suppliers import SuppliersClient, ask_all
from newsvc.quotes.tenant import TenantSlug, find_tenant

__all__ = ["router"]

router = APIRouter(prefix="/api/quotes", tags=["quotes"])


def visible_product(product_id: int, tenant_slug: TenantSlug = None) -> Product:
    """The product that is asked for. A plain function: FastAPI runs it on a thread, where the ORM may block."""
    with django_connections():
        product = Product.objects.visible_to(find_tenant(tenant_slug)).filter(pk=product_id).first()
    if product is None:
        raise NotFound("No Product matches the given query.")
    return product


VisibleProduct = Annotated[Product, Depends(visible_product)]


@router.get("/{product_id:int}/", responses={404: {"model": ErrorBody}, 502: {"model": Quotes}})
async def quotes(product: VisibleProduct, client: SuppliersClient, response: Response) -> Quotes:
    """The suppliers' offers, cheapest first; 502 only if none made one."""
    offers, failures = await ask_all(client, settings.SUPPLIERS, product.sku, settings.SUPPLIERS_TIMEOUT)
    if not offers:
        response.status_code = HTTPStatus.BAD_GATEWAY
    return Quotes(product=product.pk, sku=product.sku, quotes=offers, unavailable=failures)
