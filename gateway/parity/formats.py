"""Classifies JSON values: their types, the classes that rules name, equal values in different notation."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

from gateway.parity.rules import ValueClass

__all__ = ["is_of", "moment", "numeral", "same_moment", "type_of"]

LONGEST = 100  # characters of a string that is tried as a number or a date

UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}.*")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
URL = re.compile(r"(?:https?:/)?/[^\s]*")
TOKEN = re.compile(r"[A-Za-z0-9_.~+/=:-]{8,}")
NUMERAL = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?")  # JSON's notation: no leading zeros, so that postcodes don't match
EPOCH = range(10**8, 10**14)  # seconds since 1973 or milliseconds since 1970


def type_of(value: object) -> str:
    """The JSON type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, Decimal):
        return "number"
    return "object" if isinstance(value, dict) else "array"


def is_of(value: object, name: ValueClass) -> bool:
    """Whether a value is of a class. A timestamp is ISO 8601 with a time, or seconds or milliseconds since 1970; a URL
    may be absolute or a path; a token has at least eight characters without spaces."""
    if name == "timestamp" and isinstance(value, Decimal):
        return EPOCH.start <= value < EPOCH.stop
    if not isinstance(value, str):
        return False
    if name == "timestamp":
        return moment(value) is not None
    if name == "date":
        return DAY.fullmatch(value) is not None and _day(value)
    expression = {"uuid": UUID, "url": URL, "token": TOKEN}[name]
    return expression.fullmatch(value) is not None


def moment(value: str) -> datetime | None:
    """The moment that an ISO 8601 string stands for; None for other strings."""
    if len(value) > LONGEST or not MOMENT.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _day(value: str) -> bool:
    try:
        return bool(date.fromisoformat(value))
    except ValueError:
        return False


def same_moment(one: str, other: str) -> bool:
    """Whether two strings stand for the same moment. With and without an offset is not the same."""
    first, second = moment(one), moment(other)
    if first is None or second is None or (first.tzinfo is None) != (second.tzinfo is None):
        return False
    return first == second


def numeral(value: str) -> Decimal | None:
    """The number in a string, as DRF writes decimals ("12.50"); None for other strings, and for possible codes
    ("007")."""
    return Decimal(value) if len(value) <= LONGEST and NUMERAL.fullmatch(value) else None
