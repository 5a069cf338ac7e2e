"""Every field class of DRF becomes a line of a model, of which `serializer_for` makes the same field."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.test.utils import isolate_apps
from django.utils.translation import gettext_lazy as _
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import relations, serializers
from rest_framework.fields import CreateOnlyDefault, CurrentUserDefault
from rest_framework.validators import UniqueForDateValidator, UniqueTogetherValidator, UniqueValidator

from gateway.bridge.drf.serializers import serializer_for
from gateway.workbench.drf.models import Models
from legacy.accounts.models import User
from legacy.shop.api.serializers import OrderSerializer, ProductDetailSerializer, ReviewSerializer
from legacy.shop.models import Category, Product, Review
from tests.workbench.drf.round_trip import back, described, module_of

FOLDER = str(Path(__file__).parent)


def even(value):
    """A validator that is a function."""
    if value % 2:
        raise serializers.ValidationError("odd")


class Money(serializers.DecimalField):
    """A field class of a project's own."""

    def __init__(self, currency, **options):
        self.currency = currency
        super().__init__(max_digits=10, decimal_places=2, **options)


class Percent(serializers.IntegerField):
    """One that is an integer."""


class Pair(serializers.Serializer):
    """What a list may have for a child."""

    number = serializers.IntegerField()


with isolate_apps():

    class Ticket(models.Model):
        id = models.UUIDField(primary_key=True)

        class Meta:
            app_label = "tickets"

    class Seat(models.Model):
        ticket = models.OneToOneField(Ticket, models.CASCADE, primary_key=True)

        class Meta:
            app_label = "tickets"

    class Language(models.Model):
        code = models.CharField(primary_key=True, max_length=2)

        class Meta:
            app_label = "tickets"


def today():
    return dt.date(2026, 1, 1)


