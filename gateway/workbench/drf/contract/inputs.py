"""Test values for two fields that should be equivalent: values of every JSON type, those known to be read differently,
and those on both sides of each limit."""

from __future__ import annotations

import string
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import strategies as st
from rest_framework import serializers

__all__ = ["MISSING", "candidates", "generated"]


MISSING: Final = object()  # stands for a value that isn't sent

# Values that DRF and Pydantic are known to read differently, and others of every JSON type; smallest first, since the
# first that shows a difference is reported.
NASTY: tuple[Any, ...] = (
    MISSING, None, "", " ", "a", "abc", "  hi ", "a\x00b", "\ud800", "ß", "١٢", "😀", True, False, 0, 1, -1, 2, 7,
    "0", "1", "7", "-1", "1.5", "1.50", "1,5", "1e3", "NaN", "Infinity", "true", "false", "on", "null", "None", 1.0,
    1.5, 0.1, 10**9, 2**31, 2**63, 10**20, 1e300, 1_700_000_000, 1_700_000_000.5, "1700000000",
    "2026-01-31", "2026-02-30", "2026-1-3", "31/01/2026", "2026-01-31T10:00:00", "2026-01-31 10:00",
    "2026-01-31T10:00:00Z", "2026-01-31T10:00:00.123456+03:00", "10:30", "10:30:00.5", "25:00", "1 02:00:00", "P1DT2H",
    "90", "02:00",
    "a@b.example", "A@B.example", "a@b", "http://example.com/a", "ftp://example.com", "example.com", "javascript:x",
    "slug-1", "Slug_1", "sl ug", "0f0e0d0c-0b0a-0908-0706-050403020100", "0F0E0D0C0B0A09080706050403020100",
    "urn:uuid:0f0e0d0c-0b0a-0908-0706-050403020100", "127.0.0.1", "::1", "300.1.1.1",
    [], [None], ["a"], ["a", "a"], [1], ["1", 2], [[]], {}, {"a": 1}, {"a": None}, {"a": "b", "c": [1]}, "[]",
    "{}", "<b>x</b>",
)  # fmt: skip
PIXEL = (  # the smallest GIF
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00"
    b"\x01\x00\x00\x02\x02D\x01\x00;"
)
LONGEST = 10_000  # characters of a text at a limit


def candidates(*fields: Any) -> list[Any]:
    """Values for these fields, always the same, those that are probably valid first."""
    found = [value for field in fields if field is not None for value in _at_limits(field)]
    return [*_usual(*fields), *found, *NASTY]


def _usual(*fields: Any) -> Iterator[Any]:
    """One value that is probably valid."""
    for field in fields:
        if isinstance(field, serializers.ImageField):
            yield SimpleUploadedFile("a.gif", PIXEL, "image/gif")
        elif isinstance(field, serializers.FileField):
            yield SimpleUploadedFile("a.txt", b"a", "text/plain")
        elif isinstance(field, serializers.IntegerField) and field.min_value is not None:
            yield field.min_value
        elif isinstance(field, serializers.CharField) and field.min_length:
            yield "a" * field.min_length


def _at_limits(field: Any) -> Iterator[Any]:
    """Values on both sides of every limit of the field, or of its child."""
    for name in ("max_length", "min_length"):
        limit = getattr(field, name, None)
        if isinstance(limit, int) and 0 < limit <= LONGEST:
            yield from (_sized(field, limit + more) for more in (-1, 0, 1))
    for name in ("max_value", "min_value"):
        limit = getattr(field, name, None)
        if isinstance(limit, int | float | Decimal):
            whole = int(limit)
            yield from (whole, whole - 1, whole + 1, str(limit), float(whole) + 0.5)
    if isinstance(field, serializers.DecimalField):
        yield from _decimals(field)
    if isinstance(field, serializers.ChoiceField):
        choices = [choice for choice in field.choices if isinstance(choice, str | int | float | bool)]
        several = isinstance(field, serializers.MultipleChoiceField)
        yield from ([choice] if several else choice for choice in choices[:20])
        yield from (str(choice) for choice in choices[:3])
        yield from (choice.upper() for choice in choices[:3] if isinstance(choice, str))


def _sized(field: Any, size: int) -> Any:
    return ["a"] * size if isinstance(field, serializers.ListField) else "a" * size


def _decimals(field: serializers.DecimalField) -> Iterator[str]:
    places = field.decimal_places or 0
    digits = field.max_digits
    yield f"1.{'1' * places}" if places else "1"
    yield f"1.{'1' * (places + 1)}"
    yield f"1.{'1' * places}0"
    if digits is not None:
        whole = "9" * (digits - places)
        yield from (whole, f"{whole}9", f"{whole}.{'9' * places}" if places else f"-{whole}")


def generated(*fields: Any) -> st.SearchStrategy[Any]:
    """Generated values for these fields, and any other JSON."""
    known = [
        value for value in candidates(*fields) if value is not MISSING and not isinstance(value, SimpleUploadedFile)
    ]
    typed = [_typed(field) for field in fields if field is not None]
    return st.one_of(*typed, st.sampled_from(known), _json())


_text = st.text(st.characters(codec="utf-8"), max_size=30)


def _json() -> st.SearchStrategy[Any]:
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _text
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3), max_leaves=5
    )


def _typed(field: Any) -> st.SearchStrategy[Any]:
    """Values that callers send for a field of this class."""
    if isinstance(field, serializers.ListField):
        return st.lists(_typed(field.child), max_size=4)
    if isinstance(field, serializers.DecimalField | serializers.FloatField):
        numbers = st.decimals(allow_nan=False, allow_infinity=False, places=_places(field))
        return numbers.map(lambda number: format(number, "f")) | st.floats(allow_nan=False, allow_infinity=False)
    for kind, values in _TYPED:
        if isinstance(field, kind):
            return values
    if isinstance(field, serializers.CharField):
        most = min(getattr(field, "max_length", None) or 100, LONGEST)
        return _text | st.text(string.printable, max_size=most + 2)
    return _json()


_plain = st.text(string.ascii_letters + string.digits + "-_:/. ", max_size=40)
_TYPED: tuple[tuple[Any, st.SearchStrategy[Any]], ...] = (
    (serializers.IntegerField, st.integers() | st.integers(-100, 1000) | st.integers().map(str)),
    (serializers.DateTimeField, st.datetimes(timezones=st.none() | st.timezones()).map(lambda one: one.isoformat())),
    (serializers.DateField, st.dates().map(str)),
    (serializers.TimeField, st.times().map(str)),
    (serializers.DurationField, st.timedeltas().map(str)),
    (serializers.UUIDField, st.uuids().map(str)),
    (serializers.EmailField, st.emails()),
    (serializers.RegexField, _plain),  # including slugs
    (serializers.URLField, _plain),
)


def _places(field: Any) -> int:
    """The number of decimal places for this field; for a float, two."""
    places = getattr(field, "decimal_places", None)
    return 2 if places is None else int(places)
