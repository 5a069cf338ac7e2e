"""The ModelAdmin whose change list and URLs are the pages of the section.

Django imports it with every command of the project. The pages, which need the configuration and more, are imported with
the first request for one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path

from gateway.admin.permissions import allowed

if TYPE_CHECKING:
    from gateway.control.models import Route

    Base = admin.ModelAdmin[Route]
else:
    Base = admin.ModelAdmin

__all__ = ["MigrationAdmin"]

View = Callable[..., HttpResponseBase]

# Patterns, views of `gateway.admin.pages.SectionPages`, and names. A route's page has the name of ModelAdmin's own, to
# which the admin links.
PAGES = (
    ("news/", "overview_news", "news"),
    ("endpoints/", "endpoints", "endpoints"),
    ("endpoints/one/", "endpoint", "endpoint"),
    ("explain/", "explain", "explain"),
    ("<path:object_id>/change/news/", "route_news", "route_news"),
    ("<path:object_id>/change/differences/<slug:key>/", "difference", "difference"),
    ("<path:object_id>/change/", "route", "change"),
)


class MigrationAdmin(Base):
    """The section "Migration". Its model has no table, and its pages are the section's own."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the section is in the index."""
        return allowed(request.user).view

    def has_view_permission(self, request: HttpRequest, obj: Route | None = None) -> bool:  # noqa: ARG002 - ModelAdmin's
        """Whether the pages may be seen."""
        return allowed(request.user).view

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - ModelAdmin's
        """Never: routes are added in gateway.toml."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Route | None = None) -> bool:  # noqa: ARG002 - ModelAdmin's
        """Never: a route is moved on its page."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Route | None = None) -> bool:  # noqa: ARG002 - ModelAdmin's
        """Never: as for adding."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """The pages."""
        wrap = self.admin_site.admin_view
        overview = path("", wrap(_apart(self.changelist_view)), name="gateway_control_route_changelist")
        pages = [
            path(pattern, wrap(_apart(self._view(view))), name=f"gateway_control_route_{name}")
            for pattern, view, name in PAGES
        ]
        return [overview, *pages]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The overview."""
        return cast("HttpResponse", self._view("overview")(request, extra_context=extra_context))

    def _view(self, name: str) -> View:
        def view(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
            from gateway.admin.pages import SectionPages

            return SectionPages(self).answer(name, request, **arguments)

        return view


def _apart(view: View) -> View:
    """`view`, without a transaction of the request's own under ATOMIC_REQUESTS: it would be open while hooks are asked,
    and a move that another one came before couldn't be tried again in it."""

    @wraps(view)
    def apart(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        return view(request, **arguments)

    for alias in connections:
        transaction.non_atomic_requests(using=alias)(apart)
    return apart
