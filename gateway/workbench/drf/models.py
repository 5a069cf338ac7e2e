"""Serializer instances as Pydantic models, for requests and responses, each with its nested models."""

from __future__ import annotations

import inspect
import keyword
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain, count
from typing import Any, Literal

from pydantic import TypeAdapter
from rest_framework import serializers

from gateway.workbench.drf.document import DocumentedSchema
from gateway.workbench.drf.fields import (
    ANNOTATED,
    ANY,
    FieldText,
    common_options,
    field_text,
    nullable,
    own_options,
    pydantic_default,
    with_default,
)
from gateway.workbench.drf.kinds import BRIDGE
from gateway.workbench.drf.validators import all_of
from gateway.workbench.scaffold.literals import arguments
from gateway.workbench.scaffold.references import Untranslatable, ref
from gateway.workbench.scaffold.stubs import annotation_text, docstring, hints, in_docstring, raising

__all__ = ["Direction", "Models"]

Direction = Literal["response", "request", "patch"]
METHODS = f"{BRIDGE}.methods"
NAMED = f"{BRIDGE}.openapi.named"
# Methods in which a serializer may have its own behaviour, by direction: fields can't express these.
HOOKS: Mapping[str, tuple[str, ...]] = {
    "response": ("to_representation",),
    "request": ("to_internal_value", "run_validation", "validate"),
    "patch": ("to_internal_value", "run_validation", "validate"),
}


def _usual(serializer: Any, direction: Direction) -> str:
    """The name of its model without a document: that of the class without `Serializer`, as in drf-spectacular."""
    kind = type(serializer)
    named = getattr(getattr(kind, "Meta", None), "ref_name", None)
    name = str(named or kind.__name__.removesuffix("Serializer") or kind.__name__)
    return {"response": name, "request": f"{name}Request", "patch": f"Patched{name}"}[direction]


class Models:
    """The models for some serializers. `texts` are their classes by name, each after those that it uses; `todos`
    describe what could not be translated."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.todos: list[str] = []
        self._written: dict[type, str] = {}  # the model for requests of each serializer class

    def add(self, serializer: Any, direction: Direction, documented: DocumentedSchema | None = None) -> str:
        """The name of the model for `serializer`, which may exist already. The serializer isn't called. `documented` is
        its schema in the project's API document, whose names are used."""
        lines = [*self._lines(serializer, direction, documented)]
        name = self.named(
            _usual(serializer, direction),
            "\n\n".join(filter(None, lines)) or "pass",
            documented.name if documented is not None else None,
        )
        if direction == "request":
            self._written[type(serializer)] = name
        return name

    def named(self, usual: str, body: str, component: str | None = None) -> str:
        """The name of a model with this `body`: that of its `component` in the project's document, or `usual`."""
        bases = ref("pydantic", "BaseModel")
        if component is not None:
            bases += f", json_schema_extra={ref(NAMED, 'component')}({component!r})"
        wanted = [component] if component is not None and _is_class_name(component) else []
        names = chain(wanted, [usual], (f"{usual}{number}" for number in count(2)))
        body = textwrap.indent(body, "    ")
        return next(name for name in names if self._is(name, f"class {name}({bases}):\n{body}\n"))

    def _is(self, name: str, text: str) -> bool:
        """Whether the model `name` has this text, which it gets if there is none of that name."""
        return self.texts.setdefault(name, text) == text

    def _lines(self, serializer: Any, direction: Direction, documented: DocumentedSchema | None) -> Iterator[str]:
        kind = type(serializer)
        if kind.__doc__ and "__doc__" in vars(kind) and not kind.__module__.startswith("rest_framework"):
            yield f'"""{in_docstring(inspect.cleandoc(kind.__doc__))}"""'
        fields = [(name, field) for name, field in serializer.fields.items() if _belongs(field, direction)]
        yield "\n".join(
            str(self._field(kind, name, field, direction, documented.field(name) if documented is not None else None))
            for name, field in fields
        )
        if direction != "response":
            yield self._validators(serializer)
        written = self._written.get(kind, "") if direction == "patch" else ""
        for name in self._methods(serializer, direction):
            yield f"{name} = {written}.{name}" if written else self._stub(kind, name)

    # -- fields ----------------------------------------------------------------------------------

    def _field(
        self, kind: type, name: str, field: Any, direction: Direction, documented: DocumentedSchema | None
    ) -> FieldText:
        try:
            if isinstance(field, serializers.BaseSerializer):
                return self._nested(name, field, direction, documented)
            if type(field) is serializers.SerializerMethodField:
                return _method_field(kind, name, field)
            return _with_choices(field_text(name, field, partial=direction == "patch"), documented)
        except Untranslatable as exc:
            return self._todo(f"{kind.__name__}.{name}: {exc}", name, field, direction)

    def _todo(self, what: str, name: str, field: Any, direction: Direction) -> FieldText:
        self._say(what)
        optional = not field.read_only and (direction == "patch" or not field.required)
        flags = {flag: True for flag in ("read_only", "write_only") if getattr(field, flag)}
        flags |= {"allow_null": True} if field.allow_null else {}
        marker = f"{ref(METHODS, 'DRFTodo')}({', '.join(filter(None, [repr(what), arguments((), flags)]))})"
        return with_default(name, f"{ANNOTATED}[{ANY}, {marker}]", "None" if optional else None)

    def _nested(self, name: str, field: Any, direction: Direction, documented: DocumentedSchema | None) -> FieldText:
        many = isinstance(field, serializers.ListSerializer)
        serializer: Any = field.child if many else field
        if many and type(field) is not serializers.ListSerializer:
            raise Untranslatable(f"a list serializer of the project's own, {type(field).__name__}")
        if not isinstance(serializer, serializers.Serializer):
            raise Untranslatable(f"{type(serializer).__name__}, which has no fields")
        if direction != "response" and serializer.source == "*" and not many:
            raise Untranslatable("a nested serializer with source='*', which is written")
        model = self.add(serializer, "request" if direction == "patch" else direction, documented)
        optional = not field.read_only and (direction == "patch" or not field.required)
        default = pydantic_default(field) if optional else None
        inner = f"list[{model}]" if many else model
        native = nullable(inner, field.allow_null or default == "None")
        options = _nested_options(field)
        if field.allow_null != (native != inner):
            options["allow_null"] = field.allow_null
        if options:
            native = f"{ANNOTATED}[{native}, {ref(METHODS, 'drf_nested')}({arguments((), options)})]"
        return with_default(name, native, default)

    def _validators(self, serializer: Any) -> str:
        try:
            found = all_of(serializer.validators)
        except Untranslatable as exc:
            self._say(f"{type(serializer).__name__}.validators: {exc}")
            return f"# TODO: the validators of {type(serializer).__name__}: {exc}"
        return "" if found == "[]" else f"drf_validators: {ref('typing', 'ClassVar')}[list[{ANY}]] = {found}"

    # -- methods ---------------------------------------------------------------------------------

    def _methods(self, serializer: Any, direction: Direction) -> Iterator[str]:
        yield from (name for name in HOOKS[direction] if not _is_drfs(getattr(type(serializer), name)))
        for name, field in serializer.fields.items():
            if direction == "response" and isinstance(field, serializers.SerializerMethodField):
                yield str(field.method_name)
            elif direction != "response" and not field.read_only and hasattr(serializer, f"validate_{name}"):
                yield f"validate_{name}"

    def _stub(self, kind: type, name: str) -> str:
        what = f"{kind.__name__}.{name}"
        function = inspect.unwrap(getattr(kind, name))
        known, parameters = hints(function), [*inspect.signature(function).parameters.values()][1:]
        shown = [f"self: {ANY}"]
        for parameter in parameters:
            star = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(parameter.kind.name, "")
            shown.append(f"{star}{parameter.name}: {annotation_text(known.get(parameter.name, Any))}")
        returns = annotation_text(known.get("return", Any))
        self._say(what)
        text = docstring(_summary(function, what), what, function)
        body = textwrap.indent(f"{text}\n{raising(what)}", "    ")
        ignored = "  # type: ignore[override] # the serializer's, not the model's" if name == "validate" else ""
        head = f"def {name}({', '.join(shown)}) -> {returns}:{ignored}"
        return f"@{ref(METHODS, 'serializer_method')}\n{head}\n{body}"

    def _say(self, what: str) -> None:
        if what not in self.todos:
            self.todos.append(what)


