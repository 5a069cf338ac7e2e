"""Answers: names, null, types, and values as rows have them."""

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal, TypedDict

import pytest
from django.urls import path
from pydantic import BaseModel, Field, computed_field, create_model
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.pagination import LimitOffsetPagination, PageNumberPagination

from gateway.bridge.drf.fields import DRFDateTime, DRFDecimal
from legacy.shop.models import Order, Tenant
from newsvc.pages import PageOf
from tests.workbench.contract.conftest import left_out, messages, said, serializer_with

OTHERWISE: list[tuple[Any, Any, str]] = [
    (serializers.DecimalField(6, 2), float, "another JSON type"),
    (serializers.DecimalField(6, 2), Decimal, "written otherwise"),
    (serializers.IntegerField(), str, "refuses what rows have"),
    (serializers.CharField(), int, "refuses what rows have"),
    (serializers.BooleanField(), int, "another JSON type"),
    (serializers.DateTimeField(), Annotated[dt.datetime, DRFDateTime(format="%d")], "written otherwise"),
    (serializers.DateField(), dt.datetime, "written otherwise"),
    (serializers.ListField(child=serializers.IntegerField()), list[str], "refuses what rows have"),
    (serializers.CharField(), Annotated[str, Field(max_length=3)], "refuses what rows have"),
    (serializers.ChoiceField(["a", "b"]), Literal["a"], "refuses what rows have"),
]


@pytest.mark.parametrize(("field", "annotation", "words"), OTHERWISE)
def test_what_is_written_otherwise_is_named(written, field, annotation, words):
    endpoint = written(serializer_with(it=field), create_model("Thing", it=(annotation, ...)))
    assert said(endpoint) == {"it": "breaking"}
    assert words in messages(endpoint)
    assert endpoint.findings[0].examples


ALIKE: list[tuple[Any, Any]] = [
    (serializers.DecimalField(6, 2), Annotated[Decimal, DRFDecimal(6, 2)]),
    (serializers.DateTimeField(), dt.datetime),
    (serializers.DateField(), dt.date),
    (serializers.TimeField(), dt.time),
    (serializers.DurationField(), dt.timedelta),
    (serializers.UUIDField(), uuid.UUID),
    (serializers.FloatField(), float),
    (serializers.CharField(), str),
    (serializers.CharField(allow_null=True), str | None),
    (serializers.ChoiceField(["a", "b"]), str),
    (serializers.DictField(child=serializers.CharField()), dict[str, str]),
    (serializers.JSONField(), Any),
    (serializers.ImageField(), str | None),
    (serializers.HyperlinkedIdentityField(view_name="x"), str),
]


@pytest.mark.parametrize(("field", "annotation"), ALIKE)
def test_the_same_is_the_same(written, field, annotation):
    assert written(serializer_with(it=field), create_model("Thing", it=(annotation, ...))).findings == []


def test_null_is_a_500_where_the_model_has_none(written):
    endpoint = written(serializer_with(it=serializers.CharField(allow_null=True)), create_model("Thing", it=(str, ...)))
    assert "it: null in legacy, of which the service's model makes a 500" in messages(endpoint)


def test_null_comes_from_the_column_too(written):
    class Shop(serializers.ModelSerializer):
        category = serializers.CharField(source="only_category.name", read_only=True)

        class Meta:
            model = Tenant
            fields = ["slug", "category"]

    endpoint = written(Shop, create_model("Thing", slug=(str, ...), category=(str, ...)))
    assert said(endpoint) == {"category": "breaking"}


class Rating(TypedDict):
    average: float | None
    count: int


class Shown(serializers.Serializer):
    rating = serializers.SerializerMethodField()
    free = serializers.SerializerMethodField()

    def get_rating(self, thing: Any) -> Rating: ...

    def get_free(self, thing): ...


class RatingOut(BaseModel):
    average: float
    count: str


def test_a_methods_annotation_says_what_it_writes(written):
    endpoint = written(Shown, create_model("Thing", rating=(RatingOut, ...), free=(str, ...)))
    assert said(endpoint) == {"rating.average": "breaking", "rating.count": "breaking"}
    assert "free: get_free() has no return type" in left_out(endpoint)


