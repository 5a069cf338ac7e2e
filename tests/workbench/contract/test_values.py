"""Which values of an answer are known, from relations, columns, properties and methods; and which are not, and why."""

import datetime as dt
import uuid
from copy import deepcopy
from typing import Annotated, Any

import pytest
from django.db import models
from django.test.utils import isolate_apps
from django.urls import path
from django.utils.functional import cached_property
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, create_model, field_serializer
from rest_framework import serializers
from rest_framework.generics import RetrieveAPIView
from typing_extensions import TypedDict

from gateway.bridge.drf.fields import DRFDateTime
from legacy.shop.models import Product
from tests.workbench.contract.conftest import left_out, said, serializer_with, thing

with isolate_apps("legacy.shop"):

    class Ticket(models.Model):
        """A row with what the demo's models have not: a key that is a UUID, bytes, a relation to itself, properties."""

        id = models.UUIDField(primary_key=True)
        title = models.CharField(max_length=9)
        photo = models.BinaryField()
        parent = models.ForeignKey("self", models.PROTECT, related_name="children")

        class Meta:
            app_label = "shop"

        @property
        def shout(self) -> str:
            return self.title.upper()

        @cached_property
        def length(self) -> int:
            return len(self.title)

        @property
        def untold(self):
            return self.title


def ticket_with(field: Any) -> Any:
    meta = type("Meta", (), {"model": Ticket, "fields": ["it"]})
    return type("TicketSerializer", (serializers.ModelSerializer,), {"Meta": meta, "it": field})


KeyField = serializers.PrimaryKeyRelatedField
KNOWN: list[tuple[Any, Any, Any]] = [  # the field, a type that writes the same, and one that doesn't
    (KeyField(queryset=Ticket.objects.none()), uuid.UUID, int),
    (KeyField(read_only=True, source="parent"), uuid.UUID, int),
    (KeyField(read_only=True, source="parent.parent"), uuid.UUID, int),
    (KeyField(many=True, read_only=True, source="children"), list[uuid.UUID], list[int]),
    (KeyField(many=True, queryset=Product.objects.none(), source="children"), list[int], list[uuid.UUID]),
    (serializers.SlugRelatedField("title", read_only=True, source="parent"), str, int),
    (serializers.ReadOnlyField(source="title"), str, int),
    (serializers.ReadOnlyField(source="parent.title"), str, int),
    (serializers.ReadOnlyField(source="shout"), str, int),
    (serializers.ReadOnlyField(source="length"), int, str),
]


@pytest.mark.parametrize(("field", "same", "other"), KNOWN)
def test_what_a_relation_a_column_or_a_property_writes_is_compared(written, field, same, other):
    alike = written(ticket_with(deepcopy(field)), thing(same))
    assert (alike.findings, "it" in left_out(alike)) == ([], False)
    assert said(written(ticket_with(field), thing(other))) == {"it": "breaking"}


class Counts(TypedDict):
    sold: int


def method_returning(annotation: Any) -> Any:
    """A serializer whose field `it` is written by a method with this return type."""

    def get_it(self, row): ...

    get_it.__annotations__["return"] = annotation
    return type("Thing", (serializers.Serializer,), {"it": serializers.SerializerMethodField(), "get_it": get_it})


@pytest.mark.parametrize(
    ("returned", "same", "other"),
    [(int, int, str), (int | str, int | str, int), (Counts, dict[str, int], dict[str, str]), (dt.date, dt.date, int)],
)
def test_what_a_method_is_annotated_with_is_compared(written, returned, same, other):
    assert written(method_returning(returned), thing(same)).findings == []
    assert said(written(method_returning(returned), thing(other))) == {"it": "breaking"}


def test_a_key_that_only_the_method_has_is_missing(written):
    class CountsOut(BaseModel):
        bought: int

    assert said(written(method_returning(Counts), thing(CountsOut))) == {"it.sold": "breaking", "it.bought": "warning"}


def test_moments_of_a_project_without_time_zones_have_none(written, settings):
    settings.USE_TZ = False
    assert written(serializer_with(it=serializers.DateTimeField()), thing(dt.datetime)).findings == []
    otherwise = written(
        serializer_with(it=serializers.DateTimeField()), thing(Annotated[dt.datetime, DRFDateTime("%d")])
    )
    assert otherwise.findings[0].examples[0].legacy == '"2000-01-01T00:00:00"'


