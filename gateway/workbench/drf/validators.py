"""The validators of fields and serializers as text, without those that DRF adds itself."""

from __future__ import annotations

from typing import Any

from django.core.validators import BaseValidator
from rest_framework.utils.field_mapping import get_unique_error_message
from rest_framework.utils.formatting import lazy_format
from rest_framework.validators import (
    BaseUniqueForValidator,
    ProhibitSurrogateCharactersValidator,
    UniqueTogetherValidator,
    UniqueValidator,
)

from gateway.workbench.scaffold.literals import Text, arguments, literal
from gateway.workbench.scaffold.references import Untranslatable, ref, reference

__all__ = ["all_of", "given", "validator"]

METHODS = "gateway.bridge.drf.methods"
# The arguments of DRF's validator classes, which are also the names of their attributes.
_OPTIONS: dict[type, tuple[str, ...]] = {
    UniqueValidator: ("queryset", "lookup"),
    UniqueTogetherValidator: ("queryset", "fields", "condition_fields", "condition", "code", "nulls_distinct"),
    BaseUniqueForValidator: ("queryset", "field", "date_field"),
    ProhibitSurrogateCharactersValidator: (),
}
_DEFAULTS: dict[str, Any] = {
    "lookup": "exact",
    "condition_fields": [],
    "condition": None,
    "code": "unique",
    "nulls_distinct": None,
}


def validator(value: Any) -> str:
    """The text that creates an equal validator. Raises Untranslatable."""
    for kind, names in _OPTIONS.items():
        if isinstance(value, kind):
            return _of_drf(value, names)
    if isinstance(value, BaseValidator) and isinstance(value.message, lazy_format):
        return f"{reference(type(value))}({literal(value.limit_value)}, message={str(value.message)!r})"
    return literal(value)


def _of_drf(value: Any, names: tuple[str, ...]) -> str:
    kind = type(value)
    present = {name: getattr(value, name) for name in names if hasattr(value, name)}
    options = {name: one for name, one in present.items() if name not in _DEFAULTS or one != _DEFAULTS[name]}
    if hasattr(value, "message") and value.message != kind.message:
        options["message"] = _message(value)
    return f"{reference(kind)}({arguments((), options)})"


def _message(value: Any) -> Any:
    """The message: for a unique field of a model, DRF uses the caller's language."""
    for field in value.queryset.model._meta.fields:  # noqa: SLF001 - Django's manual has it
        if field.unique and str(get_unique_error_message(field)) == str(value.message):
            return Text(f"{ref(METHODS, 'unique_message')}({reference(field.model)}, {field.name!r})")
    return value.message


def all_of(validators: Any) -> str:
    """The text of a list of validators."""
    return f"[{', '.join(map(validator, validators))}]"


def given(field: Any, bare: Any) -> str | None:
    """The `validators` argument that `field` needs; None if it has the same as `bare`, made from the other arguments
    only. `bare` is called with an empty list to find what its class adds. Raises Untranslatable."""
    wanted = [_name(one) for one in field.validators]
    if wanted == [_name(one) for one in bare(None).validators]:
        return None
    added = [_name(one) for one in bare([]).validators]
    rest = list(field.validators)
    for one in reversed(added):
        names = [_name(found) for found in rest]
        if one in names:
            del rest[len(names) - 1 - names[::-1].index(one)]
    return all_of(rest)


def _name(value: Any) -> object:
    """Identifies a validator."""
    try:
        return validator(value)
    except Untranslatable:
        return id(value)
