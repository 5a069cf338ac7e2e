"""DRF's serializer fields as the types of Pydantic models.

    class OrderIn(BaseModel):
        name: Annotated[str, DRFChar(max_length=20)]
        price: Annotated[Decimal, DRFDecimal(max_digits=8, decimal_places=2)]
        due: Annotated[datetime, DRFDateTime()] | None = None

Each takes the keyword arguments of its DRF field. What a caller sends is read by the field's own `run_validation`, what
an endpoint returns is written by its `to_representation`, so every setting of the project applies. A value that already
has the right type (a Decimal for DRFDecimal) is left as it is, so that a model can be made from rows.
"""

from __future__ import annotations

import copy
import datetime as dt
import decimal
import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, get_args

from django.core.files.base import File
from django.core.signals import setting_changed
from django.db.models import QuerySet
from django.utils import translation
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from gateway.bridge.drf.sent import is_sent, plain
from gateway.bridge.route import REPRESENT

__all__ = [
    "DRFJSON",
    "DRFURL",
    "DRFUUID",
    "DRFBigInteger",
    "DRFBoolean",
    "DRFChar",
    "DRFChoice",
    "DRFDate",
    "DRFDateTime",
    "DRFDecimal",
    "DRFDict",
    "DRFDuration",
    "DRFEmail",
    "DRFField",
    "DRFFile",
    "DRFFloat",
    "DRFIPAddress",
    "DRFImage",
    "DRFInteger",
    "DRFList",
    "DRFMultipleChoice",
    "DRFRegex",
    "DRFSlug",
    "DRFTime",
    "drf_field",
]

Field = serializers.Field[Any, Any, Any, Any]
BOUND = "gateway.bound"  # key of a serializer context: the fields that are bound to it
CHILDREN = ("child", "child_relation")  # arguments that are fields themselves

# Created when they are first used, since a field reads the settings then; created again when a test changes one. One
# for each language, since DRF formats a field's limits only once (rest_framework.utils.formatting.lazy_format).
_made: dict[tuple[DRFField, str | None], Field] = {}


