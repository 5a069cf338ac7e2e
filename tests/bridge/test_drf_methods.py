"""What a serializer has beside plain fields is said by its model."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, cast

import pytest
from django.utils import translation
from fastapi import APIRouter
from pydantic import BaseModel
from rest_framework import serializers
from rest_framework.validators import UniqueTogetherValidator

from gateway.bridge.drf import DRFChar, DRFInteger
from gateway.bridge.drf.methods import DRFMethod, DRFTodo, drf_nested, serializer_method, unique_message
from gateway.bridge.drf.route import DRFRoute
from gateway.bridge.drf.serializers import serializer_for
from gateway.bridge.drf.validated import by_name, validated_data
from legacy.shop.models import Category, Review


class Line(BaseModel):
    count: Annotated[int, DRFInteger(source="number")]


class Order(BaseModel):
    note: Annotated[str, DRFChar(source="meta.note", default="none")] = "none"
    title: Annotated[str | None, DRFChar(max_length=5, allow_null=False)] = None
    lines: Annotated[list[Line], drf_nested(source="items", allow_empty=False)]
    total: Annotated[int, DRFMethod()] = 0
    seen: Annotated[int, DRFInteger(read_only=True)] = 0

    @serializer_method
    def validate_title(self: Any, title: str) -> str:
        if title in self.context["taken"]:
            raise serializers.ValidationError("taken")
        return title.upper()

    @serializer_method
    def get_total(self: Any, row: dict[str, Any]) -> int:
        return sum(item["number"] for item in row["items"])


class ByHand(serializers.Serializer[Any]):
    """As DRF has it, whose releases differ in how they tell a list's errors."""

    class Row(serializers.Serializer[Any]):
        count = serializers.IntegerField()

    lines = Row(many=True)


def lines_without_count() -> Any:
    by_hand = ByHand(data={"lines": [{}]})
    by_hand.is_valid()
    return by_hand.errors["lines"]


def read(data: dict[str, Any]) -> Any:
    return serializer_for(Order)(data=data, context={"taken": ["old"]})


def test_values_come_by_name_and_go_by_source() -> None:
    serializer = read({"title": "abc", "lines": [{"count": 2}], "seen": 9, "total": 9})
    assert serializer.is_valid()
    named = by_name(serializer, serializer.validated_data)

    assert named == {"note": "none", "title": "ABC", "lines": [{"count": 2}]}
    assert validated_data(Order.model_validate(named)) == serializer.validated_data
    assert serializer.validated_data == {"meta": {"note": "none"}, "title": "ABC", "items": [{"number": 2}]}


def test_what_was_not_sent_is_not_there() -> None:
    assert validated_data(Order(lines=[Line(count=1)])) == {"items": [{"number": 1}]}


@pytest.mark.parametrize(
    ("data", "errors"),
    [
        ({"title": "old", "lines": [{}]}, {"title": ["taken"], "lines": lines_without_count()}),
        ({"lines": []}, {"lines": {"non_field_errors": ["This list may not be empty."]}}),
        (
            {"title": "too long", "lines": [{"count": 1}]},
            {"title": ["Ensure this field has no more than 5 characters."]},
        ),
    ],
)
def test_methods_and_options_are_asked_where_a_serializer_asks_them(data: Any, errors: Any) -> None:
    serializer = read(data)

    assert not serializer.is_valid()
    assert serializer.errors == errors


def test_a_method_writes_a_field_and_is_described_by_its_type() -> None:
    row = {"meta": {"note": "n"}, "title": "a", "items": [{"number": 2}, {"number": 3}], "seen": 1}

    assert serializer_for(Order)(row).data["total"] == 5
    assert Order.model_json_schema()["properties"]["total"] == {
        "default": 0, "readOnly": True, "title": "Total", "type": "integer"
    }  # fmt: skip


class Reviewed(BaseModel):
    product: Annotated[int, DRFInteger()]
    drf_validators: ClassVar[list[Any]] = [UniqueTogetherValidator(Review.objects.all(), fields=["product"])]


def test_validators_of_the_whole_are_the_serializers() -> None:
    assert [type(one) for one in serializer_for(Reviewed)().validators] == [UniqueTogetherValidator]


def test_the_message_of_a_unique_field_is_in_the_callers_language() -> None:
    message = unique_message(Category, "name")
    with translation.override("el"):
        greek = str(message)

    assert greek != str(message) == "category with this name already exists."


class Unwritten(BaseModel):
    colour: Annotated[Any, DRFTodo("CarSerializer.colour: choices that are made when they are asked for")]


def test_what_nobody_has_written_raises() -> None:
    serializer = serializer_for(Unwritten)
    with pytest.raises(NotImplementedError, match=r"TODO: CarSerializer\.colour: choices"):
        serializer(data={"colour": 1}).is_valid()
    with pytest.raises(NotImplementedError, match=r"TODO: CarSerializer\.colour: choices"):
        serializer({"colour": 1}).data  # noqa: B018 - asking for it is the test


class Noted(BaseModel):
    note: Annotated[str, DRFChar()]


def test_a_body_that_is_null_is_refused_as_a_serializer_refuses_it() -> None:
    router = APIRouter(route_class=DRFRoute)

    @router.post("/notes/")
    def add(noted: Noted) -> None:
        """Take it."""

    route = cast("DRFRoute", router.routes[0])
    serializer = cast("Any", route.serializer(data=None))

    assert not serializer.is_valid()
    assert serializer.errors == {"non_field_errors": ["No data provided"]}
