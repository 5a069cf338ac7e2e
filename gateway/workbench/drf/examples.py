"""A valid body for a serializer, as the text of a dictionary, for contract tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from gateway.workbench.scaffold.literals import literal
from gateway.workbench.scaffold.references import Untranslatable, ref, reference

__all__ = ["body_text", "is_certain", "required_names", "writable_names"]

MAKE = ref("model_bakery", "baker")
TEXTS: tuple[tuple[type, str], ...] = (
    (serializers.EmailField, "ada@example.com"),
    (serializers.URLField, "https://example.com/"),
    (serializers.IPAddressField, "127.0.0.1"),
    (serializers.UUIDField, "6f1f1d1e-7f3a-4b6e-9c3d-2b5a1c0d9e8f"),
    (serializers.DateTimeField, "2026-01-02T03:04:05Z"),
    (serializers.DateField, "2026-01-02"),
    (serializers.TimeField, "03:04:05"),
    (serializers.DurationField, "1 02:03:04"),
)


def writable_names(serializer: Any) -> list[str]:
    """The fields that callers send."""
    return [
        name
        for name, field in serializer.fields.items()
        if not field.read_only and not isinstance(field, serializers.HiddenField)
    ]


def required_names(serializer: Any) -> list[str]:
    """The fields that callers must send."""
    return [name for name in writable_names(serializer) if serializer.fields[name].required]


def is_certain(serializer: Any) -> bool:
    """Whether a body that its fields accept is certainly valid: the project adds no rules of its own."""
    kind = type(serializer)
    own = [name for name in ("validate", "create", "update", "to_internal_value") if _is_own(getattr(kind, name, None))]
    return not own and not any(hasattr(kind, f"validate_{name}") for name in serializer.fields)


def _is_own(method: Any) -> bool:
    return method is not None and not str(method.__module__).startswith("rest_framework.")


def body_text(serializer: Any) -> str:
    """The text of a dictionary with a value for each field, where one is known."""
    found = []
    for name in writable_names(serializer):
        try:
            found.append(f"{name!r}: {_example(serializer.fields[name])}")
        except Untranslatable:
            if serializer.fields[name].required:
                found.append(f"{name!r}: None")
    return "{" + ", ".join(found) + "}"


def _example(field: Any) -> str:
    if isinstance(field, serializers.ListSerializer):
        return f"[{body_text(field.child)}]"
    if isinstance(field, serializers.Serializer):
        return body_text(field)
    for kind, text in TEXTS:
        if isinstance(field, kind):
            return repr(text)
    for kinds, example in _EXAMPLES:
        if isinstance(field, kinds):
            return str(example(field))
    raise Untranslatable(f"a value for {type(field).__name__}")


def _text(field: Any) -> str:
    if isinstance(field, serializers.RegexField) and not isinstance(field, serializers.SlugField):
        raise Untranslatable("text that a regular expression takes")
    words = "text" if isinstance(field, serializers.SlugField) else "Text"
    least, most = field.min_length or 0, field.max_length
    return repr((words + "x" * max(0, least - len(words)))[:most])


def _number(field: Any) -> str:
    least, most = getattr(field, "min_value", None), getattr(field, "max_value", None)
    value = max(1, least) if least is not None else 1
    value = min(value, most) if most is not None else value
    if isinstance(field, serializers.DecimalField):
        return repr(str(Decimal(value).quantize(Decimal(1).scaleb(-(field.decimal_places or 0)))))
    return repr(float(value) if isinstance(field, serializers.FloatField) else int(value))


def _choice(field: Any) -> str:
    first = next((value for value in field.choices if value != ""), None)
    if first is None:
        raise Untranslatable("a choice")
    return f"[{literal(first)}]" if isinstance(field, serializers.MultipleChoiceField) else literal(first)


def _related(field: Any) -> str:
    if field.queryset is None:
        raise Untranslatable("a related object")
    made = f"{MAKE}.make({reference(field.queryset.model)})"
    if isinstance(field, serializers.PrimaryKeyRelatedField):
        return f"{made}.pk"
    if isinstance(field, serializers.SlugRelatedField):
        return f"{made}.{field.slug_field.replace('__', '.')}"
    raise Untranslatable("a related object that is known by its URL")


def _upload(field: Any) -> str:
    name, kind = ("a.gif", "GIF") if isinstance(field, serializers.ImageField) else ("a.txt", "b'text'")
    return f"{ref('django.core.files.uploadedfile', 'SimpleUploadedFile')}({name!r}, {kind})"


_EXAMPLES: tuple[tuple[Any, Any], ...] = (
    (serializers.MultipleChoiceField, _choice),
    (serializers.ChoiceField, _choice),
    (serializers.BooleanField, lambda _field: "True"),
    (serializers.CharField, _text),
    (serializers.IntegerField | serializers.FloatField | serializers.DecimalField, _number),
    (serializers.ListField, lambda field: f"[{_example(field.child)}]"),
    (serializers.DictField, lambda field: f"{{'key': {_example(field.child)}}}"),
    (serializers.JSONField, lambda _field: "{'key': 1}"),
    (serializers.ManyRelatedField, lambda field: f"[{_example(field.child_relation)}]"),
    (serializers.RelatedField, _related),
    (serializers.FileField, _upload),
)
