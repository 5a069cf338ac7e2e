"""The field of a serializer instance as the text of a Pydantic field: the inverse of `serializer_for`."""

from __future__ import annotations

import copy
import keyword
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from rest_framework import serializers
from rest_framework.fields import CreateOnlyDefault

from gateway.compat.drf import arguments_of
from gateway.workbench.drf.kinds import BRIDGE, KNOWN_OPTIONS, FieldKind, kind_of
from gateway.workbench.drf.validators import given
from gateway.workbench.scaffold.literals import Text, arguments, literal
from gateway.workbench.scaffold.references import Untranslatable, ref, reference

__all__ = ["FieldText", "attribute_name", "common_options", "field_text", "nullable", "with_default"]

ANY = ref("typing", "Any")
ANNOTATED = ref("typing", "Annotated")
# Arguments of every field; `required` is expressed by the model's default, `allow_null` by its annotation.
COMMON = ("read_only", "write_only", "source", "label", "help_text", "initial", "style", "error_messages", "default")
SIMPLE = (bool, int, float, str)


@dataclass(frozen=True, slots=True)
class FieldText:
    """A line of a model: `attribute: annotation = default`. `default` is None without one."""

    attribute: str
    annotation: str
    default: str | None

    def __str__(self) -> str:
        return f"{self.attribute}: {self.annotation}" + (f" = {self.default}" if self.default is not None else "")


def field_text(name: str, field: Any, *, partial: bool = False) -> FieldText:
    """The text for `field`, which is no serializer, named `name`; `partial`: callers may leave it out, as in a PATCH.

    Raises Untranslatable, which says what can't be expressed.
    """
    kind = kind_of(field)
    options = _options(field)
    optional = not field.read_only and (partial or not field.required)
    default = pydantic_default(field) if optional else None
    native, null = nullable(kind.native, field.allow_null or default == "None"), _allows_null(field)
    if null != (native != kind.native):
        options["allow_null"] = null
    if optional:
        options.pop("required", None)
    annotation = f"{ANNOTATED}[{native}, {_marker(field, kind, options)}]"
    if isinstance(field, serializers.HiddenField):
        annotation = f"{ref('pydantic.json_schema', 'SkipJsonSchema')}[{annotation}]"
    return with_default(name, annotation, default)


def _allows_null(field: Any) -> bool:
    return bool(getattr(field, "child_relation", field).allow_null)


def with_default(name: str, annotation: str, default: str | None) -> FieldText:
    """The line for a field of this name, whatever its attribute."""
    attribute = attribute_name(name)
    if attribute == name:
        return FieldText(attribute, annotation, default)
    more = [default] if default is not None else []
    return FieldText(attribute, annotation, f"{ref('pydantic', 'Field')}({', '.join([*more, f'alias={name!r}'])})")


def attribute_name(name: str) -> str:
    """A valid attribute name for a field of this name."""
    cleaned = "".join(character if character.isidentifier() or character.isdigit() else "_" for character in name)
    cleaned = cleaned.lstrip("_") or "field"
    if cleaned[0].isdigit():
        cleaned = f"field_{cleaned}"
    taken = keyword.iskeyword(cleaned) or hasattr(BaseModel, cleaned) or cleaned == "drf_validators"
    return f"{cleaned}_" if taken else cleaned


def nullable(native: str, null: bool) -> str:
    """The type, or a union with None."""
    return f"{native} | None" if null and native != ANY else native


def pydantic_default(field: Any) -> str:
    """The default for a value that wasn't sent: DRF's, if it is a plain value."""
    default = field.default
    return repr(default) if type(default) in SIMPLE else "None"


def _marker(field: Any, kind: FieldKind, options: dict[str, Any]) -> str:
    args, _ = arguments_of(field)
    if kind.marker is not None:
        return f"{ref(BRIDGE, kind.marker)}({arguments(args, options)})"
    made = [reference(_class_of(field)), *filter(None, [arguments(args, options)]), f"native={_native(kind)}"]
    if kind.schema:
        made.append(f"schema={literal(kind.schema)}")
    return f"{ref(BRIDGE, 'drf_field')}({', '.join(made)})"


def _native(kind: FieldKind) -> str:
    """The class of values that are already valid, and aren't validated again."""
    return kind.native if not set(kind.native) & set("[|") and kind.native != ANY else "object"