@pytest.mark.parametrize(
    ("name", "severity"),
    [("api_key", "critical"), ("password", "critical"), ("email", "breaking"), ("colour", "warning")],
)
def test_a_field_that_only_the_service_has(written, name, severity):
    model = create_model("Thing", it=(str, ...), **{name: (str, ...)})
    assert said(written(serializer_with(it=serializers.CharField()), model)) == {name: severity}


def test_what_is_computed_or_has_an_alias_is_called_as_callers_see_it(written):
    class Thing(BaseModel):
        @computed_field(return_type=str)
        def token(self) -> str:
            return ""

    assert said(written(serializer_with(), Thing)) == {"token": "critical"}


def test_what_the_route_leaves_out_is_missing(written):
    serializer = serializer_with(it=serializers.CharField(), more=serializers.CharField(allow_null=True))
    model = create_model("Thing", it=(str, ...), more=(str | None, None))
    assert said(written(serializer, model, response_model_exclude={"it"})) == {"it": "breaking"}


def test_null_that_is_left_out_is_missing(written):
    serializer = serializer_with(more=serializers.CharField(allow_null=True))
    model = create_model("Thing", more=(str | None, None))
    assert "left out by response_model_exclude_none" in messages(
        written(serializer, model, response_model_exclude_none=True)
    )


def test_another_order_is_a_note(written):
    serializer = serializer_with(a=serializers.CharField(), b=serializers.CharField())
    endpoint = written(serializer, create_model("Thing", b=(str, ...), a=(str, ...)))
    assert [finding.severity.value for finding in endpoint.findings] == ["note"]


class Lines(serializers.ModelSerializer):
    class Meta:
        model = Order
        fields = ["id", "note"]


class LineOut(BaseModel):
    id: str
    note: str


def test_nested_objects_have_their_place_and_their_number(written):
    serializer = serializer_with(one=Lines(), many=Lines(many=True), other=Lines(many=True))
    endpoint = written(
        serializer, create_model("Thing", one=(LineOut, ...), many=(list[LineOut], ...), other=(LineOut, ...))
    )
    assert said(endpoint) == {"one.id": "breaking", "many.id": "breaking", "other": "breaking"}
    assert "other: a list in legacy, one object in the service" in messages(endpoint)


# -- lists ------------------------------------------------------------------------------------------


@pytest.fixture
def listed(compared, router) -> Callable[..., Any]:
    """The same for a list."""

    def endpoint(model: Any, **attributes: Any) -> Any:
        fields = {"serializer_class": Lines, "queryset": Order.objects.none(), "filter_backends": []}
        view = type("Things", (ListAPIView,), fields | attributes)
        router.add_api_route("/things/", lambda: None, response_model=model)
        (found,) = compared([path("things/", view.as_view())], router)
        return found

    return endpoint


class Line(BaseModel):
    id: int
    note: str


def test_a_list_for_a_page(listed):
    endpoint = listed(list[Line], pagination_class=PageNumberPagination)
    assert "legacy answers with a page, the service with a list" in messages(endpoint)


def test_a_page_is_compared_with_its_objects(listed):
    assert said(listed(PageOf[LineOut], pagination_class=PageNumberPagination), "response") == {"id": "breaking"}


def test_one_object_for_a_list(listed):
    assert "legacy answers with a list, the service with one object" in messages(listed(Line, pagination_class=None))


def test_a_page_has_its_keys(listed):
    class Page(BaseModel):
        count: int
        results: list[Line]

    endpoint = listed(Page, pagination_class=LimitOffsetPagination)
    assert {"next", "previous"} <= {finding.field for finding in endpoint.blocking()}


def test_a_key_that_only_the_services_pages_have_is_a_warning(listed):
    class Page(BaseModel):
        count: int
        next: str | None
        previous: str | None
        results: list[Line]
        total: int

    assert said(listed(Page, pagination_class=LimitOffsetPagination), "pagination")["total"] == "warning"
