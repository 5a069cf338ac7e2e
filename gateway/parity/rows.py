"""The rows that one request wrote: the statements that write, with their values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias
from uuid import UUID

__all__ = ["UNKNOWN", "Rows", "TableInfo", "Value", "Written", "reduced", "values_of"]

# A value as text, None for NULL; a tuple for an array parameter of a statement, with one item per row.
Value: TypeAlias = "str | tuple[Value, ...] | None"
LONGEST = 2**14  # characters of a value; longer ones are replaced by a digest
DEEPEST = 3  # levels of arrays


@dataclass(frozen=True, slots=True)
class TableInfo:
    """What is known of a table: the column of its primary key, the number of other columns, and which of them refer to
    which table."""

    key: str = "id"
    columns: int = 0
    references: Mapping[str, str] = field(default_factory=dict)


UNKNOWN = TableInfo()


@dataclass(frozen=True, slots=True)
class Written:
    """One statement that wrote to `table`, with the values of its placeholders: by position, or by name.

    `values` is None if they could not be read; `rows` is the number of rows that the database reported, None if
    unknown; `at` is the time, in seconds since 1970. `key` is the primary key that the database generated for the row.
    """

    table: str
    statement: str
    values: tuple[Value, ...] | Mapping[str, Value] | None
    rows: int | None
    at: float
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """What one side wrote, in order. `tables` has what is known of the tables that are named; `cut`: it wrote more than
    was kept."""

    written: tuple[Written, ...] = ()
    tables: Mapping[str, TableInfo] = field(default_factory=dict)
    cut: bool = False


def reduced(value: Any, depth: int = 0) -> Value:
    """A parameter of a statement in a form that can be stored, sent and compared. Never raises; values without a text
    of their own are reduced to their type."""
    if value is None:
        return None
    if isinstance(value, str) and not isinstance(value, Enum):
        return str(value) if len(value) <= LONGEST else _digest(value.encode("utf-8", "surrogatepass"), "characters")
    if isinstance(value, bool | int | float | Decimal):
        return _number(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _digest(bytes(value), "bytes")
    if isinstance(value, list | tuple):
        return tuple(reduced(item, depth + 1) for item in value) if depth < DEEPEST else "…"
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time | timedelta | UUID):
        return str(value)
    return _other(value)


def _number(value: bool | float | Decimal) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    number = Decimal(repr(float(value))) if isinstance(value, float) else value
    if not number.is_finite():
        return str(number)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _digest(content: bytes, unit: str) -> str:
    """A digest for long or binary values, with all its digits, since redaction recognises it by them."""
    return f"{len(content)} {unit} {hashlib.sha256(content).hexdigest()}"


def _other(value: Any) -> str:
    """JSON, which drivers take in wrappers with an `obj`, an Enum's value, or anything else."""
    try:
        inner = getattr(value, "obj", value)
        if isinstance(value, Enum):
            return str(reduced(value.value))
        if isinstance(inner, dict | list | str | int | float):
            return str(reduced(json.dumps(inner, sort_keys=True, default=str, ensure_ascii=False)))
        if (text := str(value)) and f"{id(value):x}" not in text:
            return str(reduced(text))
    except Exception:  # noqa: BLE001 - it is somebody else's object; nothing of a request may fail for being noted
        return f"a {type(value).__qualname__} that can't be read"
    return f"a {type(value).__qualname__}"


def values_of(params: Any) -> tuple[Value, ...] | Mapping[str, Value] | None:
    """The parameters of one execution, reduced; None if they are an iterator, which can be read only once."""
    if params is None:
        return ()
    if isinstance(params, Mapping):
        return {str(name): reduced(value) for name, value in params.items()}
    if isinstance(params, Sequence) and not isinstance(params, str | bytes):
        return tuple(reduced(value) for value in params)
    return None
