"""Bodies: which fields are read otherwise, by what they were declared with, and by the smallest value that shows it."""

from decimal import Decimal
from typing import Annotated, Any

import pytest
from django.core.validators import RegexValidator
from django.urls import path
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator
from rest_framework import serializers
from rest_framework.generics import CreateAPIView
from rest_framework.response import Response
from rest_framework.validators import UniqueValidator
from rest_framework.views import APIView

from gateway.bridge.drf.fields import (
    DRFBoolean,
    DRFChar,
    DRFChoice,
    DRFDateTime,
    DRFDecimal,
    DRFInteger,
    DRFList,
    DRFRegex,
    drf_field,
)
from gateway.bridge.drf.route import DRFRoute
from legacy.shop.models import Product, Review
from tests.workbench.contract.conftest import creating, left_out, messages, said, thing

pytestmark = pytest.mark.long


# The view's field, the model's type, what differs by the finding's words, and the smallest example's value.
CHANGED: list[tuple[Any, Any, str, str]] = [
    (
        serializers.CharField(max_length=5),
        Annotated[str, DRFChar(max_length=6)],
        "max_length is 5 in legacy and 6",
        '"aaaaaa"',
    ),
    (
        serializers.CharField(max_length=6),
        Annotated[str, DRFChar(max_length=5)],
        "max_length is 6 in legacy and 5",
        '"aaaaaa"',
    ),
    (serializers.CharField(), Annotated[str, DRFChar(trim_whitespace=False)], "trim_whitespace", '"  hi "'),
    (
        serializers.CharField(),
        Annotated[str, DRFChar(allow_blank=True)],
        "allow_blank is False in legacy and True",
        '""',
    ),
    (serializers.CharField(), Annotated[str, DRFChar()] | None, "allow_null is False in legacy and True", "null"),
    (
        serializers.CharField(allow_null=True),
        Annotated[str, DRFChar()],
        "allow_null is True in legacy and False",
        "null",
    ),
    (serializers.IntegerField(min_value=1), Annotated[int, DRFInteger()], "min_value is 1 in legacy and None", "0"),
    (serializers.IntegerField(max_value=9), Annotated[int, DRFInteger(max_value=10)], "max_value is 9", "10"),
    (serializers.IntegerField(), Annotated[str, DRFChar()], "class is IntegerField in legacy and CharField", '"a"'),
    (serializers.CharField(), Annotated[int, DRFInteger()], "class is CharField in legacy and IntegerField", '"a"'),
    (
        serializers.DecimalField(max_digits=5, decimal_places=2),
        Annotated[Decimal, DRFDecimal(5, 3)],
        "decimal_places is 2 in legacy and 3",
        '"1.111"',
    ),
    (serializers.ChoiceField(["a", "b"]), Annotated[str, DRFChoice(choices=["a"])], "choices is 'b' in legacy", '"b"'),
    (serializers.BooleanField(), Annotated[int, DRFInteger()], "class is BooleanField", "true"),
    (serializers.RegexField("^a"), Annotated[str, DRFRegex("^b")], "RegexValidator ^a in legacy", '"a"'),
    (
        serializers.ListField(max_length=2),
        Annotated[list, DRFList()],
        "max_length is 2 in legacy and None",
        '["a", "a", "a"]',
    ),
    (serializers.CharField(validators=[RegexValidator("^a*$")]), Annotated[str, DRFChar()], "validators", '"abc"'),
    (serializers.DateTimeField(), Annotated[str, DRFChar()], "class is DateTimeField", '"a"'),
]


@pytest.mark.parametrize(("field", "annotation", "words", "value"), CHANGED)
def test_what_was_declared_otherwise_is_named_and_shown(read, field, annotation, words, value):
    endpoint = read(creating(it=field), thing(annotation))
    assert said(endpoint)["it"] == "breaking"
    assert words in messages(endpoint)
    assert value in {example.value for finding in endpoint.findings for example in finding.examples}


SAME: list[tuple[Any, Any]] = [
    (serializers.CharField(max_length=5), Annotated[str, DRFChar(max_length=5)]),
    (serializers.CharField(max_length=5), Annotated[str, Field(max_length=5)]),
    (serializers.IntegerField(min_value=1), Annotated[int, Field(ge=1)]),
    (serializers.BooleanField(), Annotated[bool, DRFBoolean()]),
    (serializers.DateTimeField(), Annotated[Any, DRFDateTime()]),
    (serializers.DecimalField(5, 2), Annotated[Decimal, Field(max_digits=5, decimal_places=2)]),
    (serializers.ListField(child=serializers.IntegerField()), list[int]),
    (serializers.DictField(child=serializers.CharField()), dict[str, str]),
    (serializers.JSONField(), Annotated[Any, drf_field(serializers.JSONField, native=object)]),
    (serializers.EmailField(), Annotated[str, drf_field(serializers.EmailField, native=str)]),
]


