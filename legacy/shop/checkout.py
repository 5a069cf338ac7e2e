"""Placing and cancelling orders: the only code of the shop that changes stock because of a customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from legacy.accounts.models import User

from .emails import send_order_confirmation
from .models import Order, OrderLine, Product, Tenant


@dataclass(frozen=True, slots=True)
class Shortage:
    """A product of which more was asked for than there is."""

    product_pk: int
    name: str
    wanted: int
    available: int

    def __str__(self) -> str:
        return _("%(name)s: %(wanted)d wanted, %(available)d available") % {
            "name": self.name,
            "wanted": self.wanted,
            "available": self.available,
        }


class OutOfStockError(Exception):
    """At least one product cannot be delivered as ordered. Nothing was changed."""

    def __init__(self, shortages: list[Shortage]) -> None:
        super().__init__("; ".join(map(str, shortages)))
        self.shortages = shortages


class NotCancellableError(Exception):
    """The order has gone too far to be cancelled."""


@transaction.atomic
def place_order(
    customer: User, quantities: Mapping[int, int], *, tenant: Tenant, address: str, note: str = ""
) -> Order:
    """Order products for a customer and take them out of stock, or do nothing at all.

    `quantities` maps product ids to pieces. The confirmation is sent when the transaction has been
    committed. Raises OutOfStockError with every shortage, not only the first.
    """
    products = _locked(tenant, quantities)
    _refuse_shortages(products, quantities)
    for pk, product in products.items():
        product.stock -= quantities[pk]
    Product.objects.bulk_update(products.values(), ["stock"])
    total = sum((product.price * quantities[pk] for pk, product in products.items()), Decimal(0))
    order = Order.objects.create(customer=customer, address=address, note=note, total=total)
    OrderLine.objects.bulk_create(
        OrderLine(order=order, product=p, name=p.name, unit_price=p.price, quantity=quantities[pk])
        for pk, p in products.items()
    )
    # robust: an order that is committed stays placed, even if the mail server is away.
    transaction.on_commit(lambda: send_order_confirmation(order.pk), robust=True)
    return order


@transaction.atomic
def cancel_order(order: Order) -> Order:
    """Cancel a new order and put its products back into stock; raise NotCancellableError otherwise."""
    locked = Order.objects.select_for_update().get(pk=order.pk)
    if locked.status != Order.Status.NEW:
        raise NotCancellableError
    returned = dict(locked.lines.values_list("product_id", "quantity"))
    products = Product.objects.select_for_update().order_by("pk").in_bulk(list(returned))
    for pk, product in products.items():
        product.stock += returned[pk]
    Product.objects.bulk_update(products.values(), ["stock"])
    locked.status = Order.Status.CANCELLED
    locked.save(update_fields=["status"])
    return locked


def _locked(tenant: Tenant, quantities: Mapping[int, int]) -> dict[int, Product]:
    """Lock the rows, always in the same order, so that two customers cannot block each other."""
    products = Product.objects.visible_to(tenant).filter(pk__in=quantities)
    return {product.pk: product for product in products.select_for_update().order_by("pk")}


def _refuse_shortages(products: Mapping[int, Product], quantities: Mapping[int, int]) -> None:
    shortages = []
    for pk, wanted in quantities.items():
        product = products.get(pk)
        available = product.stock if product else 0
        if wanted > available:
            shortages.append(Shortage(pk, product.name if product else f"#{pk}", wanted, available))
    if shortages:
        raise OutOfStockError(shortages)
