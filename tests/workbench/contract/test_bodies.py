"""Bodies: values that are the same, searched differences, errors, hooks and rows, and how a view says what it reads."""

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Annotated, Any

import pytest
from django.urls import path
from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, create_model, field_validator
from pydantic_core import PydanticCustomError
from rest_framework import serializers
from rest_framework.generics import CreateAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway.bridge.drf.fields import DRFChar, DRFDateTime, DRFDecimal, DRFFile, DRFImage, DRFInteger, DRFMultipleChoice
from gateway.bridge.drf.route import DRFRoute
from legacy.shop.models import Product
from tests.workbench.contract.conftest import creating, left_out, messages, said, thing


class Size(enum.Enum):
    SMALL = "S"
    LARGE = "L"


ALIKE: list[tuple[Any, Any]] = [
    (serializers.DateField(), dt.date),
    (serializers.TimeField(), dt.time),
    (serializers.DurationField(), dt.timedelta),
    (serializers.UUIDField(), uuid.UUID),
    (serializers.ChoiceField(["S", "L"]), Size),
    (serializers.MultipleChoiceField(choices=["S", "L"]), Annotated[set[str], DRFMultipleChoice(choices=["S", "L"])]),
    (serializers.DecimalField(None, 2), Annotated[Decimal, DRFDecimal(None, 2)]),
]


@pytest.mark.parametrize(("field", "annotation"), ALIKE)
def test_values_are_the_same_whatever_python_makes_of_them(read, field, annotation):
    endpoint = read(creating(it=field), thing(annotation), examples=1)
    assert endpoint.findings == []
    assert any(done.area == "request" and done.detail.startswith("1 field (it)") for done in endpoint.compared)


def test_where_files_and_long_texts_are_required_the_rest_is_still_compared(read):
    files = {"photo": serializers.ImageField(), "paper": serializers.FileField()}
    view = creating(it=serializers.CharField(), code=serializers.CharField(min_length=4), **files)
    model = create_model(
        "Thing",
        photo=(Annotated[Any, DRFImage()], ...),
        paper=(Annotated[Any, DRFFile()], ...),
        code=(Annotated[str, DRFChar(min_length=4)], ...),
        it=(Annotated[str, DRFChar(trim_whitespace=False)], ...),
    )
    endpoint = read(view, model, examples=1)
    assert said(endpoint) == {"it": "breaking"}
    examples = [example for finding in endpoint.findings for example in finding.examples]
    assert ('reads "hi"', 'reads "  hi "') in {(example.legacy, example.service) for example in examples}


# -- declarations -----------------------------------------------------------------------------------


DECLARED: list[tuple[Any, Any, str]] = [
    (
        serializers.CharField(allow_blank=True),
        Annotated[str, DRFDateTime()],
        "allow_blank is True in legacy and it has none",
    ),
    (serializers.IntegerField(default=1), Annotated[int, DRFInteger(default=2)], "default is 1 in legacy and 2"),
    (serializers.CharField(), int | str, "class is CharField in legacy and Unchecked in the service"),
]


@pytest.mark.parametrize(("field", "annotation", "words"), DECLARED)
def test_a_declaration_that_is_otherwise_is_named(read, field, annotation, words):
    assert words in messages(read(creating(it=field), thing(annotation), examples=1))


def test_a_set_is_not_a_list(read):
    endpoint = read(creating(it=serializers.ListField(child=serializers.CharField())), thing(set[str]), examples=1)
    (finding,) = endpoint.findings
    assert "it: the service reads something else" in finding.message
    assert [example.value for example in finding.examples] == ['["a", "a"]']


def test_what_both_only_write_is_no_input(read):
    fields = {"it": serializers.CharField(), "owner": serializers.CharField(read_only=True)}
    model = create_model("Thing", it=(str, ...), owner=(Annotated[str, DRFChar(read_only=True)], ""))
    endpoint = read(creating(**fields), model, examples=1)
    assert endpoint.findings == []
    assert any(done.area == "request" and done.detail.startswith("1 field (it)") for done in endpoint.compared)


def test_a_field_without_a_form_of_its_own_is_compared_by_its_values(read):
    class Coordinates(serializers.BaseSerializer):
        def to_internal_value(self, data: Any) -> Any:
            if data != "a":
                raise serializers.ValidationError("Not a place.")
            return data

    endpoint = read(
        creating(it=serializers.CharField(), where=Coordinates()),
        create_model("Thing", it=(str, ...), where=(str, ...)),
        examples=1,
    )
    assert "where: the service takes what legacy refuses" in messages(endpoint)
    assert "it" not in said(endpoint)


# -- what only generated values show ----------------------------------------------------------------


