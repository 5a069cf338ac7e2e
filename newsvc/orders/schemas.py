"""What the service takes and gives."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Self

from django.utils.translation import gettext as _
from pydantic import BaseModel, Field, ValidationInfo, model_validator
from rest_framework.serializers import CharField, IntegerField

from legacy.accounts.models import User
from legacy.shop.cart import MAX_QUANTITY, Cart
from legacy.shop.models import Order, OrderLine
from newsvc.fields import Read, refuse
from newsvc.products import AnyProduct
from newsvc.rendering import LocalDatetime, Money

__all__ = ["OrderIn", "OrderOut"]


class LineIn(BaseModel):
    """A number of one product."""

    product: AnyProduct
    quantity: Annotated[int, Read(IntegerField(min_value=1, max_value=MAX_QUANTITY))]


class OrderIn(BaseModel):
    """What is ordered: these lines, or without any the session's cart."""

    address: Annotated[str, Read(CharField())]
    note: Annotated[str, Read(CharField(max_length=200, allow_blank=True))] = ""
    lines: list[LineIn] = Field(default_factory=list, min_length=1)

    @model_validator(mode="after")
    def _orders_something(self, info: ValidationInfo) -> Self:
        if not self.lines and not Cart.of(info.context["request"]).lines:  # type: ignore[index] # DRFRoute gives one
            raise refuse({"lines": [_("Your cart is empty.")]})
        return self

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
    created: LocalDatetime

    @classmethod
    def of(cls, order: Order) -> Self:
        """From the row; asks the database for its lines."""
        return cls(
            id=order.pk,
            customer=Customer.of(order.customer),
            status=order.status,
            address=order.address,
            note=order.note,
            lines=[LineOut.of(line) for line in order.lines.all()],
            total=order.total,
            created=order.created,
        )
