"""Makes a DRF serializer from a Pydantic model, with the same fields; it reads what callers send."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import types
import uuid
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from django.core.files.uploadedfile import UploadedFile
from pydantic import AnyUrl, BaseModel, RootModel
from pydantic.fields import FieldInfo
from rest_framework import serializers

from gateway.bridge.drf.fields import DRFField, Field
from gateway.bridge.drf.methods import methods_of, nested_options
from gateway.bridge.drf.sent import sent
from gateway.bridge.drf.shapes import has_field

__all__ = [
    "Unchecked",
    "field_for",
    "field_names",
    "has_model",
    "is_model",
    "read_only_beside",
    "serializer_for",
    "written",
]

# Types and their serializer fields, as in ModelSerializer.serializer_field_mapping.
PLAIN: Mapping[type, Any] = {
    bool: serializers.BooleanField,
    int: serializers.IntegerField,
    float: serializers.FloatField,
    decimal.Decimal: serializers.DecimalField,
    str: serializers.CharField,
    dt.datetime: serializers.DateTimeField,
    dt.date: serializers.DateField,
    dt.time: serializers.TimeField,
    dt.timedelta: serializers.DurationField,
    uuid.UUID: serializers.UUIDField,
    UploadedFile: serializers.FileField,
}
# Those of them that JSON lacks.
WRITTEN = {decimal.Decimal, dt.datetime, dt.date, dt.time, dt.timedelta, uuid.UUID}
READY = {str, int, float, bool, type(None)}  # exactly these types: a member of an enum may be an instance of them
LISTS = (list, Sequence, set, frozenset, tuple)
DICTS = (dict, Mapping)
# Names of constraints: Pydantic's or annotated_types', and DRF's.
CONSTRAINTS = {"ge": "min_value", "le": "max_value", "min_length": "min_length", "max_length": "max_length"}

_building: ContextVar[tuple[type[BaseModel], ...]] = ContextVar("_building", default=())


class Unchecked(serializers.Field):  # type: ignore[type-arg] # generic in the stubs only
    """For types without a DRF field: only Pydantic checks them. `marked`: with DRF fields inside, so values are
    marked."""

    def __init__(self, *, marked: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._marked = marked

    def to_internal_value(self, data: Any) -> Any:
        """The data, unchanged."""
        return sent(data) if self._marked else data

    def to_representation(self, value: Any) -> Any:
        """The value, unchanged."""
        return value


class WithExtra(serializers.Serializer):  # type: ignore[type-arg] # as above
    """For a model that allows or forbids extra fields, which DRF would drop: they are passed on to Pydantic."""

    def to_internal_value(self, data: Any) -> Any:
        """As DRF's, plus the extra fields."""
        known = super().to_internal_value(data)
        return known | {name: sent(value) for name, value in data.items() if name not in self.fields}


@cache
def serializer_for(model: type[BaseModel]) -> type[serializers.Serializer[Any]]:
    """The serializer class with the fields of `model`, and with its methods and validators (`serializer_method`).
    Fields are named by the model's aliases.

    Raises PydanticUndefinedAnnotation if an annotation names something undefined.
    """
    model.model_rebuild()
    token = _building.set((*_building.get(), model))
    try:
        fields = {_name(name, info): _field(info) for name, info in model.model_fields.items()}
    finally:
        _building.reset(token)
    attributes = {"__doc__": model.__doc__, "__module__": model.__module__, **methods_of(model), **fields}
    base = WithExtra if model.model_config.get("extra") in ("allow", "forbid") else serializers.Serializer
    return type(f"{model.__name__}Serializer", (base,), attributes)


def read_only_beside(taken: type[Any], given: type[Any]) -> type[Any]:
    """A serializer class for OPTIONS: the fields of `given` (a response), as those of `taken` (a body) if it has them
    and read-only otherwise; then those that are write-only."""

    class Described(taken):  # type: ignore[misc] # a class that is given
        """The combined serializer."""

        def get_fields(self) -> dict[str, Field]:
            """The fields of the response first, in its order."""
            own: dict[str, Field] = super().get_fields()
            answered: dict[str, Field] = given().get_fields()
            return {name: own[name] if name in own else _read_only(answered[name]) for name in answered} | own

    Described.__doc__ = taken.__doc__
    return Described


def _read_only(field: Field) -> Field:
    field.read_only, field.required = True, False
    return field


def field_names(model: type[BaseModel]) -> dict[str, str]:
    """The serializer's name for each of the model's fields."""
    return {name: _name(name, info) for name, info in model.model_fields.items()}


def _name(name: str, info: FieldInfo) -> str:
    return info.validation_alias if isinstance(info.validation_alias, str) else info.alias or name


def _field(info: FieldInfo) -> Field:
    options: dict[str, Any] = {"required": info.is_required()}
    if info.title:
        options["label"] = info.title
    if info.description:
        options["help_text"] = info.description
    return field_for(info.annotation, info.metadata, **options)