@pytest.mark.parametrize(("field", "annotation"), SAME)
def test_the_same_in_other_words_is_the_same(read, field, annotation):
    endpoint = read(creating(it=field), thing(annotation))
    assert endpoint.findings == []
    assert any(done.area == "request" and done.detail.startswith("1 field (it)") for done in endpoint.compared)


def test_a_field_that_only_the_view_reads(read):
    endpoint = read(creating(it=serializers.CharField(), more=serializers.CharField(required=False)), thing(str))
    assert said(endpoint) == {"more": "breaking"}
    assert "more: legacy reads it (optional, CharField), and the service ignores it" in messages(endpoint)


def test_a_field_that_only_the_service_requires(read):
    endpoint = read(creating(it=serializers.CharField()), create_model("Thing", it=(str, ...), more=(str, ...)))
    assert said(endpoint) == {"more": "breaking"}


def test_a_field_that_only_the_service_takes_is_a_warning(read):
    endpoint = read(creating(it=serializers.CharField()), create_model("Thing", it=(str, ...), more=(str, "")))
    assert said(endpoint) == {"more": "warning"}


def test_a_field_that_is_read_only_in_the_view_may_not_be_taken(read):
    fields = {"it": serializers.CharField(), "owner": serializers.CharField(read_only=True)}
    endpoint = read(creating(**fields), create_model("Thing", it=(str, ...), owner=(str, "")))
    assert "owner: read-only in legacy, and the service takes it from callers" in messages(endpoint)


def test_another_default_is_seen_where_nothing_is_sent(read):
    endpoint = read(creating(it=serializers.IntegerField(default=1)), thing(Annotated[int, DRFInteger()], 2))
    [finding] = endpoint.blocking()
    assert finding.examples[0].value == "nothing"
    assert (finding.examples[0].legacy, finding.examples[0].service) == ('reads "1"', 'reads "2"')


class Inner(serializers.Serializer):
    name = serializers.CharField(max_length=5)


class InnerIn(BaseModel):
    name: Annotated[str, DRFChar(max_length=9)]


def test_fields_of_nested_objects_have_their_place(read):
    view = creating(inner=Inner(), many=Inner(many=True))
    model = create_model("Thing", inner=(InnerIn, ...), many=(list[InnerIn], ...))
    assert said(read(view, model)) == {"inner.name": "breaking", "many[].name": "breaking"}


def test_what_pydantic_refuses_after_drf_counts(read):
    class Thing(BaseModel):
        it: Annotated[str, DRFChar()]

        @field_validator("it")
        @classmethod
        def no_a(cls, value: str) -> str:
            if "a" in value:
                raise ValueError("not with an a")
            return value

    endpoint = read(creating(it=serializers.CharField()), Thing)
    [finding] = endpoint.blocking()
    assert finding.message.startswith("it: the service refuses what legacy takes")
    assert finding.examples[0].value == '"a"'


def test_a_model_that_forbids_the_rest_is_no_difference_for_what_it_knows(read):
    class Thing(BaseModel):
        model_config = ConfigDict(extra="forbid")
        it: Annotated[str, DRFChar()]

    assert read(creating(it=serializers.CharField()), Thing).findings == []


def test_patch_is_read_as_patch(compared, router):
    class View(APIView):
        def get_serializer(self, **options: Any) -> Any:
            return Inner(**options)

        def patch(self, request: Any) -> Any:
            return Response({})

    @router.patch("/things/")
    def things(body: InnerIn) -> Any: ...

    (endpoint,) = compared([path("things/", View.as_view())], router)
    codes = {finding.message.partition("(")[2].partition(":")[0]: finding for finding in endpoint.blocking()}
    assert codes["required"].examples[0].value == "nothing"  # the model requires it, though nothing has to be sent


# -- what the project's own code refuses ------------------------------------------------------------


class Picky(serializers.Serializer):
    it = serializers.CharField()

    def validate_it(self, value: str) -> str:
        if "a" in value:
            raise serializers.ValidationError("Not with an a.")
        return value


