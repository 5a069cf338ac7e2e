"""From a serializer to the text of its models, to the models, and back to a serializer."""

from __future__ import annotations

import itertools
import sys
import types
from typing import Any

from rest_framework.relations import ManyRelatedField, RelatedField

from gateway.bridge.drf.serializers import serializer_for
from gateway.workbench.drf.models import Direction, Models
from gateway.workbench.scaffold.references import resolve

_numbers = itertools.count()
# What a caller or an administrator can see of a field, whatever its class.
COMMON = (
    "read_only", "write_only", "required", "allow_null", "source", "label", "help_text", "initial", "style",
    "field_name", "source_attrs",
)  # fmt: skip
# What its class adds to that.
OWN = (
    "allow_blank", "allow_empty", "allow_empty_file", "allow_unicode", "binary", "choices", "coerce_to_string",
    "decimal_places", "encoder", "format", "html_cutoff", "input_formats", "localize", "lookup_field",
    "lookup_url_kwarg", "many", "max_digits", "max_length", "max_value", "method_name", "min_length", "min_value",
    "model_field", "normalize_output", "path", "protocol", "recursive", "rounding", "slug_field", "timezone",
    "trim_whitespace", "uuid_format", "use_url", "view_name",
)  # fmt: skip


def module_of(texts: dict[str, str]) -> types.ModuleType:
    """The module that has these classes."""
    text, imports = resolve("\n\n".join(texts.values()), set(texts))
    module = types.ModuleType(f"scaffolded_{next(_numbers)}")
    sys.modules[module.__name__] = module
    exec(compile("\n".join([*imports, text]), module.__name__, "exec"), module.__dict__)  # noqa: S102 - it is what we wrote
    return module


def back(serializer: Any, direction: Direction = "request") -> Any:
    """The serializer of the model for `serializer`."""
    models = Models()
    name = models.add(serializer, direction)
    assert not [todo for todo in models.todos if ":" in todo], models.todos
    return serializer_for(getattr(module_of(models.texts), name))()


def described(field: Any) -> dict[str, Any]:
    """All that is to be equal."""
    related = isinstance(field, RelatedField | ManyRelatedField)  # whose choices are rows
    names = [name for name in (*COMMON, *OWN) if not (related and name == "choices")]
    found: dict[str, Any] = {"class": type(field)} | {name: _plain(getattr(field, name, None)) for name in names}
    if getattr(field, "queryset", None) is not None:
        found["queryset"] = (field.queryset.model, str(field.queryset.all().query))
    found["default"] = _default(field.default)
    found["messages"] = {name: str(message) for name, message in field.error_messages.items()}
    found["validators"] = [_validator(one) for one in field.validators]
    for name in ("child", "child_relation"):
        if hasattr(field, name):
            found[name] = described(getattr(field, name))
    return found


def _default(value: Any) -> Any:
    return (type(value), vars(value)) if hasattr(value, "requires_context") else value


def _validator(value: Any) -> Any:
    if isinstance(value, types.FunctionType):
        return value
    known = {name: one for name, one in vars(value).items() if name not in ("queryset", "_constructor_args")}
    return type(value), {name: str(one) if name == "message" else _plain(one) for name, one in known.items()}


def _plain(value: Any) -> Any:
    """A pattern is compiled when it is first needed."""
    return getattr(value, "pattern", value)
