"""The cart, kept in the session."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from .models import Product, Tenant

if TYPE_CHECKING:
    from rest_framework.request import Request

SESSION_KEY = "cart"
MAX_QUANTITY = 99


@dataclass(frozen=True, slots=True)
class CartLine:
    """A number of one product in the cart."""

    product: Product
    quantity: int

    @property
    def total(self) -> Decimal:
        """Price of the line."""
        return self.product.price * self.quantity


class Cart:
    """What the caller means to buy.

    The session holds product ids and quantities only; names and prices are read when asked for, so
    they are never stale. Products that this shop does not sell (any more) are left out.
    """

    def __init__(self, session: SessionBase, tenant: Tenant) -> None:
        self._session = session
        self._tenant = tenant

    @classmethod
    def of(cls, request: HttpRequest | Request) -> Cart:
        """Return the cart of the request's session."""
        return cls(request.session, Tenant.of(request))

    @property
    def quantities(self) -> dict[int, int]:
        """Quantity by product id, as the session has it."""
        stored: dict[str, int] = self._session.get(SESSION_KEY, {})
        return {int(pk): quantity for pk, quantity in stored.items()}

    @cached_property
    def lines(self) -> list[CartLine]:
        """The cart's lines, in the order in which the products were added."""
        quantities = self.quantities
        if not quantities:
            return []
        products = Product.objects.visible_to(self._tenant).in_bulk(list(quantities))
        return [CartLine(products[pk], quantity) for pk, quantity in quantities.items() if pk in products]

    @property
    def count(self) -> int:
        """Number of pieces, without asking the database."""
        return sum(self.quantities.values())

    def ordered(self) -> dict[int, int]:
        """Return what can be ordered, as `place_order` takes it."""
        return {line.product.pk: line.quantity for line in self.lines}

    @property
    def total(self) -> Decimal:
        """Price of the whole cart."""
        return sum((line.total for line in self.lines), Decimal("0.00"))

    def add(self, product: Product, quantity: int = 1) -> None:
        """Put more of a product into the cart, up to MAX_QUANTITY."""
        self.set(product.pk, self.quantities.get(product.pk, 0) + quantity)

    def set(self, product_pk: int, quantity: int) -> None:
        """Set how many of a product are in the cart; 0 takes it out."""
        quantities = self.quantities
        if quantity > 0:
            quantities[product_pk] = min(quantity, MAX_QUANTITY)
        else:
            quantities.pop(product_pk, None)
        self._store(quantities)

    def clear(self) -> None:
        """Empty the cart."""
        self._store({})

    def _store(self, quantities: dict[int, int]) -> None:
        # JSON, the session's format, has no integer keys.
        self._session[SESSION_KEY] = {str(pk): quantity for pk, quantity in quantities.items()}
        self.__dict__.pop("lines", None)
