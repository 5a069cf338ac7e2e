"""What the service takes and gives."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel

from gateway.bridge.drf.fields import DRFInteger
from legacy.shop.cart import MAX_QUANTITY, Cart, CartLine
from legacy.shop.models import Product
from newsvc.types import Money, SoldProduct

__all__ = ["CartItem", "CartOut"]


class CartItem(BaseModel):
    """A number of one product."""

    product: SoldProduct
    quantity: Annotated[int, DRFInteger(min_value=1, max_value=MAX_QUANTITY)] = 1


class ProductRef(BaseModel):
    """A product where the cart mentions it."""

    id: int
    sku: str
    name: str
    slug: str
    price: Money

    @classmethod
    def of(cls, product: Product) -> Self:
        """From the row."""
        return cls(id=product.pk, sku=product.sku, name=product.name, slug=product.slug, price=product.price)


class CartLineOut(BaseModel):
    """A line of the cart."""

    product: ProductRef
    quantity: int
    total: Money

    @classmethod
    def of(cls, line: CartLine) -> Self:
        """From the cart's line."""
        return cls(product=ProductRef.of(line.product), quantity=line.quantity, total=line.total)


class CartOut(BaseModel):
    """The whole cart."""

    items: list[CartLineOut]
    count: int
    total: Money

    @classmethod
    def of(cls, cart: Cart) -> Self:
        """From the session's cart; asks the database for the products."""
        return cls(items=[CartLineOut.of(line) for line in cart.lines], count=cart.count, total=cart.total)
