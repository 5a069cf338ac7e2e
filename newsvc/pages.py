"""Lists in pages, as `legacy.shop.api.pagination` has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Self, TypeVar

from django.core.paginator import InvalidPage, Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from pydantic import BaseModel, Field
from rest_framework.exceptions import NotFound
from rest_framework.utils.urls import remove_query_param, replace_query_param

__all__ = ["PageOf", "PageQuery"]

T = TypeVar("T")
PAGE_SIZE = 20
MAX_PAGE_SIZE = 100


class PageQuery(BaseModel):
    """The part of the query string that chooses a page."""

    page: str = Field("1", description='A number, or "last".')
    page_size: str = Field("", description="1 to 100; 20 by default.")

    def of(self, rows: QuerySet[T] | Sequence[T]) -> Page[T]:  # type: ignore[type-var] # Page takes any sequence
        """The page of `rows` that is asked for. Raises NotFound."""
        paginator = Paginator(rows, self._size())
        try:
            return paginator.page(paginator.num_pages if self.page == "last" else self.page or 1)
        except InvalidPage:
            raise NotFound(gettext("Invalid page.")) from None

    def _size(self) -> int:
        try:
            size = int(self.page_size)
        except ValueError:
            return PAGE_SIZE
        return min(size, MAX_PAGE_SIZE) if size > 0 else PAGE_SIZE


class PageOf(BaseModel, Generic[T]):
    """One page of a list, with the whole URLs of those beside it."""

    count: int
    next: str | None
    previous: str | None
    results: list[T]

    @classmethod
    def showing(cls, results: list[T], page: Page[Any], request: HttpRequest) -> Self:
        """`results` are what is shown of the rows on `page`."""
        return cls(
            count=page.paginator.count,
            next=_link(request, page.next_page_number()) if page.has_next() else None,
            previous=_link(request, page.previous_page_number()) if page.has_previous() else None,
            results=results,
        )


def _link(request: HttpRequest, page: int) -> str:
    """This request's URL with another page number, as DRF writes it: sorted, and without `page` for the first."""
    url = request.build_absolute_uri()
    return replace_query_param(url, "page", page) if page > 1 else remove_query_param(url, "page")