F = serializers
FIELDS = {
    "boolean": F.BooleanField,
    "char": lambda **o: F.CharField(max_length=20, min_length=2, allow_blank=True, trim_whitespace=False, **o),
    "char, plain": F.CharField,
    "char, validators": lambda **o: F.CharField(validators=[RegexValidator(r"^\d+$", _("Digits"))], **o),
    "email": lambda **o: F.EmailField(max_length=30, **o),
    "regex": lambda **o: F.RegexField(r"^[a-z]\\+\"$", **o),
    "regex, compiled": lambda **o: F.RegexField(re.compile("^[a-z]+$", re.IGNORECASE), **o),
    "slug": lambda **o: F.SlugField(allow_unicode=True, **o),
    "url": F.URLField,
    "ip": lambda **o: F.IPAddressField(protocol="ipv4", **o),
    "uuid": lambda **o: F.UUIDField(format="hex", **o),
    "integer": lambda **o: F.IntegerField(min_value=-3, max_value=10, **o),
    "integer, function": lambda **o: F.IntegerField(validators=[even, MinValueValidator(3)], **o),
    "big integer": lambda **o: F.BigIntegerField(coerce_to_string=True, **o),
    "float": lambda **o: F.FloatField(min_value=0.5, **o),
    "decimal": lambda **o: F.DecimalField(10, 2, min_value=Decimal("0.01"), coerce_to_string=False, **o),
    "decimal, unlimited": lambda **o: F.DecimalField(max_digits=None, decimal_places=None, **o),
    "date and time": lambda **o: F.DateTimeField(format="%H", input_formats=["%d.%m.%Y", "iso-8601"], **o),
    "date and time, zone": lambda **o: F.DateTimeField(default_timezone=ZoneInfo("Europe/Athens"), **o),
    "date": lambda **o: F.DateField(format=None, **o),
    "time": F.TimeField,
    "duration": lambda **o: F.DurationField(min_value=dt.timedelta(hours=1), **o),
    "choice": lambda **o: F.ChoiceField(choices=[("a", "A"), ("b", _("B"))], allow_blank=True, **o),
    "choice, numbers": lambda **o: F.ChoiceField(choices=[1, 2, "more"], **o),
    "choice, other types": lambda **o: F.ChoiceField(choices=[(True, "yes"), (False, "no")], **o),
    "choice, in groups": lambda **o: F.ChoiceField(choices=[("Group", [("a", "A")]), ("b", "B")], **o),
    "choices": lambda **o: F.MultipleChoiceField(choices=["a", "b"], allow_empty=False, **o),
    "file path": lambda **o: F.FilePathField(FOLDER, match=r"\.py$", **o),
    "file": lambda **o: F.FileField(max_length=10, allow_empty_file=True, use_url=False, **o),
    "image": F.ImageField,
    "list": lambda **o: F.ListField(child=F.IntegerField(min_value=1), min_length=1, max_length=3, **o),
    "list, null": lambda **o: F.ListField(child=F.CharField(allow_null=True), allow_empty=False, **o),
    "list, of what need not be there": lambda **o: F.ListField(child=F.IntegerField(required=False), **o),
    "list, of objects": lambda **o: F.ListField(child=Pair(), **o),
    "list, anything": F.ListField,
    "dict": lambda **o: F.DictField(child=F.DateField(), allow_empty=False, **o),
    "hstore": F.HStoreField,
    "json": lambda **o: F.JSONField(binary=True, **o),
    "model field": lambda **o: F.ModelField(Product._meta.get_field("stock"), **o),
    "key": lambda **o: F.PrimaryKeyRelatedField(queryset=Product.objects.all(), **o),
    "key, parsed": lambda **o: F.PrimaryKeyRelatedField(queryset=Product.objects.all(), pk_field=F.UUIDField(), **o),
    "keys": lambda **o: F.PrimaryKeyRelatedField(queryset=Product.objects.all(), many=True, **o),
    "keys, some": lambda **o: F.PrimaryKeyRelatedField(
        queryset=Product.objects.all(), many=True, allow_empty=False, **o
    ),
    "related by slug": lambda **o: F.SlugRelatedField(slug_field="slug", queryset=Category.objects.all(), **o),
    "hyperlink": lambda **o: F.HyperlinkedRelatedField("p-d", queryset=Product.objects.all(), lookup_field="slug", **o),
    "key, a UUID": lambda **o: F.PrimaryKeyRelatedField(queryset=Ticket.objects.all(), **o),
    "key, of another row": lambda **o: F.PrimaryKeyRelatedField(queryset=Seat.objects.all(), **o),
    "key, text": lambda **o: F.PrimaryKeyRelatedField(queryset=Language.objects.all(), **o),
    "own, an integer": lambda **o: Percent(max_value=100, **o),
    "own": lambda **o: Money("EUR", **o),
    "unique": lambda **o: F.CharField(validators=[UniqueValidator(Product.objects.all(), lookup="iexact")], **o),
    "default": lambda **o: F.IntegerField(**({"default": 3} | o)),
    "default, of the user": lambda **o: F.CharField(**({"default": CurrentUserDefault()} | o)),
    "default, on creation": lambda **o: F.DateField(**({"default": CreateOnlyDefault(today)} | o)),
    "default, called": lambda **o: F.DateField(**({"default": today} | o)),
    "default, a list": lambda **o: F.ListField(child=F.CharField(), **({"default": list} | o)),
}
READ_ONLY = {
    "read-only": F.ReadOnlyField,
    "method": F.SerializerMethodField,
    "method, named": lambda **o: F.SerializerMethodField("get_it", **o),
    "text of a row": F.StringRelatedField,
    "texts of rows": lambda **o: F.StringRelatedField(many=True, **o),
    "own link": lambda **o: F.HyperlinkedIdentityField(view_name="product-detail", **o),
    "key": lambda **o: F.PrimaryKeyRelatedField(read_only=True, **o),
    "keys": lambda **o: F.PrimaryKeyRelatedField(read_only=True, many=True, **o),
    "decimal": lambda **o: F.DecimalField(5, 1, read_only=True, default=Decimal("0.5"), **o),
}
HIDDEN = {
    "user": lambda: F.HiddenField(default=CurrentUserDefault()),
    "number": lambda: F.HiddenField(default=3),
}


def serializer_of(field):
    class Asked(serializers.Serializer):
        value = field

        def get_value(self, obj):
            """Of the method field."""

        def get_it(self, obj):
            """Of the one with a name."""

    return Asked()


def same_after_the_way(field, *directions):
    asked = serializer_of(field)
    for direction in directions:
        assert described(back(asked, direction).fields["value"]) == described(asked.fields["value"])


def test_every_field_class_of_drf_is_tried():
    made = [make() for table in (FIELDS, READ_ONLY, HIDDEN) for make in table.values()]
    tried = {type(getattr(field, "child_relation", field)) for field in made} | {relations.ManyRelatedField}
    modules = (serializers, relations)
    there = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
    concrete = {
        kind
        for kind in there
        if issubclass(kind, serializers.Field) and not issubclass(kind, serializers.BaseSerializer)
    }

    assert concrete - tried <= {serializers.Field, relations.RelatedField}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_is_the_same(name):
    same_after_the_way(FIELDS[name](), "request", "response")


