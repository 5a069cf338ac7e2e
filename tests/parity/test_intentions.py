"""What both sides would have done elsewhere: the same at the same place is no difference, whatever its order."""

from __future__ import annotations

import types
from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest

from gateway.parity import intentions
from gateway.parity.difference import MISSING, Severity
from gateway.parity.findings import Findings
from gateway.parity.intentions import GONE, Intention, compare_intentions
from gateway.parity.plain_values import DEEPEST, LONGEST, MOST, plain_value
from gateway.parity.pointer import compile_patterns
from gateway.parity.rules import CompareRules


def found(was: list[Intention], now: list[Intention], **rules: Any) -> list[tuple[Any, ...]]:
    findings = Findings(CompareRules(**rules))
    compare_intentions(was, now, findings)
    return [(one.pointer, one.expected, one.actual, one.severity) for one in findings.result().differences]


def cache(key: str, value: Any) -> Intention:
    return Intention("cache", key, value)


def call(value: Any) -> Intention:
    return Intention("request", "POST https://pay.example/charge", value)


ONE, TWO = Decimal(1), Decimal(2)


def test_the_order_of_what_is_done_is_none():
    assert found([cache("a", ONE), call(ONE), call(TWO)], [call(TWO), call(ONE), cache("a", ONE)]) == []


def test_another_value_is_breaking():
    assert found([cache("a", ONE)], [cache("a", TWO)]) == [("effects:cache:a", ONE, TWO, Severity.BREAKING)]


def test_what_only_one_side_puts_into_a_cache_is_a_warning():
    assert found([cache("a", ONE)], []) == [("effects:cache:a", ONE, MISSING, Severity.WARNING)]
    assert found([], [cache("a", ONE)]) == [("effects:cache:a", MISSING, ONE, Severity.WARNING)]


def test_what_only_legacy_takes_out_of_a_cache_is_breaking():
    assert found([cache("a", GONE)], []) == [("effects:cache:a", GONE, MISSING, Severity.BREAKING)]
    assert found([], [cache("a", GONE)]) == [("effects:cache:a", MISSING, GONE, Severity.WARNING)]


def test_what_one_side_takes_out_and_the_other_puts_in_is_breaking():
    assert found([cache("a", GONE)], [cache("a", ONE)]) == [("effects:cache:a", GONE, ONE, Severity.BREAKING)]


def test_what_is_asked_more_often_is_one_difference_for_each():
    assert [one[1:3] for one in found([call(ONE)], [call(ONE), call(ONE)])] == [(MISSING, ONE)]


def test_values_are_compared_by_the_rules():
    assert found([cache("a", {"n": ONE})], [cache("a", {"n": Decimal("1.001")})], tolerance=Decimal("0.01")) == []
    assert found([cache("a", {"n": ONE})], [cache("a", {"n": TWO})], ignore=("/n",)) == []


def test_values_that_are_too_large_to_be_compared_are_not_the_same(monkeypatch):
    """Nor are they where the rules might see no difference."""
    one, other = ({str(number): last for number in range(100)} for last in (ONE, Decimal("1.001")))
    tolerant: dict[str, Any] = {"tolerance": Decimal("0.01")}
    assert found([cache("a", one)], [cache("a", other)], **tolerant) == []
    whole = intentions.Findings
    monkeypatch.setattr(intentions, "Findings", lambda rules: whole(rules, budget=10))
    assert [pointer for pointer, *_ in found([cache("a", one)], [cache("a", other)], **tolerant)] == ["effects:cache:a"]


# -- places ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [("effects:cache:*", False), ("effects:cache:**", True), ("effects:**", True), ("effects:request:**", False)],
)
def test_two_stars_stand_for_slashes_too(pattern, matches):
    assert bool(compile_patterns([pattern]).fullmatch("effects:cache:default a/b")) is matches


# -- objects of Python's --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (True, True),
        (1.5, Decimal("1.5")),
        (b"text", "text"),
        (date(2026, 12, 1), "2026-12-01"),
        ({1: (2, None)}, {"1": [Decimal(2), None]}),
        ({"b", "a"}, ["a", "b"]),
        (types.SimpleNamespace(a=1, _b=2), {"class": "types.SimpleNamespace", "a": ONE}),
        (bytearray(b"text"), "text"),
        (time(8, 30), "08:30:00"),
        (range(3), {"class": "builtins.range", "text": "range(0, 3)"}),
    ],
)
def test_a_value_is_as_json_would_have_it(value, plain):
    assert plain_value(value) == plain


class Unsayable:
    def __str__(self) -> str:
        raise ZeroDivisionError


def test_an_object_that_can_not_say_what_it_is_is_known_by_its_class():
    assert plain_value(Unsayable()) == {"class": f"{__name__}.Unsayable", "text": ""}


def test_long_bytes_are_known_by_a_digest():
    assert plain_value(b"a" * (LONGEST + 1)).startswith("65537 bytes ")


def test_bytes_that_are_no_text_are_known_by_a_digest():
    assert plain_value(b"\xff\x00").startswith("2 bytes ")
    assert plain_value(b"\xff\x00") != plain_value(b"\xff\x01")


def test_an_object_that_says_nothing_of_itself_says_not_where_it_is():
    assert plain_value(object()) == {"class": "builtins.object", "text": ""}


def test_only_so_much_is_looked_at():
    deep: Any = []
    for _ in range(DEEPEST * 2):
        deep = [deep]
    assert "…" in str(plain_value(deep))
    assert plain_value([*range(MOST)])[-1] == "…"
    round_trip: dict[str, Any] = {}
    round_trip["self"] = round_trip
    assert "…" in str(plain_value(round_trip))
