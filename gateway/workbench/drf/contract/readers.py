"""Reads a body as both sides do: with the view's serializer, and with the service's models."""

from __future__ import annotations

import datetime as dt
import enum
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from django.core.files.base import File
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticUndefined
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.exceptions import ValidationError as DRFValidationError
from rest_framework.settings import api_settings

from gateway.bridge.drf.errors import body_error
from gateway.workbench.contract.database import AsksDatabase
from gateway.workbench.drf.contract.rows import key_of

__all__ = ["LegacyReader", "Path", "PlainReader", "ReadOutcome", "Reader", "ServiceReader", "at", "equal"]

Path = tuple[str | int, ...]


class ReadOutcome(NamedTuple):
    """The result for one value in a body. `errors` are those at its place, `value` is what was read there if the whole
    body is valid; `failed` says why neither is known."""

    errors: Any = None
    value: Any = PydanticUndefined
    failed: str = ""

    @property
    def refused(self) -> bool:
        """Whether the value was refused."""
        return self.errors is not None

    @property
    def code(self) -> str:
        """The code of the first error."""
        found = _first(self.errors)
        return found.code if isinstance(found, ErrorDetail) and found.code else ""

    def __str__(self) -> str:
        if self.refused:
            return f"400 {json.dumps(texts(self.errors), ensure_ascii=False)}"
        value = self.value.value if isinstance(self.value, Unsent) else self.value
        return "valid" if value is PydanticUndefined else f"reads {_shown(value)}"


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def texts(errors: Any) -> Any:
    """Errors without their codes."""
    if isinstance(errors, Mapping):
        return {str(key): texts(value) for key, value in errors.items()}
    return [texts(one) for one in errors] if isinstance(errors, list) else str(errors)


def _first(errors: Any) -> Any:
    while isinstance(errors, list | dict) and errors:
        errors = next(iter(errors.values() if isinstance(errors, dict) else errors))
    return errors


class Reader(Protocol):
    """Reads bodies as one side does."""

    def read(self, body: Any, place: Path) -> ReadOutcome:
        """The result for what is at `place` in `body`."""


def at(tree: Any, place: Path) -> Any:
    """What is at `place` in nested dictionaries and lists; undefined if there is nothing."""
    for step in place:
        if isinstance(tree, Mapping):
            tree = tree.get(step, PydanticUndefined)
        elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
        else:
            return PydanticUndefined
    return tree


def _errors_at(detail: Any, place: Path) -> Any:
    """The errors at `place`, of enclosing values, and of no field; None when there are none."""
    for step in place:
        if isinstance(detail, list) and any(map(_is_message, detail)):
            return detail
        if isinstance(detail, Mapping) and step not in detail:
            return detail.get(api_settings.NON_FIELD_ERRORS_KEY)
        detail = at(detail, (step,))
    return detail if detail and detail is not PydanticUndefined else None


def _is_message(one: Any) -> bool:
    return isinstance(one, str)


class LegacyReader:
    """Reads with the view's serializer."""

    def __init__(self, serializer: Any) -> None:
        self._serializer = serializer

    def read(self, body: Any, place: Path) -> ReadOutcome:
        """As `Reader`."""
        return _outcome(self._validated, body, place)

    def _validated(self, body: Any) -> Any:
        return by_name(self._serializer, self._serializer.run_validation(body))


class ServiceReader:
    """Reads as a DRFRoute does: with its serializer, and then Pydantic."""

    def __init__(self, serializer: Any, annotation: Any) -> None:
        self._serializer = serializer
        self._adapter = TypeAdapter[Any](annotation)

    def read(self, body: Any, place: Path) -> ReadOutcome:
        """As `Reader`."""
        return _outcome(self._validated, body, place)

    def _validated(self, body: Any) -> Any:
        try:
            return by_alias(self._adapter.validate_python(self._serializer.run_validation(body)))
        except ValidationError as exc:
            raise body_error(exc) from exc


