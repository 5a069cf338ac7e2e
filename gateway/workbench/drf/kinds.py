"""The type of `gateway.bridge.drf` for each serializer field, and the Python type of its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models
from rest_framework import serializers

from gateway.workbench.scaffold.references import ref, reference

__all__ = ["KNOWN_OPTIONS", "FieldKind", "kind_of"]

BRIDGE = "gateway.bridge.drf"
DATETIME = "datetime"


@dataclass(frozen=True, slots=True)
class FieldKind:
    """`marker` is the type in the annotation, or None for `drf_field`; `native` is the text of the field's Python type.
    `schema` is the JSON schema that callers see, if the marker doesn't define it."""

    marker: str | None
    native: str
    schema: dict[str, Any] | None = None


_MARKERS: dict[type, tuple[str, str]] = {
    serializers.BooleanField: ("DRFBoolean", "bool"),
    serializers.CharField: ("DRFChar", "str"),
    serializers.EmailField: ("DRFEmail", "str"),
    serializers.RegexField: ("DRFRegex", "str"),
    serializers.SlugField: ("DRFSlug", "str"),
    serializers.URLField: ("DRFURL", "str"),
    serializers.IPAddressField: ("DRFIPAddress", "str"),
    serializers.UUIDField: ("DRFUUID", ref("uuid", "UUID")),
    getattr(serializers, "BigIntegerField", object): ("DRFBigInteger", "int"),  # not before DRF 3.17
    serializers.IntegerField: ("DRFInteger", "int"),
    serializers.FloatField: ("DRFFloat", "float"),
    serializers.DecimalField: ("DRFDecimal", ref("decimal", "Decimal")),
    serializers.DateTimeField: ("DRFDateTime", ref(DATETIME, "datetime")),
    serializers.DateField: ("DRFDate", ref(DATETIME, "date")),
    serializers.TimeField: ("DRFTime", ref(DATETIME, "time")),
    serializers.DurationField: ("DRFDuration", ref(DATETIME, "timedelta")),
    serializers.JSONField: ("DRFJSON", ref("typing", "Any")),
    serializers.FileField: ("DRFFile", ref("django.core.files.uploadedfile", "UploadedFile")),
    serializers.ImageField: ("DRFImage", ref("django.core.files.uploadedfile", "UploadedFile")),
}
_TEXT: dict[str, Any] = {"type": "string"}
# Attributes of the fields' behaviour, besides those of every field, which may have been changed after creation.
KNOWN_OPTIONS: dict[type, tuple[str, ...]] = {
    serializers.CharField: ("allow_blank", "trim_whitespace", "max_length", "min_length"),
    serializers.IntegerField: ("max_value", "min_value"),
    serializers.FloatField: ("max_value", "min_value"),
    serializers.DecimalField: (
        "max_digits",
        "decimal_places",
        "max_value",
        "min_value",
        "coerce_to_string",
        "localize",
    ),
    serializers.ChoiceField: ("choices", "allow_blank"),
    serializers.MultipleChoiceField: ("allow_empty",),
    serializers.ListField: ("allow_empty", "min_length", "max_length"),
    serializers.DictField: ("allow_empty",),
    serializers.FileField: ("max_length", "allow_empty_file", "use_url"),
    serializers.RelatedField: ("queryset",),
    serializers.ListSerializer: ("allow_empty", "min_length", "max_length"),
}


def kind_of(field: Any) -> FieldKind:
    """The form in which `field` is written."""
    if (known := _MARKERS.get(type(field))) is not None:
        return FieldKind(*known)
    for classes, find in _FINDERS:
        if isinstance(field, classes):
            found: FieldKind = find(field)
            return found
    return FieldKind(None, ref("typing", "Any"))


def _exact(field: Any, kind: type, marker: str) -> str | None:
    return marker if type(field) is kind else None


def _choice(field: Any) -> FieldKind:
    names = sorted({type(value).__name__ for value in field.choices if type(value) in (str, int)}, reverse=True)
    whole = bool(names) and all(type(value) in (str, int) for value in field.choices)
    native = " | ".join(names) if whole else ref("typing", "Any")
    marker = _exact(field, serializers.ChoiceField, "DRFChoice") if whole else None
    return FieldKind(marker, native, None if marker else {"enum": [*field.choices]} if whole else {})


def _choices(field: Any) -> FieldKind:
    inner = _choice(field).native
    return FieldKind(_exact(field, serializers.MultipleChoiceField, "DRFMultipleChoice"), f"set[{inner}]")


def _list(field: Any) -> FieldKind:
    return FieldKind(_exact(field, serializers.ListField, "DRFList"), f"list[{_child(field)}]", {"type": "array"})


def _dict(field: Any) -> FieldKind:
    return FieldKind(_exact(field, serializers.DictField, "DRFDict"), f"dict[str, {_child(field)}]", {"type": "object"})


def _child(field: Any) -> str:
    child = field.child
    if isinstance(child, serializers.BaseSerializer):
        return ref("typing", "Any")
    inner = kind_of(child).native
    return f"{inner} | None" if child.allow_null and not inner.endswith("Any\x1f\x03") else inner


def _related(field: Any) -> FieldKind:
    queryset = field.queryset
    native = reference(queryset.model) if queryset is not None and not field.read_only else ref("typing", "Any")
    schema = _TEXT
    if isinstance(field, serializers.PrimaryKeyRelatedField) and queryset is not None:
        schema = _of_key(queryset.model._meta.pk)  # noqa: SLF001 - Django's manual has it
    elif isinstance(field, serializers.HyperlinkedRelatedField):
        schema = {"type": "string", "format": "uri"}
    return FieldKind(None, native, schema)


def _of_key(key: Any) -> dict[str, Any]:
    while key.remote_field is not None:
        key = key.target_field
    if isinstance(key, models.IntegerField):
        return {"type": "integer"}
    return {"type": "string", "format": "uuid"} if isinstance(key, models.UUIDField) else _TEXT


def _many(field: Any) -> FieldKind:
    inner = _related(field.child_relation) if isinstance(field.child_relation, serializers.RelatedField) else None
    native, schema = (inner.native, inner.schema) if inner else (ref("typing", "Any"), {})
    return FieldKind(None, f"list[{native}]", {"type": "array", "items": schema})


def _text(_field: Any) -> FieldKind:
    return FieldKind(None, "str", _TEXT)


def _whole(_field: Any) -> FieldKind:
    return FieldKind(None, "int", {"type": "integer"})


_FINDERS: tuple[tuple[Any, Any], ...] = (
    (serializers.MultipleChoiceField, _choices),
    (serializers.FilePathField, _text),
    (serializers.ChoiceField, _choice),
    (serializers.ListField, _list),
    (serializers.DictField, _dict),
    (serializers.ManyRelatedField, _many),
    (serializers.RelatedField, _related),
    (serializers.CharField, _text),
    (serializers.IntegerField, _whole),
)