def field_for(annotation: Any, metadata: Sequence[Any] = (), **options: Any) -> Field:
    """The field for `annotation` with `metadata`, as Pydantic keeps them; `options` are the field's arguments."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return field_for(inner, [*more, *metadata], **options)
    for marker in metadata:
        if isinstance(marker, DRFField):
            return marker.field(**_with_null(annotation, options))
    members = _members(annotation)
    if type(None) in members:
        rest = [member for member in members if member is not type(None)]
        options["allow_null"] = True
        return field_for(rest[0], metadata, **options) if len(rest) == 1 else _unchecked(annotation, options)
    if members:
        return _unchecked(annotation, options)
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        root = annotation.model_fields["root"]
        return field_for(root.annotation, root.metadata, **options)
    return _container(annotation, metadata, options) or _single(annotation, metadata, options)


def _unchecked(annotation: Any, options: dict[str, Any]) -> Field:
    return Unchecked(marked=has_field(annotation), **options)


def _with_null(annotation: Any, options: dict[str, Any]) -> dict[str, Any]:
    return options | {"allow_null": True} if type(None) in _members(annotation) else options


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else ()


def _container(annotation: Any, metadata: Sequence[Any], options: dict[str, Any]) -> Field | None:
    origin, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if origin in LISTS:
        options = options | _lengths(metadata)
        inner = [argument for argument in arguments if argument is not Ellipsis]
        if len(inner) > 1:
            return _unchecked(annotation, options)
        if inner and is_model(inner[0]):
            return _nested(inner[0], options | nested_options(metadata), many=True)
        return (
            serializers.ListField(child=field_for(inner[0]), **options) if inner else serializers.ListField(**options)
        )
    if origin in DICTS:
        if arguments and has_field(arguments[0]):
            return _unchecked(annotation, options)
        child: dict[str, Any] = {"child": field_for(arguments[1])} if arguments else {}
        return serializers.DictField(**child, **options)
    if is_model(annotation):
        return _nested(annotation, options | nested_options(metadata))
    return None


def _lengths(metadata: Sequence[Any]) -> dict[str, Any]:
    """The limits of a list's length. For a list that may not be empty, DRF has a message of its own."""
    names = ("min_length", "max_length")
    found = {name: value for item in metadata for name in names if (value := getattr(item, name, None)) is not None}
    if found.get("min_length") == 1:
        found |= {"allow_empty": not found.pop("min_length")}
    return found


def is_model(annotation: Any) -> bool:
    """Whether `annotation` is a Pydantic model with fields."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel) and not issubclass(annotation, RootModel)


def _nested(model: type[BaseModel], options: dict[str, Any], **more: Any) -> Field:
    if model in _building.get():  # a model that contains itself
        return _unchecked(model, options)
    if "default" in options or options.get("read_only"):
        options.pop("required", None)
    return cast("Field", serializer_for(model)(**options, **more))


def _single(annotation: Any, metadata: Sequence[Any], options: dict[str, Any]) -> Field:
    if get_origin(annotation) is Literal:
        return serializers.ChoiceField(choices=list(get_args(annotation)), **options)
    if not isinstance(annotation, type):
        return _unchecked(annotation, options | {"allow_null": True})
    if issubclass(annotation, enum.Enum):
        return serializers.ChoiceField(choices=[(member.value, member.name) for member in annotation], **options)
    if issubclass(annotation, AnyUrl):
        return serializers.URLField(**options)
    if annotation.__name__ == "EmailStr":
        return serializers.EmailField(**options)
    if annotation not in PLAIN:
        return _unchecked(annotation, options | {"allow_null": True})
    return _plain(PLAIN[annotation], metadata, options)


def _plain(field_class: Any, metadata: Sequence[Any], options: dict[str, Any]) -> Field:
    limits = {
        ours: value
        for item in metadata
        for name, ours in CONSTRAINTS.items()
        if (value := getattr(item, name, None)) is not None
    }
    takes_value = issubclass(
        field_class,
        serializers.IntegerField | serializers.FloatField | serializers.DecimalField | serializers.DurationField,
    )
    takes_length = issubclass(field_class, serializers.CharField)
    if field_class is serializers.DecimalField:
        for name in ("max_digits", "decimal_places"):
            options[name] = next((value for item in metadata if (value := getattr(item, name, None)) is not None), None)
    taken = {n: value for n, value in limits.items() if (takes_value if n.endswith("value") else takes_length)}
    return cast("Field", field_class(**options, **taken))


def has_model(annotation: Any) -> bool:
    """Whether there is a Pydantic model anywhere in `annotation`."""
    return (isinstance(annotation, type) and issubclass(annotation, BaseModel)) or any(
        has_model(part) for part in get_args(annotation)
    )


def written(data: Any) -> Any:
    """`data`, with types that JSON lacks written by the field for their type."""
    kind = type(data)
    if kind in READY:
        return data
    if isinstance(data, dict):
        # Most values need no conversion, and a page has hundreds.
        return {name: value if type(value) in READY else written(value) for name, value in data.items()}
    if isinstance(data, list | tuple | set | frozenset):
        return [written(value) for value in data]
    if isinstance(data, enum.Enum):
        return data.value
    return field_for(kind).to_representation(data) if kind in WRITTEN else data