@pytest.mark.parametrize("name", READ_ONLY)
def test_a_read_only_field_is_the_same(name):
    same_after_the_way(READ_ONLY[name](), "response")


@pytest.mark.parametrize("name", HIDDEN)
def test_a_hidden_field_is_the_same(name):
    same_after_the_way(HIDDEN[name](), "request")


options = st.fixed_dictionaries(
    {},
    optional={
        "required": st.booleans(),
        "allow_null": st.booleans(),
        "source": st.sampled_from(["other", "some.other", "class"]),
        "label": st.sampled_from(["Label", _("Name"), 'quo"te']),
        "help_text": st.text(max_size=5),
        "write_only": st.booleans(),
        "error_messages": st.just({"required": _("Where is it?")}),
        "style": st.just({"rows": 3}),
    },
)


@given(st.sampled_from(sorted(FIELDS)), options)
def test_whatever_else_a_field_was_given_is_the_same(name, given_options):
    if "default" in name and given_options.get("required"):
        given_options = given_options | {"required": False}
    asked = serializer_of(FIELDS[name](**given_options))
    direction = "request" if asked.fields["value"].write_only else "response"

    assert described(back(asked, direction).fields["value"]) == described(asked.fields["value"])


@pytest.mark.parametrize("name", FIELDS)
def test_in_a_patch_nothing_is_required(name):
    found = described(back(serializer_of(FIELDS[name]()), "patch").fields["value"])
    expected = described(serializer_of(FIELDS[name]()).fields["value"]) | {"required": False}
    if "child_relation" in expected:
        expected["child_relation"]["required"] = False

    assert found == expected


@pytest.mark.parametrize("name", ["class", "json", "_id", "two words", "2nd", "model_fields", "copy"])
def test_a_name_that_a_model_cannot_have_is_an_alias(name):
    asked = type("Asked", (serializers.Serializer,), {name: F.IntegerField()})()

    assert described(back(asked).fields[name]) == described(asked.fields[name])


def test_what_was_changed_on_the_instance_counts():
    asked = serializer_of(F.CharField(max_length=3))
    field = asked.fields["value"]
    field.required, field.allow_blank, field.help_text = False, True, "later"
    field.validators.append(RegexValidator("x"))

    found, expected = described(back(asked).fields["value"]), described(field)
    assert sorted(map(repr, found.pop("validators"))) == sorted(map(repr, expected.pop("validators")))
    assert found == expected


@pytest.mark.parametrize("kind", [ProductDetailSerializer, ReviewSerializer, OrderSerializer])
@pytest.mark.parametrize("direction", ["request", "response"])
def test_a_serializer_of_a_model_is_the_same(kind, direction):
    asked, found = kind(), back(kind(), direction)

    belonging = {
        name: field
        for name, field in asked.fields.items()
        if not (field.write_only if direction == "response" else field.read_only)
        and not isinstance(field, serializers.BaseSerializer)
    }
    assert {name: described(found.fields[name]) for name in belonging} == {
        name: described(field) for name, field in belonging.items()
    }


def test_nested_serializers_have_their_options():
    class Line(serializers.Serializer):
        number = F.IntegerField()

    class Asked(serializers.Serializer):
        one = Line(source="first", allow_null=True, help_text="The first.")
        some = Line(many=True, required=False, allow_empty=False, max_length=3)
        shown = Line(many=True, read_only=True)

    found, asked = back(Asked()), Asked()
    options = ("source", "allow_null", "required", "help_text", "allow_empty", "max_length")
    for name in ("one", "some"):
        assert [getattr(found.fields[name], option, None) for option in options] == [
            getattr(asked.fields[name], option, None) for option in options
        ]
        assert type(getattr(found.fields[name], "child", found.fields[name]).fields["number"]) is F.IntegerField
    assert "shown" not in found.fields
    assert back(Asked(), "response").fields["shown"].read_only


def test_validators_of_the_whole_serializer_are_there():
    class Asked(serializers.ModelSerializer):
        class Meta:
            model = Review
            fields = ("product", "author", "rating")
            validators = (
                UniqueTogetherValidator(Review.objects.all(), fields=("product", "author"), message=_("Again")),
                UniqueForDateValidator(Review.objects.all(), field="product", date_field="created"),
            )

    found = back(Asked()).validators

    assert [type(one) for one in found] == [UniqueTogetherValidator, UniqueForDateValidator]
    assert (found[0].fields, str(found[0].message)) == (("product", "author"), "Again")


