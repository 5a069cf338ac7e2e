"""What is to take the shop's products over: newsvc.catalog, but a price is a number, not a string. The planted bug."""

from typing import Annotated, Any

from django.shortcuts import get_object_or_404
from fastapi import APIRouter, Depends, FastAPI

from gateway.bridge import DjangoRequest
from gateway.bridge.drf.credentials import drf
from gateway.bridge.drf.pagination import Paginate, paginate
from gateway.bridge.drf.route import DRFRoute
from legacy.shop.models import Product
from newsvc.catalog.routes import Narrow, Products
from newsvc.catalog.schemas import ProductDetail, ProductSummary
from newsvc.pages import PageOf


class Summary(ProductSummary):
    price: float  # type: ignore[assignment] # the bug


class Detail(ProductDetail):
    price: float  # type: ignore[assignment] # the bug


router = APIRouter(
    prefix="/api/products", route_class=DRFRoute, dependencies=[Depends(drf(queryset=Product.objects.none()))]
)


@router.get("/", response_model=PageOf[Summary])
def list_products(found: Products, narrow: Narrow, page: Annotated[Paginate, Depends(paginate())]) -> Any:
    return page.now(narrow.now(found), Summary.of)


@router.get("/{product_id:int}/")
def product(product_id: int, found: Products, narrow: Narrow, request: DjangoRequest) -> Detail:
    return Detail.with_images(get_object_or_404(narrow.now(found.prefetch_related("images")), pk=product_id), request)


app = FastAPI(redirect_slashes=False)
app.include_router(router)