class DRFField:
    """A serializer field as an annotation: `Annotated[T, DRFField(...)]`. Use one of its subclasses or `drf_field`.

    `field_class` is the field's class, `native` are the types that it returns, `schema` describes it in OpenAPI.
    """

    field_class: ClassVar[Callable[..., Any]]
    native: ClassVar[tuple[type, ...]] = ()
    schema: ClassVar[Mapping[str, Any]] = {"type": "string"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs

    def __repr__(self) -> str:
        given = [*map(repr, self.args), *(f"{name}={_shown(value)}" for name, value in self.kwargs.items())]
        return f"{type(self).__name__}({', '.join(given)})"

    def field(self, **more: Any) -> Field:
        """A new field. Arguments of the annotation win over `more`; with a default it isn't required."""
        given = {name: copy.deepcopy(value) if name in CHILDREN else value for name, value in self.kwargs.items()}
        options = {**more, **given}  # a child belongs to one field
        if "default" in self.kwargs or self.kwargs.get("read_only") or _is_read_only(type(self).field_class):
            options.pop("required", None)
        made: Field = type(self).field_class(*self.args, **options)
        return made

    def _own(self) -> Field:
        key = self, translation.get_language()
        if key not in _made:
            _made[key] = self.field()
        return _made[key]

    def validate(self, value: Any) -> Any:
        """Validate `value` with the field. Raises PydanticCustomError with DRF's detail in its context."""
        if self.kwargs.get("read_only") and not is_sent(value):
            return value  # not from a caller: part of a response
        if not is_sent(value) and isinstance(value, self.native) and (type(value) is not bool or bool in self.native):
            return value
        try:
            return self._own().run_validation(plain(value))
        except ValidationError as exc:
            raise PydanticCustomError("drf", "{reason}", {"reason": _first(exc.detail), "detail": exc.detail}) from exc

    def represent(self, value: Any, info: core_schema.FieldSerializationInfo) -> Any:
        """`value` as the field represents it in a response; unchanged when code dumps a model."""
        answering = info.context.get(REPRESENT) if isinstance(info.context, dict) else info.mode == "json"
        if not answering or value is None:
            return value
        field = self._in(answering) if isinstance(answering, dict) and self.asks_for_context else self._own()
        return field.to_representation(value)

    @property
    def asks_for_context(self) -> bool:
        """Whether the field may read the request or the view when it writes a value: for a link, or a file's URL."""
        field = type(self._own())
        return issubclass(field, serializers.FileField | serializers.RelatedField) or not field.__module__.startswith(
            "rest_framework."
        )

    def _in(self, context: dict[str, Any]) -> Field:
        """The field in a serializer with `context`, one for all values of a response."""
        known = context.setdefault(BOUND, {})
        if self not in known:
            known[self] = self.field()
            known[self].bind("value", serializers.Serializer(context=context))
        found: Field = known[self]
        return found

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """How Pydantic validates and serializes it."""
        schema = core_schema.no_info_plain_validator_function(
            self.validate,
            serialization=core_schema.plain_serializer_function_ser_schema(self.represent, info_arg=True),
        )
        return core_schema.nullable_schema(schema) if type(None) in get_args(source) else schema

    def __get_pydantic_json_schema__(
        self, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """How OpenAPI describes it."""
        field, found = self._own(), dict(self.schema)
        names = ("minLength", "maxLength") if found.get("type") == "string" else ("minItems", "maxItems")
        limits = {"minimum": "min_value", "maximum": "max_value", names[0]: "min_length", names[1]: "max_length"}
        for keyword, attribute in limits.items():
            value = getattr(field, attribute, None)
            if isinstance(value, int | float):
                found[keyword] = value
        if isinstance(field, serializers.ChoiceField):  # choices of a related field are in the database
            found.setdefault("items" if found.get("type") == "array" else "enum", _enum(field, found))
        if field.help_text:
            found["description"] = str(field.help_text)
        return {"anyOf": [found, {"type": "null"}]} if core["type"] == "nullable" else found


def _is_read_only(field_class: Any) -> bool:
    """Whether fields of this class are always read-only."""
    kinds = (serializers.ReadOnlyField, serializers.SerializerMethodField, serializers.HyperlinkedIdentityField)
    return isinstance(field_class, type) and issubclass(field_class, kinds)


def _shown(value: Any) -> str:
    """`repr(value)`, except for querysets: theirs queries the database, and Pydantic calls it on the event loop."""
    return f"<rows of {value.model.__name__}>" if isinstance(value, QuerySet) else repr(value)


def _enum(field: Any, schema: Mapping[str, Any]) -> Any:
    values = list(field.choices)
    if field.allow_blank and schema.get("type") != "array" and "" not in values:
        values.append("")
    return {"enum": values} if schema.get("type") == "array" else values


def _first(detail: Any) -> str:
    while isinstance(detail, list | dict) and detail:
        detail = next(iter(detail.values() if isinstance(detail, dict) else detail))
    return str(detail)


def _forget(**_changed: Any) -> None:
    _made.clear()


setting_changed.connect(_forget)


class DRFChar(DRFField):
    """CharField: trims, refuses blank values and NUL, accepts numbers."""

    field_class: ClassVar[Callable[..., Any]] = serializers.CharField
    native = (str,)


class DRFEmail(DRFChar):
    """EmailField."""

    field_class = serializers.EmailField
    schema = {"type": "string", "format": "email"}


class DRFRegex(DRFChar):
    """RegexField."""

    field_class: ClassVar[Callable[..., Any]] = serializers.RegexField


class DRFSlug(DRFChar):
    """SlugField."""

    field_class = serializers.SlugField


class DRFURL(DRFChar):
    """URLField."""

    field_class = serializers.URLField
    schema = {"type": "string", "format": "uri"}


class DRFIPAddress(DRFChar):
    """IPAddressField."""

    field_class: ClassVar[Callable[..., Any]] = serializers.IPAddressField


class DRFBoolean(DRFField):
    """BooleanField."""

    field_class = serializers.BooleanField
    native = (bool,)
    schema = {"type": "boolean"}


class DRFInteger(DRFField):
    """IntegerField: no booleans."""

    field_class = serializers.IntegerField
    native = (int,)
    schema = {"type": "integer"}


class DRFBigInteger(DRFInteger):
    """BigIntegerField, of DRF 3.17 and later: text in JSON where COERCE_BIGINT_TO_STRING is on."""

    field_class = getattr(serializers, "BigIntegerField", serializers.IntegerField)


class DRFFloat(DRFField):
    """FloatField."""

    field_class = serializers.FloatField
    native = (float,)
    schema = {"type": "number"}


class DRFDecimal(DRFField):
    """DecimalField: text in JSON unless COERCE_DECIMAL_TO_STRING is off."""

    field_class = serializers.DecimalField
    native = (decimal.Decimal,)
    schema = {"type": "string", "format": "decimal"}

    def __init__(self, max_digits: int | None = None, decimal_places: int | None = None, **kwargs: Any) -> None:
        super().__init__(max_digits=max_digits, decimal_places=decimal_places, **kwargs)


class DRFDateTime(DRFField):
    """DateTimeField: in the current time zone, formatted by DATETIME_FORMAT."""

    field_class = serializers.DateTimeField
    native = (dt.datetime,)
    schema = {"type": "string", "format": "date-time"}


class DRFDate(DRFField):
    """DateField."""

    field_class = serializers.DateField
    native = (dt.date,)
    schema = {"type": "string", "format": "date"}

    def validate(self, value: Any) -> Any:
        """As DRF: a datetime is not a date."""
        return self._own().run_validation(value) if isinstance(value, dt.datetime) else super().validate(value)


class DRFTime(DRFField):
    """TimeField."""

    field_class = serializers.TimeField
    native = (dt.time,)
    schema = {"type": "string", "format": "time"}


class DRFDuration(DRFField):
    """DurationField: `1 02:00:00`."""

    field_class = serializers.DurationField
    native = (dt.timedelta,)
    schema = {"type": "string", "examples": ["1 02:00:00"]}


class DRFUUID(DRFField):
    """UUIDField."""

    field_class = serializers.UUIDField
    native = (uuid.UUID,)
    schema = {"type": "string", "format": "uuid"}


class DRFChoice(DRFField):
    """ChoiceField."""

    field_class = serializers.ChoiceField
    native = (str, int)
    schema: ClassVar[Mapping[str, Any]] = {}


class DRFMultipleChoice(DRFField):
    """MultipleChoiceField: returns a set."""

    field_class = serializers.MultipleChoiceField
    native = (set, frozenset)
    schema = {"type": "array"}


class DRFList(DRFField):
    """ListField."""

    field_class = serializers.ListField
    native = (list,)
    schema = {"type": "array", "items": {}}


class DRFDict(DRFField):
    """DictField."""

    field_class = serializers.DictField
    native = (dict,)
    schema = {"type": "object"}


class DRFJSON(DRFField):
    """JSONField: any JSON."""

    field_class = serializers.JSONField
    native = (object,)
    schema: ClassVar[Mapping[str, Any]] = {}


class DRFFile(DRFField):
    """FileField: returns Django's UploadedFile, and writes a model's file."""

    field_class = serializers.FileField
    native = (File,)
    schema = {"type": "string", "format": "binary"}


class DRFImage(DRFFile):
    """ImageField."""

    field_class = serializers.ImageField


def drf_field(
    field_class: Callable[..., Any],
    *args: Any,
    native: type | tuple[type, ...] = (),
    schema: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> DRFField:
    """Any other field class as an annotation: `Annotated[Money, drf_field(MoneyField, native=Money)]`.

    `native` is the type that the field returns, `schema` its JSON schema, the rest are the field's arguments.
    """
    types = native if isinstance(native, tuple) else (native,)
    attributes = {"field_class": field_class, "native": types, "schema": schema or {}, "__doc__": field_class.__doc__}
    kind: type[DRFField] = type(getattr(field_class, "__name__", "Field"), (DRFField,), attributes)
    return kind(*args, **kwargs)
