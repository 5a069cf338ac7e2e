"""The Python text of values and types, which creates equal ones; and what there is no text for."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional, TypeVar
from zoneinfo import ZoneInfo

import pytest
from django.core.validators import MinLengthValidator
from django.db.models import Q

from gateway.workbench.scaffold.literals import literal
from gateway.workbench.scaffold.references import Untranslatable, resolve
from gateway.workbench.scaffold.stubs import annotation_text, hints, source_of
from legacy.shop.models import Category, Product


class Colour(enum.Enum):
    RED = "red"


class Limits:
    """Some functions that belong to a class or to an object."""

    @classmethod
    def of_the_class(cls) -> int:
        return 1

    def of_an_object(self) -> int:
        return 2


class Configured:
    """An object that doesn't tell how it was made."""

    def __init__(self) -> None:
        self.limit = 3


def value_of(text: str) -> Any:
    """What the text creates."""
    written, imports = resolve(text, set())
    known: dict[str, Any] = {}
    exec("\n".join([*imports, f"made = {written}"]), known)  # noqa: S102 - it is what we wrote
    return known["made"]


VALUES = [
    None, True, 3, "a", b"a", 1.5, float("inf"), Decimal("0.10"), uuid.UUID(int=1), ZoneInfo("Europe/Athens"),
    Colour.RED,
    dt.date(2026, 1, 2), dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC), dt.time(3), dt.timedelta(1), dt.UTC,
    [], (), {}, set(), [1], (1,), {1}, {"a": [1]}, frozenset({1}), frozenset(), Limits, len, Limits.of_the_class,
    MinLengthValidator(3),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_the_text_of_a_value_creates_an_equal_one(value):
    assert value_of(literal(value)) == value


def test_a_method_is_that_of_an_object_that_is_made_anew():
    made = value_of(literal(Limits().of_an_object))
    assert (made.__func__, made()) == (Limits.of_an_object, 2)


@pytest.mark.parametrize("rows", [Category.objects, Category.objects.all(), Category.objects.none()])
def test_rows_are_asked_for_anew(rows):
    made = value_of(literal(rows))
    assert (made.model, made.query.is_empty()) == (Category, rows.all().query.is_empty())


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (Q(name="a"), "a condition, <Q: "),
        (Product(), "Product"),
        (Configured(), "an instance of Configured"),
        (Category.objects.filter(name="a"), "some rows of Category"),
        (dt.datetime(2026, 1, 2, tzinfo=ZoneInfo("Europe/Athens")), "which has a time zone"),
        (type("Moment", (dt.date,), {"__repr__": lambda self: "a day"})(2026, 1, 2), "a day"),
        (lambda value: value, "can't be imported"),
        (type("Limits", (), {"__module__": __name__, "__qualname__": "Limits"}), "Limits is something else"),
        (type("Nameless", (), {"__module__": None})(), "Nameless"),
    ],
)
def test_what_there_is_no_text_for_says_why(value, why):
    with pytest.raises(Untranslatable, match=why):
        literal(value)


# -- types ------------------------------------------------------------------------------------------


TYPES: list[tuple[Any, Any]] = [
    (None, None),
    (type(None), None),
    (Any, Any),
    (int, int),
    (int | None, int | None),
    (Optional[Category], Category | None),  # noqa: UP045 - as projects have it
    (dict[str, list[int]], dict[str, list[int]]),
    (tuple[int, ...], tuple[int, ...]),
    (Annotated[int, "a note"], int),
    (TypeVar("T"), Any),
    (Literal["a"], Any),
]


@pytest.mark.parametrize(("hint", "same"), TYPES)
def test_the_text_of_a_type_is_that_type_without_notes(hint, same):
    assert value_of(annotation_text(hint)) == same


def test_annotations_for_type_checkers_alone_are_none():
    def function(value: Missing) -> None:  # type: ignore[name-defined] # noqa: F821 - the case that is tested
        """Whose annotation is only there for type checkers."""

    assert hints(function) == {}


def test_what_has_no_source_says_so():
    assert source_of(len) == "# its source is not to be found"
