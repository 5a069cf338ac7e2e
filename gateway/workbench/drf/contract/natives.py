"""Generates the Python values that a serializer's fields write: values as rows have them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from hypothesis import strategies as st
from rest_framework import relations, serializers
from typing_extensions import is_typeddict  # knows its own TypedDict, which Pydantic requires before Python 3.12

__all__ = ["Native", "may_be_null", "native_of", "of_type", "returned_by"]

Values = st.SearchStrategy[Any]
URL = "http://testserver/a/1/"


class Native(NamedTuple):
    """The values of one field: `legacy` gets one, and `service` is what an endpoint would put into its model."""

    values: Values
    legacy: Callable[[Any], Any]
    service: Callable[[Any], Any] = lambda value: value


def native_of(field: Any) -> Native | None:
    """The values that `field` gets; None if unknown."""
    if isinstance(field, relations.ManyRelatedField):
        inner = native_of(field.child_relation)
        return None if inner is None else _several(inner)
    if isinstance(field, relations.RelatedField):
        return _related(field)
    if isinstance(field, serializers.FileField):
        return Native(st.just(URL), _same)
    if isinstance(field, serializers.ReadOnlyField):
        return _read_only(field)
    if (hint := returned_by(field)) is not None:
        return Native(of_type(hint), _same)
    values = _values(field)
    return None if values is None else Native(values, field.to_representation)


def _same(value: Any) -> Any:
    return value


def of_type(hint: Any) -> Values:
    """Values for a function's type annotation."""
    if is_typeddict(hint):
        return st.fixed_dictionaries({name: of_type(inner) for name, inner in get_type_hints(hint).items()})
    if get_origin(hint) in (Union, UnionType):
        return st.one_of([of_type(one) for one in get_args(hint)])
    return st.floats(-1e9, 1e9) if hint is float else st.from_type(hint)


def _several(one: Native) -> Native:
    return Native(
        st.lists(one.values, max_size=3),
        lambda values: [one.legacy(value) for value in values],
        lambda values: [one.service(value) for value in values],
    )


def _related(field: Any) -> Native:
    if isinstance(field, relations.PrimaryKeyRelatedField):
        keys = _keys(_related_model(field))
        return Native(keys, lambda key: field.to_representation(SimpleNamespace(pk=key)))
    if isinstance(field, relations.HyperlinkedRelatedField):
        return Native(st.just(URL), _same)
    return Native(st.text("abc-", min_size=1, max_size=5), _same)


def _related_model(field: Any) -> Any:
    queryset = getattr(field, "queryset", None)
    if queryset is not None:
        return getattr(queryset, "model", None)
    found = model_field(field)
    return None if found is None else found.related_model


def _keys(model: Any) -> Values:
    key = None if model is None else model._meta.pk  # noqa: SLF001 - documented
    if isinstance(key, models.UUIDField):
        return st.uuids()
    return st.text("abc", min_size=1) if isinstance(key, models.CharField) else st.integers(1, 2**31)


def model_field(field: Any) -> Any:
    """The model's field to which the last part of the field's source refers; None if it is something else."""
    holder = getattr(field.parent, "parent", None) if _is_child(field) else field.parent
    model = getattr(getattr(holder, "Meta", None), "model", None)
    steps = _steps(field)
    for step in steps[:-1]:
        found = _get(model, step)
        model = getattr(found, "related_model", None)
    return _get(model, steps[-1]) if steps else None


def _is_child(field: Any) -> bool:
    return isinstance(field.parent, relations.ManyRelatedField | serializers.ListSerializer | serializers.ListField)


def _steps(field: Any) -> list[str]:
    source = getattr(field.parent if _is_child(field) else field, "source", None)
    return [] if source in (None, "*", "") else str(source).split(".")


def _get(model: Any, name: str) -> Any:
    if model is None:
        return None
    try:
        return model._meta.get_field(name)  # noqa: SLF001 - documented
    except FieldDoesNotExist:
        return None


def may_be_null(field: Any) -> bool:
    """Whether the view may write null: the field allows it, or a column on its path is nullable."""
    if getattr(field, "allow_null", False) or isinstance(field, serializers.FileField):
        return True
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    for step in _steps(field):
        found = _get(model, step)
        if found is None:
            return False
        if (found.concrete and found.null) or (found.one_to_one and not found.concrete):
            return True
        model = getattr(found, "related_model", None)
    return False


