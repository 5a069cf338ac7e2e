"""A product in the body of a request."""

from __future__ import annotations

from typing import Annotated, Any

from django.utils.translation import gettext_lazy as _
from pydantic_core import core_schema
from rest_framework.serializers import PrimaryKeyRelatedField

from legacy.shop.models import Product, Tenant
from newsvc.fields import Read

__all__ = ["AnyProduct", "SoldProduct"]

ID = core_schema.int_schema()


class SoldProductField(PrimaryKeyRelatedField[Product]):
    """A product that the caller's shop sells."""

    default_error_messages = {"not_sold": _("This product is not for sale.")}

    def to_internal_value(self, data: Any) -> Product:
        """The row with the id `data`. Raises DRF's ValidationError."""
        product: Product = super().to_internal_value(data)
        if not product.is_visible_to(Tenant.of(self.context["request"])):
            self.fail("not_sold")
        return product


# The caller gives the id, the endpoint gets the row.
AnyProduct = Annotated[Product, Read(PrimaryKeyRelatedField(queryset=Product.objects.all()), ID)]
SoldProduct = Annotated[Product, Read(SoldProductField(queryset=Product.objects.all()), ID)]
