"""The same lists twice, as DRF views and on FastAPI, in pages and filtered by the same classes."""

from __future__ import annotations

from typing import Annotated, Any

from django.contrib.auth.models import Group
from django.urls import path
from django_filters import rest_framework as django_filters
from fastapi import Depends, FastAPI
from pydantic import BaseModel
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination, LimitOffsetPagination, PageNumberPagination
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer

from gateway.bridge.drf.credentials import drf
from gateway.bridge.drf.filters import Filtered, filtered
from gateway.bridge.drf.pagination import Paginate, paginate
from legacy.shop.api.serializers import ProductSerializer
from legacy.shop.api.views import ProductViewSet


class Pages(PageNumberPagination):
    page_size = 3
    page_size_query_param = "size"
    max_page_size = 5


class Limits(LimitOffsetPagination):
    default_limit = 3
    max_limit = 5


class Cursors(CursorPagination):
    page_size = 3
    page_size_query_param = "size"
    ordering = "name"


class Unless(LimitOffsetPagination):
    """The whole list, unless a limit is asked for."""

    default_limit = None


class Links(Pages):
    """What others put into the body, in headers."""

    def get_paginated_response(self, data: Any) -> Response:
        links = {"next": self.get_next_link(), "prev": self.get_previous_link()}
        link = ", ".join(f'<{url}>; rel="{name}"' for name, url in links.items() if url)
        headers = {"Link": link, "X-Total-Count": str(self.page.paginator.count)}
        return Response(data, status=206 if self.page.has_next() else 200, headers=headers)


class GroupFilter(django_filters.FilterSet):
    named = django_filters.CharFilter(field_name="name", lookup_expr="iexact", label="Its name")
    after = django_filters.NumberFilter(field_name="pk", lookup_expr="gt", help_text="A number.")
    like = django_filters.ModelChoiceFilter(method="as_well", to_field_name="name", queryset=Group.objects.all())
    length = django_filters.ChoiceFilter(method="of_length", choices=[("s", "Small"), ("l", "Large")])

    class Meta:
        model = Group
        fields: tuple[str, ...] = ()

    def as_well(self, groups: Any, name: str, value: Group) -> Any:
        return groups.filter(pk=value.pk)

    def of_length(self, groups: Any, name: str, value: str) -> Any:
        return groups.filter(name__regex=r"^.{1,6}$" if value == "s" else r"^.{7,}$")


class GroupSerializer(ModelSerializer):
    class Meta:
        model = Group
        fields = ("id", "name")


PAGINATORS = {"pages": Pages, "limits": Limits, "cursors": Cursors, "unless": Unless, "links": Links, "default": None}

FILTERS: dict[str, dict[str, Any]] = {
    "search": {"filter_backends": [SearchFilter], "search_fields": ["name", "^permissions__codename"]},
    "ordering": {"filter_backends": [OrderingFilter], "ordering_fields": ["name"], "ordering": ["-name"]},
    "set": {"filter_backends": [django_filters.DjangoFilterBackend], "filterset_class": GroupFilter},
    "fields": {
        "filter_backends": [django_filters.DjangoFilterBackend],
        "filterset_fields": {"name": ["exact", "startswith"], "id": ["in"]},
    },
    "default": {"search_fields": ["name"], "ordering_fields": ["name", "id"], "filterset_fields": ["name"]},
}

# -- as DRF views --------------------------------------------------------------------------------


class Groups(ListAPIView):
    queryset = Group.objects.order_by("name")
    serializer_class = GroupSerializer
    permission_classes = [AllowAny]


def _view(**attributes: Any) -> Any:
    """With the project's defaults for what is None."""
    given = {name: value for name, value in attributes.items() if value is not None}
    return type("Groups", (Groups,), given).as_view()


urlpatterns = [
    *(
        path(f"l/pages/{name}/", _view(pagination_class=paginator, filter_backends=()))
        for name, paginator in PAGINATORS.items()
    ),
    *(path(f"l/filters/{name}/", _view(pagination_class=Pages, **filters)) for name, filters in FILTERS.items()),
    path("l/pages/sync/", _view(pagination_class=Pages, filter_backends=())),
    path("l/pages/pydantic/", _view(pagination_class=Pages, filter_backends=())),
]

# -- on FastAPI ----------------------------------------------------------------------------------

app = FastAPI()
open_to_all = [Depends(drf(permissions=[AllowAny]))]


class GroupOut(BaseModel):
    id: int
    name: str


def _in_pages(name: str, paginator: Any) -> None:
    async def groups(page: Any) -> Any:
        return await page(Group.objects.order_by("name"), GroupSerializer)

    groups.__annotations__["page"] = Annotated[Paginate, Depends(paginate(paginator))]
    app.get(f"/l/pages/{name}/", dependencies=open_to_all)(groups)


def _narrowed(name: str, filters: dict[str, Any]) -> None:
    options = {("backends" if key == "filter_backends" else key): value for key, value in filters.items()}

    async def groups(narrow: Any, page: Any) -> Any:
        return await page(await narrow(Group.objects.order_by("name")), GroupSerializer)

    groups.__annotations__["page"] = Annotated[Paginate, Depends(paginate(Pages))]
    groups.__annotations__["narrow"] = Annotated[Filtered, Depends(filtered(queryset=Group.objects.all(), **options))]
    app.get(f"/l/filters/{name}/", dependencies=open_to_all)(groups)


for _name, _paginator in PAGINATORS.items():
    _in_pages(_name, _paginator)
for _name, _filters in FILTERS.items():
    _narrowed(_name, _filters)


@app.get("/l/pages/sync/", dependencies=open_to_all)
def sync(page: Annotated[Paginate, Depends(paginate(Pages))]) -> Any:
    return page.now(Group.objects.order_by("name"), lambda group: {"id": group.pk, "name": group.name})


@app.get("/l/pages/pydantic/", dependencies=open_to_all)
async def pydantic(page: Annotated[Paginate, Depends(paginate(Pages))]) -> Any:
    return await page(Group.objects.order_by("name"), GroupOut)


# What has no view to compare with.


@app.get("/l/alone/")
async def alone(
    page: Annotated[Paginate, Depends(paginate(Pages))],
    narrow: Annotated[Filtered, Depends(filtered(backends=[SearchFilter], search_fields=["name"]))],
) -> Any:
    return await page(await narrow(Group.objects.order_by("name")), lambda group: group.name)


@app.get("/l/sync-filter/")
def sync_filter(narrow: Annotated[Filtered, Depends(filtered(backends=[SearchFilter], search_fields=["name"]))]) -> Any:
    return [group.name for group in narrow.now(Group.objects.order_by("name"))]


# The shop's own list, moved.


@app.get("/api/products/", dependencies=[Depends(drf(view=ProductViewSet, action="list"))])
async def products(
    narrow: Annotated[Filtered, Depends(filtered(view=ProductViewSet, action="list"))],
    page: Annotated[Paginate, Depends(paginate(view=ProductViewSet, action="list"))],
) -> Any:
    return await page(await narrow(page.view.get_queryset()), ProductSerializer)
