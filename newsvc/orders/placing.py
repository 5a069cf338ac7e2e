"""Placing an order with what the service has at hand.

The rules are those of `legacy.shop.checkout`, which the shop's own pages still use: lock the rows, always in the same
order, refuse every shortage at once, copy names and prices, write to the customer after the commit. Both lock the
same rows, so a page and this service can't sell the same piece twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from legacy.accounts.models import User
from legacy.shop.checkout import OutOfStockError, Shortage
from legacy.shop.models import Order, OrderLine, Product, Tenant
from newsvc.orders.confirmation import send_confirmation

__all__ = ["place_order"]

SOLD = Product.objects.only("name", "price", "stock").order_by("pk")


@transaction.atomic
def place_order(
    customer: User, quantities: Mapping[int, int], *, tenant: Tenant, address: str, note: str
) -> tuple[Order, list[OrderLine]]:
    """Order products for a customer and take them out of stock, or do nothing at all.

    `quantities` maps product ids to pieces. Returns the order, and its lines as they were written: so neither the
    answer nor the confirmation asks the database for them again. Raises OutOfStockError with every shortage.
    """
    locked = SOLD.select_for_update().visible_to(tenant).filter(pk__in=quantities)
    products = {product.pk: product for product in locked}
    shortages = [_shortage(pk, products.get(pk), wanted) for pk, wanted in quantities.items()]
    if found := [shortage for shortage in shortages if shortage.wanted > shortage.available]:
        raise OutOfStockError(found)
    _take(quantities)
    total = sum((product.price * quantities[pk] for pk, product in products.items()), Decimal(0))
    order = Order.objects.create(customer=customer, address=address, note=note, total=total)
    lines = OrderLine.objects.bulk_create(
        OrderLine(order=order, product=product, name=product.name, unit_price=product.price, quantity=quantities[pk])
        for pk, product in products.items()
    )
    # robust: an order that is committed stays placed, even if the mail server is away.
    transaction.on_commit(lambda: send_confirmation(order, lines), robust=True)
    return order, lines


def _shortage(pk: int, product: Product | None, wanted: int) -> Shortage:
    if product is None:
        return Shortage(pk, f"#{pk}", wanted, 0)
    return Shortage(pk, product.name, wanted, product.stock)


def _take(quantities: Mapping[int, int]) -> None:
    """Count down the stock of locked rows, with one statement for all of which as many are ordered."""
    alike: defaultdict[int, list[int]] = defaultdict(list)
    for pk, pieces in quantities.items():
        alike[pieces].append(pk)
    for pieces, pks in alike.items():
        Product.objects.filter(pk__in=pks).update(stock=F("stock") - pieces)