class PickyView(CreateAPIView):
    serializer_class = Picky


def test_what_a_hook_refuses_is_for_the_endpoints_code_and_said(read):
    endpoint = read(PickyView, thing(Annotated[str, DRFChar()]))
    assert endpoint.findings == []
    assert 'the view\'s own code refuses "a": 400 ["Not with an a."]' in left_out(endpoint)
    assert "Picky.validate_it()" in left_out(endpoint)


def test_a_model_that_refuses_the_same_is_equal(read):
    class Thing(BaseModel):
        it: Annotated[str, DRFChar()]

        @field_validator("it")
        @classmethod
        def no_a(cls, value: str) -> str:
            if "a" in value:
                raise ValueError("Not with an a.")
            return value

    endpoint = read(PickyView, Thing)
    assert endpoint.findings == []
    assert 'refuses "a"' not in left_out(endpoint)


# -- rows -------------------------------------------------------------------------------------------


class ProductIn(serializers.ModelSerializer):
    class Meta:
        model = Product
        fields = ["sku", "name", "slug", "category"]


class ReviewIn(serializers.ModelSerializer):
    class Meta:
        model = Review
        fields = ["product", "rating"]


def test_no_database_is_asked_for_rows_nor_for_what_is_unique(read, django_assert_num_queries, db):
    view = type("View", (CreateAPIView,), {"serializer_class": ProductIn})
    model = create_model("Thing", sku=(str, ...), name=(str, ...), slug=(str, ...), category=(int, ...))
    with django_assert_num_queries(0):
        endpoint = read(view, model)
    assert "whether sku is unique" in left_out(endpoint)
    assert "whether category is there" in left_out(endpoint)
    assert said(endpoint)["category"] == "breaking"  # true, 1.5 and "1" are read otherwise by an integer


def test_without_pytests_database_it_works_as_well(read):
    view = type("View", (CreateAPIView,), {"serializer_class": ProductIn})
    assert read(view, create_model("Thing", sku=(str, ...))).compared


def test_code_that_asks_a_database_is_told_and_goes_on_without(read):
    class Asking(serializers.Serializer):
        it = serializers.CharField(validators=[lambda value: Product.objects.filter(name=value).exists()])

    view = type("View", (CreateAPIView,), {"serializer_class": Asking})
    assert "some values of it: it asks the database" in left_out(read(view, thing(str)))


def test_a_unique_field_of_a_plain_serializer_is_left_out_too(read):
    unique = UniqueValidator(queryset=Product.objects.all())
    endpoint = read(creating(it=serializers.CharField(validators=[unique])), thing(str))
    assert (endpoint.findings, "whether it is unique" in left_out(endpoint)) == ([], True)


# -- FastAPI's own ----------------------------------------------------------------------------------


def test_fastapis_own_reading_differs_as_it_is_known_to(compared):
    app = FastAPI()

    class Thing(BaseModel):
        text: str
        number: int
        flag: bool

    @app.post("/things/", status_code=201)
    def things(body: Thing) -> Any: ...

    fields = {"text": serializers.CharField(), "number": serializers.IntegerField(), "flag": serializers.BooleanField()}
    (endpoint,) = compared([path("things/", creating(**fields).as_view())], app, answers="plain")
    shown = {(finding.field, example.value) for finding in endpoint.findings for example in finding.examples}
    known = {("text", '""'), ("text", '"  hi "'), ("text", '"a\\u0000b"'), ("text", "0"), ("number", "true")}
    assert known <= shown
    assert endpoint.kind == "plain"
    assert "422" in messages(endpoint)


def test_the_same_seed_makes_the_same_values(compared):
    def found() -> list[Any]:
        router = APIRouter(route_class=DRFRoute)

        @router.post("/things/", status_code=201)
        def things(body: thing(Annotated[str, DRFRegex(r"^[a-f]*$")])) -> Any: ...  # type: ignore[valid-type]

        view = creating(it=serializers.RegexField(r"^[a-e]*$"))
        (endpoint,) = compared([path("things/", view.as_view())], router)
        return endpoint.findings

    first, second = found(), found()
    assert first == second
    assert first


def test_a_body_that_is_not_read_at_all(compared, router):
    @router.post("/things/", status_code=201)
    def things() -> Any: ...

    (endpoint,) = compared([path("things/", creating(it=serializers.CharField()).as_view())], router)
    assert messages(endpoint) == "the service reads no body; legacy reads it"
