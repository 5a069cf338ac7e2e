"""A product in the body of a request."""

from __future__ import annotations

from typing import Annotated

from django.utils.translation import gettext as _
from pydantic import AfterValidator, ValidationInfo
from pydantic_core import core_schema
from rest_framework.serializers import PrimaryKeyRelatedField

from legacy.shop.models import Product, Tenant
from newsvc.fields import Read, refuse

__all__ = ["AnyProduct", "SoldProduct"]


def _sold(product: Product, info: ValidationInfo) -> Product:
    if not product.is_visible_to(Tenant.of(info.context["request"])):  # type: ignore[index] # DRFRoute gives one
        raise refuse(_("This product is not for sale."))
    return product


# The caller gives the id, the endpoint gets the row.
AnyProduct = Annotated[Product, Read(PrimaryKeyRelatedField(queryset=Product.objects.all()), core_schema.int_schema())]

# As the caller's shop sells it.
SoldProduct = Annotated[AnyProduct, AfterValidator(_sold)]
