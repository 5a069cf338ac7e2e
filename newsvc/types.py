"""Types that several services share, read and written by DRF's own fields."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from django.utils.translation import gettext_lazy as _
from rest_framework.serializers import PrimaryKeyRelatedField

from gateway.bridge.drf.fields import DRFDateTime, DRFDecimal, drf_field
from legacy.shop.models import Product, Tenant

__all__ = ["AnyProduct", "Moment", "Money", "SoldProduct"]

Money = Annotated[Decimal, DRFDecimal(max_digits=12, decimal_places=2)]
Moment = Annotated[datetime, DRFDateTime()]


class SoldProductField(PrimaryKeyRelatedField[Product]):
    """A product that the caller's shop sells."""

    default_error_messages = {"not_sold": _("This product is not for sale.")}

    def to_internal_value(self, data: Any) -> Product:
        """The row with the id `data`. Raises DRF's ValidationError."""
        product: Product = super().to_internal_value(data)
        if not product.is_visible_to(Tenant.of(self.context["request"])):
            self.fail("not_sold")
        return product


# The caller gives the id, the endpoint gets the row: DRF asks for it on the request's own thread.
ID = {"type": "integer"}
PRODUCTS = Product.objects.all()
KNOWN = PRODUCTS.only("pk")  # whether it exists, and no more
AnyProduct = Annotated[Product, drf_field(PrimaryKeyRelatedField, queryset=KNOWN, native=Product, schema=ID)]
SoldProduct = Annotated[Product, drf_field(SoldProductField, queryset=PRODUCTS, native=Product, schema=ID)]
