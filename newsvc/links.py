"""Whole URLs, for the address under which the caller reached us."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urljoin

from starlette.requests import Request

__all__ = ["absolute", "page_link"]


def absolute(request: Request, location: str) -> str:
    """`location`, which starts with a slash or is whole already, as `request.build_absolute_uri` writes it."""
    return urljoin(str(request.base_url), location)


def page_link(request: Request, page: int) -> str:
    """This request's URL with another page number, as DRF writes it: sorted, and without `page` for the first."""
    query = parse_qs(request.url.query, keep_blank_values=True)
    query.pop("page", None)
    if page > 1:
        query["page"] = [str(page)]
    return str(request.url.replace(query=urlencode(sorted(query.items()), doseq=True)))