def refusing(*bands: int) -> Any:
    """An integer that Pydantic refuses between 100 and 999, with a code of its own for each band."""

    def check(value: int) -> int:
        if 100 <= value <= 999:
            code = f"band_{max(band for band in bands if band <= value)}"
            raise PydanticCustomError(code, "Not this one.")
        return value

    return Annotated[int, DRFInteger(), AfterValidator(check)]


def test_a_difference_that_no_known_value_shows_is_searched_for(read):
    endpoint = read(creating(it=serializers.IntegerField()), thing(refusing(100)), examples=60)
    (finding,) = endpoint.findings
    assert finding.message == "it: the service refuses what legacy takes (band_100)"
    assert finding.examples[0].value in ("100", '"100"')  # the smallest


def test_a_field_has_at_most_four_of_them(read):
    endpoint = read(creating(it=serializers.IntegerField()), thing(refusing(*range(100, 1000, 20))), examples=60)
    assert len(endpoint.findings) == 4


# -- errors -----------------------------------------------------------------------------------------


def test_errors_of_items_are_compared_by_their_form(read):
    child = serializers.IntegerField(error_messages={"invalid": "No number."})
    endpoint = read(
        creating(it=serializers.ListField(child=child)), thing(list[Annotated[int, DRFInteger()]]), examples=1
    )
    assert "it: both refuse it, in other words" in messages(endpoint)


class Named(serializers.Serializer):
    name = serializers.CharField(max_length=5)


class NamedIn(BaseModel):
    name: Annotated[str, DRFChar(max_length=9)]


class ByItem(serializers.ListSerializer):
    """Errors as a list, with an empty object for what is right: as DRF had them, and projects still do."""

    def to_internal_value(self, data: Any) -> Any:
        found = [self.child.__class__(data=one) for one in data]
        valid = [one.is_valid() for one in found]
        if all(valid):
            return [one.validated_data for one in found]
        raise serializers.ValidationError([one.errors for one in found])


class NamedByItem(Named):
    class Meta:
        list_serializer_class = ByItem


def test_errors_of_many_may_be_a_list(read):
    endpoint = read(creating(many=NamedByItem(many=True)), create_model("Thing", many=(list[NamedIn], ...)), examples=1)
    finding = next(one for one in endpoint.findings if one.field == "many[].name")
    assert "the service takes what legacy refuses (max_length" in finding.message
    assert finding.examples[0].legacy == '400 ["Ensure this field has no more than 5 characters."]'


def test_errors_of_an_object_are_those_of_its_fields(read):
    class Whole(Named):
        def to_internal_value(self, data: Any) -> Any:
            if data == {"name": "abc"}:
                raise serializers.ValidationError(["Not this object."])
            return super().to_internal_value(data)

    endpoint = read(creating(one=Whole()), create_model("Thing", one=(NamedIn, ...)), examples=1)
    finding = next(one for one in endpoint.findings if one.field == "one.name" and "(invalid" in one.message)
    assert finding.examples[0].legacy == '400 ["Not this object."]'


def test_what_the_services_model_drops_is_missed(read):
    class Thing(BaseModel):
        many: list[NamedIn]

        @field_validator("many")
        @classmethod
        def none(cls, value: Any) -> Any:
            return []

    endpoint = read(creating(many=Named(many=True)), Thing, examples=1)
    assert "many[].name: the service reads something else" in messages(endpoint)


# -- code of the project's own ----------------------------------------------------------------------


class Loud(serializers.Serializer):
    it = serializers.CharField()

    def validate_it(self, value: str) -> str:
        return value.upper()


def test_what_a_hook_changes_is_for_the_endpoints_code_and_said(read):
    endpoint = read(type("View", (CreateAPIView,), {"serializer_class": Loud}), thing(Annotated[str, DRFChar()]))
    assert endpoint.findings == []
    assert 'it: the view\'s own code changes "a": reads "A"; the endpoint\'s has to' in left_out(endpoint)


def test_a_model_that_changes_the_same_is_equal(read):
    loud = Annotated[str, DRFChar(), AfterValidator(str.upper)]
    endpoint = read(type("View", (CreateAPIView,), {"serializer_class": Loud}), thing(loud), examples=1)
    assert endpoint.findings == []
    assert "changes" not in left_out(endpoint).replace("refuses or changes", "")


def test_a_hook_that_needs_more_of_a_request_is_left_out(read):
    class Demanding(serializers.Serializer):
        it = serializers.CharField()

        def validate(self, found: Any) -> Any:
            raise LookupError("tenant")

    blank = Annotated[str, DRFChar(allow_blank=True)]
    endpoint = read(type("View", (CreateAPIView,), {"serializer_class": Demanding}), thing(blank), examples=1)
    assert said(endpoint)["it"] == "breaking"  # as without the hook
    assert "what Demanding.validate() refuses or changes beside that" in left_out(endpoint)


