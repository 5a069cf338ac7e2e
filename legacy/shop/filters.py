"""Narrowing the product list: the same filters for the pages and the API."""

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters

from .models import Product


class ProductFilter(filters.FilterSet):  # type: ignore[misc]  # django-filter ships no types
    """`?category=slug&price_min=1&price_max=9.99&in_stock=true`."""

    category = filters.CharFilter(field_name="category__slug", label=_("Category"))
    price_min = filters.NumberFilter(field_name="price", lookup_expr="gte", label=_("Price from"))
    price_max = filters.NumberFilter(field_name="price", lookup_expr="lte", label=_("Price to"))
    in_stock = filters.BooleanFilter(method="filter_in_stock", label=_("In stock"))

    class Meta:
        model = Product
        fields: tuple[str, ...] = ()

    def filter_in_stock(self, products: QuerySet[Product], _name: str, value: bool) -> QuerySet[Product]:
        """Keep what can be bought now, or what cannot."""
        return products.filter(stock__gt=0) if value else products.filter(stock=0)