def _is_class_name(component: str) -> bool:
    return component.isidentifier() and component[0].isupper() and not keyword.iskeyword(component)


def _with_choices(field: FieldText, documented: DocumentedSchema | None) -> FieldText:
    """The field, with the names of the components for its choices."""
    names = documented.choices if documented is not None else None
    if names is None or not field.annotation.startswith(f"{ANNOTATED}["):
        return field
    options = arguments((names.name,), {kind: name for kind in ("blank", "null") if (name := getattr(names, kind))})
    extra = f"{ref('pydantic', 'Field')}(json_schema_extra={ref(NAMED, 'component')}({options}))"
    return replace(field, annotation=f"{field.annotation[:-1]}, {extra}]")


def _belongs(field: Any, direction: Direction) -> bool:
    return not (field.write_only if direction == "response" else field.read_only)


def _nested_options(field: Any) -> dict[str, Any]:
    skipped = ("child", "instance", "data", "context", "partial")
    if isinstance(field, serializers.ListSerializer) and field.validators:
        raise Untranslatable("validators of a list of objects")
    options = {name: value for name, value in own_options(field).items() if name not in skipped}
    return options | common_options(field)


def _method_field(kind: type, name: str, field: Any) -> FieldText:
    """With the type of its method's annotation, if Pydantic accepts that."""
    options = {
        option: value for option, value in common_options(field).items() if option not in ("source", "read_only")
    }
    if field.method_name != f"get_{name}":
        options["method_name"] = field.method_name
    hint = hints(inspect.unwrap(getattr(kind, field.method_name))).get("return", Any)
    try:
        TypeAdapter(hint).json_schema()
        native = annotation_text(hint)
    except Exception:  # noqa: BLE001 - whatever an annotation means, Pydantic doesn't take it
        native = f"dict[str, {ANY}]" if hasattr(hint, "__total__") else ANY
    return with_default(name, f"{ANNOTATED}[{native}, {ref(METHODS, 'DRFMethod')}({arguments((), options)})]", None)


def _is_drfs(method: Any) -> bool:
    return str(method.__module__).startswith("rest_framework.")


def _summary(function: Any, what: str) -> str:
    found = inspect.getdoc(function)
    return in_docstring(found.splitlines()[0]) if found else f"{what}, to be written."
