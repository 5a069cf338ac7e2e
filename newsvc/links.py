"""Whole URLs, for the address under which the caller reached us."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.utils.urls import remove_query_param, replace_query_param

__all__ = ["page_link"]


def page_link(request: HttpRequest, page: int) -> str:
    """This request's URL with another page number, as DRF writes it: sorted, and without `page` for the first."""
    url = request.build_absolute_uri()
    return replace_query_param(url, "page", page) if page > 1 else remove_query_param(url, "page")
