"""Django's forms as Pydantic models, and what a view reads from a request."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django import forms

from gateway.workbench.scaffold.naming import identifier
from gateway.workbench.scaffold.references import ref
from gateway.workbench.scaffold.stubs import source_of

__all__ = ["form_body", "form_model", "forms_of", "methods_of", "query_of"]

_TYPES: tuple[tuple[type[forms.Field], str], ...] = (
    (forms.BooleanField, "bool"),
    (forms.DecimalField, ref("decimal", "Decimal")),
    (forms.FloatField, "float"),
    (forms.IntegerField, "int"),
    (forms.DateTimeField, ref("datetime", "datetime")),
    (forms.DateField, ref("datetime", "date")),
    (forms.TimeField, ref("datetime", "time")),
    (forms.DurationField, ref("datetime", "timedelta")),
    (forms.UUIDField, ref("uuid", "UUID")),
    (forms.MultipleChoiceField, "list[str]"),
    (forms.ModelMultipleChoiceField, "list[str]"),
    (forms.JSONField, ref("typing", "Any")),
)
_LIMITS = {"max_length": "max_length", "min_length": "min_length", "max_value": "le", "min_value": "ge"}


def forms_of(function: Callable[..., Any]) -> list[type[forms.BaseForm]]:
    """The forms that a view uses."""
    inner = inspect.unwrap(function)
    known = {**getattr(inner, "__globals__", {})}
    names = getattr(getattr(inner, "__code__", None), "co_names", ())
    found = (known.get(name) for name in names)
    return [one for one in dict.fromkeys(found) if isinstance(one, type) and issubclass(one, forms.BaseForm)]


def form_model(form: type[forms.BaseForm], todos: list[str]) -> str:
    """The text of a model with the form's fields. Checks beyond them are added to `todos`."""
    lines = [f'"""{form.__name__}, as it is sent."""', ""]
    for name, field in form().fields.items():
        lines.append(_line(name, field))
        if isinstance(field, forms.FileField | forms.ModelChoiceField):
            todos.append(f"{form.__name__}.{name}: {type(field).__name__} is read as text")
    todos.extend(f"{form.__name__}.{method} is not asked" for method in _own_checks(form))
    body = textwrap.indent("\n".join(lines), "    ")
    return f"class {form.__name__}({ref('pydantic', 'BaseModel')}):\n{body}"


def _line(name: str, field: forms.Field) -> str:
    native = next((text for kind, text in _TYPES if isinstance(field, kind)), "str")
    limits = {ours: value for option, ours in _LIMITS.items() if (value := getattr(field, option, None)) is not None}
    said = ", ".join(f"{option}={value!r}" for option, value in limits.items() if isinstance(value, int))
    if said:
        native = f"{ref('typing', 'Annotated')}[{native}, {ref('pydantic', 'Field')}({said})]"
    if isinstance(field, forms.BooleanField) and not field.required:
        return f"{name}: {native} = False"
    return f"{name}: {native}" if field.required else f"{name}: {native} | None = None"


def _own_checks(form: type[forms.BaseForm]) -> Iterator[str]:
    for name in dir(form):
        method = getattr(form, name, None)
        if name.startswith(("clean", "validate_")) and callable(method) and not _is_djangos(method):
            yield name


def _is_djangos(method: Any) -> bool:
    return str(getattr(method, "__module__", "")).startswith("django.")


def form_body(kinds: Sequence[type[forms.BaseForm]]) -> str:
    """The text of a dictionary with a value for each field."""
    found = {name: _example(field) for form in kinds for name, field in form().fields.items()}
    return "{" + ", ".join(f"{name!r}: {value!r}" for name, value in found.items()) + "}"


def _example(field: forms.Field) -> str:
    choices = [str(value) for value, _label in getattr(field, "choices", ()) if value] if _is_plain(field) else []
    if choices:
        return choices[0]
    least = getattr(field, "min_value", None)
    examples = (
        (forms.BooleanField, "on"),
        (forms.EmailField, "ada@example.com"),
        (forms.DateTimeField, "2026-01-02 03:04:05"),
        (forms.DateField, "2026-01-02"),
        (forms.IntegerField, str(max(1, least or 0))),
    )
    return next((text for kind, text in examples if isinstance(field, kind)), "Text")


def _is_plain(field: forms.Field) -> bool:
    """Whether its choices are not rows."""
    return isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField)


def query_of(function: Callable[..., Any]) -> list[str]:
    """The query parameters that a view reads: `request.GET["name"]`, `request.GET.get("name")`."""
    return _read(function, "GET")


def _read(function: Callable[..., Any], attribute: str) -> list[str]:
    try:
        tree = ast.parse(source_of(function))
    except SyntaxError:
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and _is_attribute(node.value, attribute):
            found.append(node.slice)
        elif isinstance(node, ast.Call) and _is_get(node.func, attribute) and node.args:
            found.append(node.args[0])
    names = (node.value for node in found if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return [name for name in dict.fromkeys(names) if name.isidentifier() and identifier(name) == name]


def _is_get(node: ast.expr, attribute: str) -> bool:
    asked = isinstance(node, ast.Attribute) and node.attr in ("get", "getlist")
    return asked and _is_attribute(node.value, attribute)  # type: ignore[attr-defined] # it is an ast.Attribute


def _is_attribute(node: ast.expr, attribute: str) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == attribute


def methods_of(function: Callable[..., Any]) -> list[str]:
    """The methods of a view that doesn't declare them: GET, and POST if it reads a form."""
    source = source_of(function)
    return ["GET", "POST"] if "POST" in source else ["GET"]