class PlainReader:
    """Reads as FastAPI's own route does: JSON, with Pydantic only."""

    def __init__(self, annotation: Any) -> None:
        self._adapter = TypeAdapter[Any](annotation)

    def read(self, body: Any, place: Path) -> ReadOutcome:
        """As `Reader`."""
        return _outcome(self._validated, body, place)

    def _validated(self, body: Any) -> Any:
        try:
            return by_alias(self._adapter.validate_python(body))
        except ValidationError as exc:
            raise body_error(exc) from exc


def _outcome(validated: Callable[[Any], Any], body: Any, place: Path) -> ReadOutcome:
    try:
        return ReadOutcome(value=comparable(at(validated(body), place)))
    except DRFValidationError as exc:
        return ReadOutcome(errors=_errors_at(exc.detail, place))
    except AsksDatabase as exc:
        return ReadOutcome(failed=str(exc))
    except Exception as exc:  # noqa: BLE001 - the project's own code, which a request would give more
        return ReadOutcome(failed=f"{type(exc).__name__}: {exc}"[:200])


def by_name(serializer: Any, validated: Any) -> Any:
    """What a serializer has read, by the names of its fields instead of their sources."""
    if isinstance(serializer, serializers.ListSerializer) and isinstance(validated, list):
        return [by_name(serializer.child, one) for one in validated]
    if not isinstance(serializer, serializers.Serializer) or not isinstance(validated, Mapping):
        return validated
    found = {}
    for name, field in serializer.fields.items():
        value = validated if field.source == "*" else at(validated, tuple(field.source_attrs))
        if not field.read_only and value is not PydanticUndefined:
            found[name] = by_name(field, value)
    return found


class Unsent(NamedTuple):
    """The model's own value of a field that wasn't sent."""

    value: Any


def by_alias(value: Any) -> Any:
    """What Pydantic has read, by the names that callers use."""
    if isinstance(value, BaseModel):
        found = {}
        for name, info in type(value).model_fields.items():
            inner = by_alias(getattr(value, name))
            found[info.alias or name] = inner if name in value.model_fields_set else Unsent(inner)
        return found
    if isinstance(value, list | tuple):
        return [by_alias(one) for one in value]
    return {name: by_alias(one) for name, one in value.items()} if isinstance(value, dict) else value


def equal(legacy: Any, service: Any) -> bool:
    """Whether both have read the same. A field that wasn't sent may have a value in a model, and none in a
    serializer."""
    if isinstance(service, Unsent):
        return legacy is PydanticUndefined or equal(legacy, service.value)
    if isinstance(legacy, dict) and isinstance(service, dict):
        names = {*legacy, *service}
        return all(equal(legacy.get(name, PydanticUndefined), service.get(name, PydanticUndefined)) for name in names)
    if isinstance(legacy, list) and isinstance(service, list):
        return len(legacy) == len(service) and all(map(equal, legacy, service))
    return bool(legacy == service)


def comparable(value: Any) -> Any:
    """`value` in a form in which equivalent values are equal: rows by key, numbers by value, times in UTC."""
    if isinstance(value, Unsent):
        return Unsent(comparable(value.value))
    value = key_of(value)
    if (
        value is PydanticUndefined
        or value is None
        or (isinstance(value, bool | str) and not isinstance(value, enum.Enum))
    ):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, enum.Enum):
        return comparable(value.value)
    if isinstance(value, int | float | Decimal):
        return _number(value)
    if isinstance(value, Mapping):
        return {str(name): comparable(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [comparable(one) for one in value]
    if isinstance(value, set | frozenset):
        return sorted((comparable(one) for one in value), key=repr)
    return _text(value)


def _number(value: float | Decimal) -> Any:
    worth = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return float(worth) if not worth.is_finite() else format(worth.normalize(), "f")


def _text(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat() if value.tzinfo is not None else f"{value.isoformat()} without zone"
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return f"{value.total_seconds()} s"
    return str(value.name if isinstance(value, File) else value)