def test_a_validator_that_fails_without_a_request_is_said(read):
    def failing(value: str) -> None:
        raise LookupError("request")

    endpoint = read(creating(it=serializers.CharField(validators=[failing])), thing(str), examples=1)
    assert "some values of it: LookupError: request" in left_out(endpoint)


# -- rows -------------------------------------------------------------------------------------------


class OfTenant(serializers.PrimaryKeyRelatedField):
    def get_queryset(self) -> Any:
        return self.queryset.all()


class Suppliers:
    """What another system has: no model, and no database."""

    def get(self, **lookup: Any) -> Any:
        raise NotImplementedError


KeyField = serializers.PrimaryKeyRelatedField
ROWS: list[tuple[Any, Any]] = [
    (KeyField(many=True, queryset=Product.objects.all()), list[int]),
    (OfTenant(queryset=Product.objects.all()), int),
    (serializers.SlugRelatedField("code", queryset=Suppliers()), str),
]


@pytest.mark.parametrize(("field", "annotation"), ROWS)
def test_rows_are_not_looked_for(read, field, annotation):
    endpoint = read(creating(it=field), thing(annotation), examples=1)
    assert "whether it is there" in left_out(endpoint)
    assert "some values" not in left_out(endpoint)


# -- how a view and an endpoint say what they read --------------------------------------------------


class Many(CreateAPIView):
    serializer_class = Named

    def get_serializer(self, *args: Any, **options: Any) -> Any:
        return super().get_serializer(*args, many=True, **options)


@pytest.mark.parametrize("answers", ["drf", "plain"])
def test_a_list_of_models_is_a_body_as_well(compared, answers):
    router = APIRouter(route_class=DRFRoute) if answers == "drf" else APIRouter()

    @router.post("/things/", status_code=201)
    def things(body: list[NamedIn]) -> Any: ...

    (endpoint,) = compared([path("things/", Many.as_view())], router, answers=answers, examples=1)
    assert said(endpoint)["[].name"] == "breaking"


@pytest.mark.parametrize("annotation", [dict, dict[str, Any]])
def test_a_body_that_says_nothing_of_its_fields_is_not_known(read, annotation):
    endpoint = read(creating(it=serializers.CharField()), annotation)
    assert "request: the endpoint's body is any dict, and nothing of its fields is said" in left_out(endpoint)
    assert said(endpoint, "request") == {}


class Posted(APIView):
    """A view without get_serializer, as most functions are."""

    def post(self, request: Any) -> Any:
        read = Named(data=request.data)
        read.is_valid(raise_exception=True)
        return Response(Named(Named()).data, status=201)


class Reading(APIView):
    def post(self, request: Any) -> Any:
        return Response(request.data, status=201)


class Ignoring(APIView):
    def post(self, request: Any) -> Any:
        return Response({}, status=201)


def test_the_serializer_of_a_plain_view_is_read_in_its_method(read):
    assert said(read(Posted, NamedIn, examples=1), "request") == {"name": "breaking"}


@pytest.mark.parametrize(("view", "said_of_it"), [(Reading, True), (Ignoring, False)])
def test_a_view_that_reads_by_code_of_its_own_is_not_known(compared, router, view, said_of_it):
    @router.post("/things/", status_code=201)
    def things() -> Any: ...

    (endpoint,) = compared([path("things/", view.as_view())], router)
    assert ("by which serializer the view reads can't be told" in left_out(endpoint)) is said_of_it
    assert said(endpoint, "request") == {}


def test_an_endpoint_that_reads_by_code_of_its_own_is_not_known(compared, router):
    @router.post("/things/", status_code=201)
    async def things(request: Request) -> Any:
        return await request.json()

    (endpoint,) = compared([path("things/", creating(it=serializers.CharField()).as_view())], router)
    assert "the endpoint reads the body by code of its own: declare a model" in left_out(endpoint)
    assert said(endpoint, "request") == {}


def test_where_nothing_can_be_written_no_body_is_needed(compared, router):
    @router.post("/things/", status_code=201)
    def things() -> Any: ...

    view = creating(it=serializers.CharField(read_only=True))
    (endpoint,) = compared([path("things/", view.as_view())], router)
    assert said(endpoint, "request") == {}


def test_a_serializer_that_needs_a_real_request_is_said(read):
    class Demanding(CreateAPIView):
        def get_serializer(self, *args: Any, **options: Any) -> Any:
            raise LookupError(self.request.META["REQUEST_METHOD"])

    endpoint = read(Demanding, thing(str))
    assert "request: LookupError: POST" in left_out(endpoint)
    assert "response: LookupError: POST" in left_out(endpoint)