def _class_of(field: Any) -> type:
    return type(field.child_relation if type(field) is serializers.ManyRelatedField else field)


def _options(field: Any) -> dict[str, Any]:
    """The arguments that create such a field."""
    if type(field) is serializers.ManyRelatedField:
        return _many_options(field)
    options = dict(own_options(field)) | common_options(field)
    return _with_texts(options, _validators(field, options))


def _with_texts(options: Mapping[str, Any], validators: str | None) -> dict[str, Any]:
    found = {name: _argument(value) for name, value in options.items()}
    return found if validators is None else found | {"validators": Text(validators)}


def _argument(value: Any) -> Any:
    if isinstance(value, CreateOnlyDefault):
        return Text(f"{reference(CreateOnlyDefault)}({literal(value.default)})")
    return _call(value) if isinstance(value, serializers.Field) else value


def _call(field: Any) -> Text:
    """The text that creates a field which is an argument of another."""
    options = _options(field)
    if "default" not in options and not field.read_only and not field.required:
        options["required"] = False
    if _allows_null(field):
        options["allow_null"] = True
    args, _ = arguments_of(field)
    return Text(f"{reference(_class_of(field))}({arguments(args, options)})")


def own_options(field: Any) -> Mapping[str, Any]:
    """The arguments of its class, besides the common ones."""
    _, found = arguments_of(field)
    options = {name: value for name, value in found.items() if name not in (*COMMON, *IMPLIED)}
    if isinstance(field, serializers.FilePathField) and field.required:
        options["required"] = found.get("required")  # None means something else than True
    fresh = copy.deepcopy(field)
    for kind, names in KNOWN_OPTIONS.items():
        for name in names if isinstance(field, kind) else ():
            now = getattr(field, name, None)
            if _differs(now, getattr(fresh, name, None)):
                options[name] = now
    return options


IMPLIED = ("required", "allow_null", "validators", "many")


def _differs(now: Any, fresh: Any) -> bool:
    if hasattr(now, "query"):
        return fresh is None or str(now.query) != str(fresh.query)
    return bool(now != fresh)


def common_options(field: Any) -> dict[str, Any]:
    """The common arguments that differ from their defaults, without those that the class fixes."""
    _, found = arguments_of(field)
    fresh = copy.deepcopy(field)
    options: dict[str, Any] = {}
    for name in COMMON:
        now = getattr(field, name)
        if name == "source":
            now = None if now in (field.field_name, "") else now
        if name == "label" and "label" not in found and now == _label(field):
            continue
        if name in found or name == "read_only" or _differs_plainly(now, getattr(fresh, name)):
            options[name] = found[name] if name == "error_messages" and name in found else now
    return {name: value for name, value in options.items() if not _is_default(name, value)}


def _label(field: Any) -> str:
    return str(field.field_name or "").replace("_", " ").capitalize()


def _differs_plainly(now: Any, fresh: Any) -> bool:
    return now is not fresh and now != fresh


def _is_default(name: str, value: Any) -> bool:
    if name == "default" or name == "initial":
        return value is serializers.empty
    return value is None or value is False or value == {}


def _many_options(field: Any) -> dict[str, Any]:
    """Arguments of `Related(many=True, …)`, which passes them to two fields."""
    child = field.child_relation
    if field.validators:
        raise Untranslatable("validators of a list of related objects")
    options = dict(own_options(child)) | common_options(field) | {"many": True}
    if not field.allow_empty:
        options["allow_empty"] = False
    if child.read_only and field.required:  # StringRelatedField(many=True)
        options["required"] = None
    return _with_texts(options, _validators(child, dict(own_options(child)) | common_options(child)))


def _copied(options: Mapping[str, Any]) -> dict[str, Any]:
    """`options`, with copies of fields: a field can only be in one other field."""
    return {
        name: copy.deepcopy(value) if isinstance(value, serializers.Field) else value for name, value in options.items()
    }


def _validators(field: Any, options: Mapping[str, Any]) -> str | None:
    args, _ = arguments_of(field)

    def bare(validators: list[Any] | None) -> Any:
        more = {} if validators is None else {"validators": validators}
        return type(field)(*copy.deepcopy(args), **_copied(options) | more)

    return given(field, bare)
