"""The serializer that a model has under `answers = "drf"`: its fields, in the form and with the class of DRF's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Literal, NewType

import pytest
from pydantic import AnyUrl, BaseModel, ConfigDict, EmailStr, Field, HttpUrl
from rest_framework import serializers
from typing_extensions import TypeAliasType

from gateway.bridge.drf.bodies import body_of
from gateway.bridge.drf.fields import DRFChar, DRFDate, DRFInteger, drf_field
from gateway.bridge.drf.serializers import field_for, serializer_for
from gateway.bridge.drf.shapes import has_field
from gateway.bridge.drf.validated import validated_data

Code = NewType("Code", str)


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


KINDS = {
    "a literal": (Literal["a", "b"], serializers.ChoiceField),
    "an enum": (Size, serializers.ChoiceField),
    "a URL": (AnyUrl, serializers.URLField),
    "a URL of the web": (HttpUrl, serializers.URLField),
    "an address": (EmailStr, serializers.EmailField),
    "text": (str, serializers.CharField),
    "a list": (list[int], serializers.ListField),
    "a mapping": (dict[str, int], serializers.DictField),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_type_has_the_field_that_drf_has_for_it(kind):
    annotation, field = KINDS[kind]
    assert type(field_for(annotation)) is field


@pytest.mark.parametrize("annotation", [Code, Callable[[int], int], complex, int | str, tuple[int, str]], ids=str)
def test_what_drf_has_no_field_for_is_passed_on_as_it_is(annotation):
    field = field_for(annotation, allow_null=True)
    value = object()
    assert field.run_validation(value) is value
    assert field.to_representation(value) is value


class Book(BaseModel):
    """A book."""

    title: Annotated[str, Field(title="Its title", description="As on the cover")]
    pages: int = 0
    code: Code = Code("")


def test_a_field_says_what_the_model_says_of_it():
    title, pages, _ = serializer_for(Book)().fields.values()
    assert (title.label, title.help_text, title.required) == ("Its title", "As on the cover", True)
    assert (pages.label, pages.help_text, pages.required) == ("Pages", None, False)


def test_a_model_s_values_are_represented():
    book = Book(title="Emma", pages=474, code=Code("e"))
    assert serializer_for(Book)(book).data == {"title": "Emma", "pages": 474, "code": "e"}


class Extended(BaseModel):
    model_config = ConfigDict(extra="allow")
    title: str


def test_what_a_model_allows_beside_its_fields_is_kept():
    serializer = serializer_for(Extended)(data={"title": "Emma", "shelf": 3})
    assert serializer.is_valid()
    assert serializer.validated_data == {"title": "Emma", "shelf": 3}


# -- fields as annotations ------------------------------------------------------------------------


class Loan(BaseModel):
    number: Annotated[int, DRFInteger(read_only=True)] = 0
    day: Annotated[dt.date, DRFDate()]
    name: Annotated[str, DRFChar(max_length=3)] = ""


def test_code_may_make_a_model_with_what_callers_may_not_send():
    loan = Loan(number=7, day=dt.date(2026, 12, 1))
    assert (loan.number, loan.day) == (7, dt.date(2026, 12, 1))


def test_a_time_is_no_day_as_in_drf():
    with pytest.raises(Exception, match="Expected a date but got a datetime"):
        Loan(day=dt.datetime(2026, 12, 1, tzinfo=dt.UTC))


def test_a_day_may_be_text():
    assert Loan(day="2026-12-01").day == dt.date(2026, 12, 1)


class Place(BaseModel):
    name: str
    point: Annotated[dict[str, int], drf_field(serializers.DictField, native=dict, source="*")]
    city: Annotated[str, DRFChar(source="address.city")]


def test_values_are_where_their_source_says():
    place = Place(name="Home", point={"x": 1, "y": 2}, city="Rome")
    assert validated_data(place) == {"name": "Home", "x": 1, "y": 2, "address": {"city": "Rome"}}


# -- bodies ---------------------------------------------------------------------------------------


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


BODIES = {
    "a model": (Cat, {Cat}),
    "a list": (list[Cat], {Cat}),
    "either, by a discriminator": (Annotated[Cat | Dog, Field(discriminator="kind")], {Cat, Dog}),
    "either": (Cat | Dog, None),
    "a model or text": (Cat | str, None),
    "text": (str, None),
}


@pytest.mark.parametrize("body", BODIES)
def test_a_body_has_a_serializer_where_it_is_clear_which(body):
    annotation, models = BODIES[body]
    found = body_of(annotation)
    assert (found and {*found.models.values()}) == models


# -- which types have fields of DRF's -------------------------------------------------------------

Name = TypeAliasType("Name", Annotated[str, DRFChar()])
Plain = TypeAliasType("Plain", str)


class Tree(BaseModel):
    name: str
    children: list[Tree] = []


@pytest.mark.parametrize(
    ("annotation", "has"),
    [(Name, True), (dict[str, list[Name]], True), (Plain, False), (Tree, False), (Place, True), (int | Name, True)],
    ids=str,
)
def test_a_field_of_drf_is_found_however_deep_it_is(annotation, has):
    assert has_field(annotation) is has