# -- what isn't known -------------------------------------------------------------------------------


class Upper(serializers.Field):
    def to_representation(self, value: Any) -> str:
        return str(value).upper()


class Asking(serializers.CharField):
    def to_representation(self, value: Any) -> str:
        return str(Product.objects.get(name=value))


class Failing(serializers.CharField):
    def to_representation(self, value: Any) -> str:
        raise KeyError("request")


UNKNOWN: list[tuple[Any, str]] = [
    (Upper(), "it: what Upper writes can't be told"),
    (Asking(), "it: it asks the database"),
    (Failing(), "it: KeyError: 'request'"),
]


@pytest.mark.parametrize(("field", "why"), UNKNOWN)
def test_code_of_the_projects_own_is_named(written, field, why):
    endpoint = written(
        serializer_with(it=field, name=serializers.CharField()), create_model("T", it=(str, ...), name=(int, ...))
    )
    assert f"response: {why}" in left_out(endpoint)
    assert said(endpoint) == {"name": "breaking"}  # the rest is compared


@pytest.mark.parametrize("source", ["photo", "parent", "untold", "nothing"])
def test_what_is_only_read_and_not_said_is_not_known(written, source):
    field = serializers.ReadOnlyField(source=source)
    endpoint = written(ticket_with(field), thing(str))
    assert "response: it: what ReadOnlyField writes can't be told" in left_out(endpoint)
    assert endpoint.findings == []


def test_an_annotation_that_names_nothing_says_nothing(written):
    endpoint = written(method_returning("Missing"), thing(str))
    assert "response: it: get_it() has no return type" in left_out(endpoint)


def test_a_serializer_that_changes_what_its_fields_write_is_not_known(written):
    class Wrapped(serializers.Serializer):
        it = serializers.CharField()

        def to_representation(self, row: Any) -> Any:
            return {"wrapped": super().to_representation(row)}

    assert "what Wrapped.to_representation() makes of it" in left_out(written(Wrapped, thing(str)))


class Inner(serializers.Serializer):
    name = serializers.CharField()


class OtherType:
    """One that Pydantic knows nothing of."""


class Own(BaseModel):
    it: str

    @field_serializer("it")
    def shout(self, value: str) -> str:
        return value.upper()


class Loose(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    it: OtherType


@pytest.mark.parametrize(
    ("field", "model", "why"),
    [
        (Inner(), thing(dict), "it: the service says dict, and nothing of its fields"),
        (
            Inner(),
            thing(dict[str, Any] | None),
            "it: the service says dict[str, typing.Any] | None, and nothing of its",
        ),
        (serializers.CharField(), Own, "it: code of the service's model writes it"),
        (serializers.CharField(), Loose, "it: PydanticSchemaGenerationError"),
    ],
)
def test_what_the_services_model_does_not_say_is_named(written, field, model, why):
    assert f"response: {why}" in left_out(written(serializer_with(it=field), model))


# -- types in other words ---------------------------------------------------------------------------


class ItOut(TypedDict):
    it: int


class NullableOut(TypedDict):
    it: Annotated[str | None, "a note"]


@pytest.mark.parametrize("model", [thing(int), Annotated[thing(int), "a note"], ItOut, thing(int) | None])
def test_a_model_is_found_in_what_the_endpoint_declares(written, model):
    assert said(written(serializer_with(it=serializers.CharField()), model)) == {"it": "breaking"}


def test_null_is_found_in_an_annotated_type(written):
    serializer = serializer_with(it=serializers.CharField(allow_null=True))
    assert said(written(serializer, thing(list[Annotated[str | None, "a note"]]))) == {"it": "breaking"}
    assert written(serializer, NullableOut).findings == []


def test_fastapis_own_route_writes_by_pydantic_alone(compared):
    app = FastAPI()
    app.add_api_route("/thing/", lambda: None, response_model=thing(dt.datetime))
    view = type(
        "Thing", (RetrieveAPIView,), {"serializer_class": serializer_with(it=serializers.DateTimeField(format="%Y"))}
    )
    (endpoint,) = compared([path("thing/", view.as_view())], app, answers="plain")
    assert said(endpoint, "response") == {"it": "breaking"}
