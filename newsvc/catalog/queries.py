"""The catalogue's questions to the database. Call these inside `django_connections()`."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.core.paginator import InvalidPage, Page, Paginator
from django.db.models import Q
from rest_framework.filters import search_smart_split

from legacy.shop.filters import ProductFilter
from legacy.shop.models import Product, ProductQuerySet, Tenant
from newsvc.catalog.schemas import ProductListQuery, ProductQuery
from newsvc.errors import InvalidInput, NotFound

__all__ = ["find_product", "list_page"]

SEARCH_FIELDS = ("name", "description", "sku")
ORDERING_FIELDS = ("price", "name", "created")
DEFAULT_ORDERING = ("name", "id")
PAGE_SIZE = 20
MAX_PAGE_SIZE = 100


def find_product(product_id: int, query: ProductQuery, tenant: Tenant) -> Product:
    """One product with all it shows. Raises NotFound, InvalidInput."""
    product = _filtered(query, tenant).prefetch_related("images").filter(pk=product_id).first()
    if product is None:
        raise NotFound("No Product matches the given query.")
    return product


def list_page(query: ProductListQuery, tenant: Tenant) -> Page[Product]:
    """The page that the query asks for. Raises NotFound, InvalidInput."""
    products = _filtered(query, tenant).order_by(*_ordering(query.ordering))
    paginator = Paginator(products, _page_size(query.page_size))
    try:
        return paginator.page(paginator.num_pages if query.page == "last" else query.page or 1)
    except InvalidPage:
        raise NotFound("Invalid page.") from None


def _filtered(query: ProductQuery, tenant: Tenant) -> ProductQuerySet:
    products = Product.objects.visible_to(tenant).select_related("category").with_ratings()
    filters = ProductFilter(query.model_dump(exclude_none=True), products)
    if not filters.is_valid():
        problems = filters.errors.get_json_data()
        raise InvalidInput({name: [problem["message"] for problem in found] for name, found in problems.items()})
    if "\0" in query.search:
        raise InvalidInput(["Null characters are not allowed."])
    found: ProductQuerySet = filters.qs
    for word in search_smart_split(query.search):  # type: ignore[arg-type]  # the stubs say list[str]
        found = found.filter(reduce(or_, (Q(**{f"{field}__icontains": word}) for field in SEARCH_FIELDS)))
    return found


def _ordering(text: str) -> tuple[str, ...]:
    """The known fields in `text`, with the primary key last, so that equal rows keep their order."""
    asked = [term.strip() for term in text.split(",")]
    known = tuple(term for term in asked if term.removeprefix("-") in ORDERING_FIELDS)
    return (*known, "id") if known else DEFAULT_ORDERING


def _page_size(text: str) -> int:
    try:
        size = int(text)
    except ValueError:
        return PAGE_SIZE
    return min(size, MAX_PAGE_SIZE) if size > 0 else PAGE_SIZE
