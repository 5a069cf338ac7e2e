"""What the API's lists accept beside `legacy.shop.filters`."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.filters import OrderingFilter
from rest_framework.request import Request
from rest_framework.views import APIView


class StableOrderingFilter(OrderingFilter):
    """DRF's `?ordering=`, with the primary key as the last criterion.

    Without it, rows with equal prices may appear on two pages, or on none.
    """

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: APIView) -> Any:
        """Return the ordering asked for, or the view's own, ending with a unique field."""
        ordering = super().get_ordering(request, queryset, view)
        if not ordering or {"id", "-id", "pk", "-pk"} & set(ordering):
            return ordering
        return [*ordering, "id"]
