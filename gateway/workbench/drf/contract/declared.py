"""Compares the declarations of two fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.core import validators as django_validators
from rest_framework import serializers, validators
from rest_framework.fields import empty

from gateway.bridge.drf.serializers import Unchecked
from gateway.workbench.contract.result import plain

__all__ = ["CODES", "DeclarationDifference", "declared"]

# The code of an error, and the attribute of the field that causes it.
CODES: Mapping[str, str] = {
    "blank": "allow_blank",
    "empty": "allow_empty",
    "invalid_choice": "choices",
    "max_decimal_places": "decimal_places",
    "max_whole_digits": "max_digits",
    "null": "allow_null",
}
ATTRIBUTES = (
    "required", "allow_null", "read_only", "write_only", "allow_blank", "trim_whitespace", "min_length", "max_length",
    "min_value", "max_value", "max_digits", "decimal_places", "rounding", "coerce_to_string", "localize", "allow_empty",
    "allow_empty_file", "protocol", "uuid_format", "format", "input_formats",
)  # fmt: skip
# Attributes that mean nothing if they are false, when only one of two classes has them.
FALSE = {"allow_blank": False, "allow_null": False, "allow_empty": True, "trim_whitespace": True}
MOST_CHOICES = 8
# Attributes that follow from the field's class, or from another attribute above.
USUAL = (
    django_validators.ProhibitNullCharactersValidator,
    django_validators.BaseValidator,
    django_validators.DecimalValidator,
    django_validators.EmailValidator,
    django_validators.URLValidator,
    validators.ProhibitSurrogateCharactersValidator,
    validators.UniqueValidator,
)


class DeclarationDifference(NamedTuple):
    """One difference of the declarations."""

    attribute: str
    legacy: str
    service: str


def declared(legacy: Any, service: Any) -> Iterator[DeclarationDifference]:
    """The differences of the fields. Nothing here makes a database query, as a field's repr would."""
    if not _same_class(legacy, service):
        yield DeclarationDifference("class", type(legacy).__name__, type(service).__name__)
    if isinstance(service, Unchecked):
        return  # only Pydantic validates it
    for name in ATTRIBUTES:
        ours, theirs = getattr(legacy, name, None), getattr(service, name, None)
        if hasattr(legacy, name) and hasattr(service, name):
            if ours != theirs:
                yield DeclarationDifference(name, plain(ours), plain(theirs))
        elif name in FALSE and hasattr(legacy, name) and ours != FALSE[name]:
            yield DeclarationDifference(name, plain(ours), "it has none")
    yield from _defaults(legacy, service)
    yield from _choices(legacy, service)
    ours, theirs = _validators(legacy), _validators(service)
    if ours != theirs:
        yield DeclarationDifference("validators", ", ".join(ours) or "none", ", ".join(theirs) or "none")


def _same_class(legacy: Any, service: Any) -> bool:
    ours, theirs = type(legacy), type(service)
    if isinstance(legacy, serializers.BaseSerializer) and isinstance(service, serializers.BaseSerializer):
        return isinstance(legacy, serializers.ListSerializer) == isinstance(service, serializers.ListSerializer)
    return issubclass(theirs, ours) or issubclass(ours, theirs)


def _defaults(legacy: Any, service: Any) -> Iterator[DeclarationDifference]:
    ours, theirs = _default(legacy), _default(service)
    if ours != theirs and "nothing" not in (ours, theirs):
        yield DeclarationDifference("default", ours, theirs)


def _default(field: Any) -> str:
    if field.default is empty:
        return "nothing"
    return plain(field.default) if not callable(field.default) else type(field.default).__name__


def _choices(legacy: Any, service: Any) -> Iterator[DeclarationDifference]:
    """Choices of a related field are in the database, and left out."""
    if not isinstance(legacy, serializers.ChoiceField) or not isinstance(service, serializers.ChoiceField):
        return
    ours, theirs = [*legacy.choices], [*service.choices]
    if set(ours) != set(theirs):
        gone, more = [one for one in ours if one not in theirs], [one for one in theirs if one not in ours]
        yield DeclarationDifference("choices", _some(gone), _some(more))


def _some(values: list[Any]) -> str:
    rest = f" and {len(values) - MOST_CHOICES} more" if len(values) > MOST_CHOICES else ""
    return ", ".join(map(plain, values[:MOST_CHOICES])) + rest or "no more"


def _validators(field: Any) -> list[str]:
    return sorted(_validator(one) for one in field.validators if not isinstance(one, USUAL))


def _validator(validator: Any) -> str:
    name = getattr(validator, "__qualname__", type(validator).__name__)
    regex = getattr(validator, "regex", None)
    return name if regex is None else f"{name} {getattr(regex, 'pattern', regex)}"