def returned_by(field: Any) -> Any:
    """The annotated return type of a method field's method; None without one."""
    if not isinstance(field, serializers.SerializerMethodField):
        return None
    method = getattr(type(field.parent), field.method_name or f"get_{field.field_name}", None)
    return _hint(method)


def _hint(function: Any) -> Any:
    try:
        found = get_type_hints(function).get("return") if function is not None else None
    except (NameError, TypeError):
        return None
    return None if found is Any else found


def _read_only(field: Any) -> Native | None:
    """A column, as in a ModelSerializer, or a property with a type."""
    if (column := model_field(field)) is not None and column.concrete and not column.is_relation:
        kind, options = serializers.ModelSerializer().build_standard_field(column.name, column)
        inner = native_of(kind(**options))
        return None if inner is None else Native(inner.values, _same)
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    found = getattr(model, str(field.source), None)
    hint = _hint(found.fget if isinstance(found, property) else getattr(found, "func", found))
    return None if hint is None else Native(of_type(hint), _same)


def _values(field: Any) -> Values | None:
    """Values for the first of DRF's own field classes from which `field` derives."""
    for kind, make in _KINDS:
        if isinstance(field, kind):
            return make(field)
    return None


def _decimals(field: Any) -> Values:
    places = field.decimal_places
    digits = field.max_digits or 12
    most = Decimal(10) ** min(digits - (places or 0), 9) - 1
    whole = st.decimals(-most, most, allow_nan=False, places=places if places is not None else 2)
    return st.sampled_from([Decimal("1.5"), Decimal(0), Decimal(1)]) | whole


def _moments(_field: Any) -> Values:
    if not settings.USE_TZ:
        return st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2100, 1, 1))  # noqa: DTZ001 - as the project has them
    zones = st.just(dt.UTC)
    return st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2100, 1, 1), timezones=zones)  # noqa: DTZ001


def _lists(field: Any) -> Values:
    inner = native_of(field.child)
    return st.lists(st.integers() if inner is None else inner.values, max_size=3)


def _dictionaries(field: Any) -> Values:
    inner = native_of(field.child)
    return st.dictionaries(st.text("ab", max_size=2), st.integers() if inner is None else inner.values, max_size=2)


def _choices(field: Any) -> Values:
    return st.sampled_from([*field.choices] + ([""] if field.allow_blank else []) or [""])


def _texts(field: Any) -> Values:
    return st.sampled_from(["a", "", "  hi ", "ß", "<b>"]) | st.text(max_size=min(field.max_length or 30, 30))


_ALWAYS: tuple[tuple[Any, Values], ...] = (
    (serializers.BooleanField, st.booleans()),
    (serializers.IntegerField, st.integers(-(2**31), 2**31)),
    (serializers.FloatField, st.floats(-1e9, 1e9)),
    (serializers.DateField, st.dates(dt.date(1990, 1, 1))),
    (serializers.TimeField, st.times()),
    (serializers.DurationField, st.timedeltas(dt.timedelta(-999), dt.timedelta(999))),
    (serializers.UUIDField, st.uuids()),
    (serializers.EmailField, st.sampled_from(["a@b.example", "A.b@c.example"])),
    (serializers.URLField, st.sampled_from(["http://example.com", "http://example.com/a?b=c"])),
    (serializers.SlugField, st.text("ab-_1", min_size=1, max_size=9)),
    (serializers.IPAddressField, st.sampled_from(["127.0.0.1", "::1"])),
    (serializers.RegexField, st.just("a")),
    (serializers.JSONField, st.none() | st.booleans() | st.integers() | st.dictionaries(st.text("ab"), st.integers())),
)  # fmt: skip


def _made(values: Values) -> Callable[[Any], Values]:
    return lambda _field: values


_KINDS: tuple[tuple[Any, Callable[[Any], Values]], ...] = (
    (serializers.DecimalField, _decimals),
    (serializers.DateTimeField, _moments),
    (serializers.MultipleChoiceField, lambda field: st.sets(_choices(field), max_size=2)),
    (serializers.ChoiceField, _choices),
    (serializers.ListField, _lists),
    (serializers.DictField, _dictionaries),
    *((kind, _made(values)) for kind, values in _ALWAYS),
    (serializers.CharField, _texts),
)
