"""The service's endpoints."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from rest_framework.permissions import AllowAny

from gateway.bridge.drf.credentials import drf
from gateway.bridge.drf.route import DRFRoute
from newsvc.cart.schemas import CartItem, CartOut
from newsvc.cart.session import SessionCart
from newsvc.errors import InvalidBody

__all__ = ["router"]

router = APIRouter(
    prefix="/api/cart",
    tags=["cart"],
    route_class=DRFRoute,
    dependencies=[Depends(drf(permissions=[AllowAny]))],
)


@router.get("/")
def show(cart: SessionCart) -> CartOut:
    """The cart of the caller's session."""
    return CartOut.of(cart)


@router.post("/items/", status_code=201, responses={400: {"model": InvalidBody}})
def add(item: CartItem, cart: SessionCart) -> CartOut:
    """Add a number of a product."""
    cart.add(item.product, item.quantity)
    return CartOut.of(cart)
