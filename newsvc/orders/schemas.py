"""What the service takes and gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BaseModel, Field

from gateway.bridge.drf.fields import DRFChar, DRFInteger
from legacy.accounts.models import User
from legacy.shop.cart import MAX_QUANTITY
from legacy.shop.models import Order, OrderLine
from newsvc.types import AnyProduct, Moment, Money

__all__ = ["OrderIn", "OrderOut"]


class LineIn(BaseModel):
    """A number of one product."""

    product: AnyProduct
    quantity: Annotated[int, DRFInteger(min_value=1, max_value=MAX_QUANTITY)]


class OrderIn(BaseModel):
    """What is ordered: these lines, or without any the session's cart."""

    address: Annotated[str, DRFChar()]
    note: Annotated[str, DRFChar(max_length=200, allow_blank=True)] = ""
    lines: list[LineIn] = Field(default_factory=list, min_length=1)

    @property
    def quantities(self) -> dict[int, int]:
        """Pieces by product id; lines of the same product are added up."""
        found: Counter[int] = Counter()
        for line in self.lines:
            found[line.product.pk] += line.quantity
        return dict(found)


class Customer(BaseModel):
    """A customer as other customers see them."""

    id: int
    username: str

    @classmethod
    def of(cls, user: User) -> Self:
        """From the row."""
        return cls(id=user.pk, username=user.username)


class LineOut(BaseModel):
    """A line of an order, with name and price as they were then."""

    product: int
    name: str
    unit_price: Money
    quantity: int
    total: Money

    @classmethod
    def of(cls, line: OrderLine) -> Self:
        """From the row."""
        return cls(
            product=line.product_id,
            name=line.name,
            unit_price=line.unit_price,
            quantity=line.quantity,
            total=line.total,
        )


class OrderOut(BaseModel):
    """An order with its lines."""

    id: int
    customer: Customer
    status: str
    address: str
    note: str
    lines: list[LineOut]
    total: Money
    created: Moment

    @classmethod
    def of(cls, order: Order, lines: Sequence[OrderLine]) -> Self:
        """From the rows."""
        return cls(
            id=order.pk,
            customer=Customer.of(order.customer),
            status=order.status,
            address=order.address,
            note=order.note,
            lines=[LineOut.of(line) for line in lines],
            total=order.total,
            created=order.created,
        )
