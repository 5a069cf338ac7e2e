"""Python text for values, such as arguments of fields and validators."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import re
import uuid
import zoneinfo
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from django.db.models import Field as ModelField
from django.db.models import Manager, Model, Q, QuerySet
from django.utils import translation
from django.utils.functional import Promise

from gateway.workbench.scaffold.references import Untranslatable, ref, reference

__all__ = ["Text", "arguments", "literal", "rows"]

_PLAIN = (bool, int, str, bytes, type(None), type(Ellipsis))
_BRACKETS: Mapping[type, tuple[str, str]] = {list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}")}


class Text:
    """A value with known text."""

    def __init__(self, text: str) -> None:
        self.text = text


def literal(value: Any) -> str:
    """The text that creates an equal value. Raises Untranslatable."""
    if isinstance(value, Text):
        return value.text
    if type(value) in _PLAIN:
        return repr(value)
    for kinds, write in _WRITERS:
        if isinstance(value, kinds):
            return write(value)
    return _instance(value)


def _float(value: float) -> str:
    return repr(value) if value == value and abs(value) != float("inf") else f'float("{value}")'


def _moment(value: Any) -> str:
    text = repr(value)  # datetime.date(2026, 1, 1)
    if not text.startswith("datetime."):
        raise Untranslatable(f"{value!r}")
    if isinstance(value, dt.datetime | dt.time) and value.tzinfo not in (None, dt.UTC):
        raise Untranslatable(f"{value!r}, which has a time zone")
    return re.sub(r"\bdatetime\.(\w+)", lambda match: ref("datetime", match.group(1)), text)


def _container(value: Any) -> str:
    if type(value) not in _BRACKETS:
        return f"{_class(type(value))}({literal([*value])})"
    if not value:
        return "set()" if isinstance(value, set) else "".join(_BRACKETS[type(value)])
    begin, end = _BRACKETS[type(value)]
    comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
    return f"{begin}{', '.join(map(literal, value))}{comma}{end}"


def _mapping(value: Mapping[Any, Any]) -> str:
    return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"


def _pattern(value: re.Pattern[Any]) -> str:
    flags = value.flags & ~(re.UNICODE if isinstance(value.pattern, str) else 0)
    return f"{ref('re', '')}.compile({value.pattern!r}{f', {int(flags)}' if flags else ''})"


def _promise(value: Any) -> str:
    with translation.override(None, deactivate=True):
        return f"{ref('django.utils.translation', 'gettext_lazy', '_')}({str(value)!r})"


def _class(value: Any) -> str:
    return reference(value)


def rows(value: Any) -> str:
    """The text for a queryset or a manager that returns all rows of its model."""
    query = value.all() if isinstance(value, Manager) else value
    if query.query.is_empty():
        return f"{reference(query.model)}.{query.model._default_manager.name}.none()"  # noqa: SLF001 - Django's manual has it
    for manager in query.model._meta.managers:  # noqa: SLF001 - as above
        same = manager.all()
        if type(same) is type(query) and str(same.query) == str(query.query) and same.db == query.db:
            return f"{reference(query.model)}.{manager.name}.all()"
    raise Untranslatable(f"some rows of {query.model.__name__}")


def _model_field(value: Any) -> str:
    return f'{reference(value.model)}._meta.get_field("{value.name}")'


def _method(value: Any) -> str:
    """A function; for a class method, or a method of an instance with known text, with its class or instance."""
    owner = getattr(value, "__self__", None)
    if owner is None or isinstance(owner, ModuleType):
        return reference(value)
    return f"{literal(owner)}.{value.__name__}"


_WRITERS: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (enum.Enum, lambda value: f"{reference(type(value))}.{value.name}"),
    (str, lambda value: repr(str(value))),
    (Promise, _promise),
    (bool | int, repr),
    (float, _float),
    (decimal.Decimal, lambda value: f'{ref("decimal", "Decimal")}("{value}")'),
    (uuid.UUID, lambda value: f'{ref("uuid", "UUID")}("{value}")'),
    (zoneinfo.ZoneInfo, lambda value: f'{ref("zoneinfo", "ZoneInfo")}("{value.key}")'),
    (dt.date | dt.time | dt.timedelta | dt.timezone, _moment),
    (list | tuple | set | frozenset, _container),
    (Mapping, _mapping),
    (re.Pattern, _pattern),
    (QuerySet | Manager, rows),
    (ModelField, _model_field),
    (type, _class),
    (FunctionType | BuiltinFunctionType | MethodType, _method),
)


def arguments(args: Any, kwargs: Mapping[str, Any]) -> str:
    """The arguments of a call as text. Raises Untranslatable, which names the argument."""
    found = [literal(value) for value in args]
    for name, value in kwargs.items():
        try:
            found.append(f"{name}={literal(value)}")
        except Untranslatable as exc:
            raise Untranslatable(f"{name}: {exc}") from None
    return ", ".join(found)


def _instance(value: Any) -> str:
    """An object that knows its arguments: Django's validators do (`deconstructible`), and those of DRF are known."""
    kind = type(value)
    if isinstance(value, Q):
        raise Untranslatable(f"a condition, {value!r}")
    if isinstance(value, Model) or not isinstance(getattr(kind, "__module__", None), str):
        raise Untranslatable(f"{kind.__name__}")
    if hasattr(value, "deconstruct"):
        _path, args, kwargs = value.deconstruct()
        return f"{reference(kind)}({arguments(args, kwargs)})"
    if not vars(value) if hasattr(value, "__dict__") else False:
        return f"{reference(kind)}()"
    raise Untranslatable(f"an instance of {kind.__qualname__}")