def test_what_there_is_no_text_for_is_a_field_that_says_so():
    written = Models()
    name = written.add(serializer_of(F.PrimaryKeyRelatedField(queryset=User.objects.filter(is_staff=True))), "request")

    assert written.todos == ["Asked.value: queryset: some rows of User"]
    serializer = serializer_for(getattr(module_of(written.texts), name))(data={"value": 1})
    with pytest.raises(NotImplementedError, match=r"TODO: Asked\.value: queryset: some rows of User"):
        serializer.is_valid()


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("key", {"type": "integer"}),
        ("key, a UUID", {"type": "string", "format": "uuid"}),
        ("key, of another row", {"type": "string", "format": "uuid"}),
        ("key, text", {"type": "string"}),
        ("own, an integer", {"type": "integer", "maximum": 100}),
    ],
)
def test_the_document_has_the_type_of_a_key_and_of_a_field_that_derives_from_drfs(name, schema):
    written = Models()
    model = written.add(serializer_of(FIELDS[name]()), "request")
    found = getattr(module_of(written.texts), model).model_json_schema()["properties"]["value"]
    assert {key: value for key, value in found.items() if key in (*schema, "format")} == schema


class OwnList(serializers.ListSerializer):
    """A list with code of its own."""


class InOwnList(Pair):
    class Meta:
        list_serializer_class = OwnList


class Shapeless(serializers.BaseSerializer):
    """One without fields."""


@pytest.mark.parametrize(
    ("field", "why"),
    [
        (InOwnList(many=True), "a list serializer of the project's own, OwnList"),
        (Shapeless(), "Shapeless, which has no fields"),
        (Pair(source="*"), "a nested serializer with source='*', which is written"),
        (
            relations.ManyRelatedField(F.PrimaryKeyRelatedField(queryset=Product.objects.all()), validators=[even]),
            "validators of a list of related objects",
        ),
    ],
)
def test_a_field_that_no_model_can_have_says_why(field, why):
    written = Models()
    written.add(type("Asked", (serializers.Serializer,), {"value": field})(), "request")
    assert written.todos == [f"Asked.value: {why}"]


def test_validators_of_a_list_of_objects_are_to_do():
    class Asked(serializers.Serializer):
        some = Pair(many=True)

        def get_fields(self):
            fields = super().get_fields()
            fields["some"].validators = [even]
            return fields

    written = Models()
    written.add(Asked(), "request")
    assert written.todos == ["Asked.some: validators of a list of objects"]


def test_validators_of_a_whole_serializer_that_there_is_no_text_for_are_to_do():
    class Asked(serializers.ModelSerializer):
        class Meta:
            model = Review
            fields = ("product",)
            validators = (lambda found: None,)

    written = Models()
    name = written.add(Asked(), "request")
    assert written.todos[-1].startswith("Asked.validators: ")
    assert "# TODO: the validators of Asked: " in written.texts[name]


def test_two_serializers_of_one_name_are_two_models():
    written = Models()
    first = written.add(type("Asked", (serializers.Serializer,), {"a": F.IntegerField()})(), "request")
    second = written.add(type("Asked", (serializers.Serializer,), {"b": F.IntegerField()})(), "request")
    again = written.add(type("Asked", (serializers.Serializer,), {"a": F.IntegerField()})(), "request")
    assert (second, again) == (f"{first}2", first)


def test_a_validator_that_there_is_no_text_for_is_to_do():
    written = Models()
    written.add(serializer_of(F.CharField(validators=[lambda value: None])), "request")
    (todo,) = written.todos
    assert todo.startswith("Asked.value: ")
    assert todo.endswith("can't be imported")


def test_validators_that_were_taken_away_are_not_missed():
    asked = serializer_of(F.CharField())
    asked.fields["value"].validators = [RegexValidator("x")]
    assert [one.regex.pattern for one in back(asked).fields["value"].validators if hasattr(one, "regex")] == ["x"]


def test_an_object_without_options_is_its_model_alone():
    written = Models()
    name = written.add(type("Asked", (serializers.Serializer,), {"one": Pair(), "some": Pair(many=True)})(), "request")
    text = written.texts[name]
    assert "drf_nested" not in text.partition("some:")[0]
    assert (
        type(serializer_for(getattr(module_of(written.texts), name))().fields["one"].fields["number"]) is F.IntegerField
    )
