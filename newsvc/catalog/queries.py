"""The catalogue's questions to the database."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.core.paginator import Page
from django.db.models import Q
from django.shortcuts import get_object_or_404
from django_filters.utils import translate_validation
from rest_framework.fields import CharField
from rest_framework.filters import search_smart_split

from legacy.shop.filters import ProductFilter
from legacy.shop.models import Product, ProductQuerySet, Tenant
from newsvc.catalog.schemas import ProductListQuery, ProductQuery

__all__ = ["find_product", "list_page"]

SEARCH_FIELDS = ("name", "description", "sku")
ORDERING_FIELDS = ("price", "name", "created")
DEFAULT_ORDERING = ("name", "id")


def find_product(product_id: int, query: ProductQuery, tenant: Tenant) -> Product:
    """One product with all it shows. Raises Http404, ValidationError."""
    return get_object_or_404(_filtered(query, tenant).prefetch_related("images"), pk=product_id)


def list_page(query: ProductListQuery, tenant: Tenant) -> Page[Product]:
    """The page that the query asks for. Raises NotFound, ValidationError."""
    return query.of(_filtered(query, tenant).order_by(*_ordering(query.ordering)))


def _filtered(query: ProductQuery, tenant: Tenant) -> ProductQuerySet:
    products = Product.objects.visible_to(tenant).select_related("category").with_ratings()
    filters = ProductFilter(query.model_dump(exclude_none=True), products)
    if not filters.is_valid():
        raise translate_validation(filters.errors)
    found: ProductQuerySet = filters.qs
    search = CharField(trim_whitespace=False, allow_blank=True).run_validation(query.search)
    for word in search_smart_split(search):
        found = found.filter(reduce(or_, (Q(**{f"{field}__icontains": word}) for field in SEARCH_FIELDS)))
    return found


def _ordering(text: str) -> tuple[str, ...]:
    """The known fields in `text`, with the primary key last, so that equal rows keep their order."""
    asked = [term.strip() for term in text.split(",")]
    known = tuple(term for term in asked if term.removeprefix("-") in ORDERING_FIELDS)
    return (*known, "id") if known else DEFAULT_ORDERING
