"""`[routes.compare]`: what may differ."""

from __future__ import annotations

import re
import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.config.compare import CompareConfig, problem
from gateway.parity.pointer import child, compile_patterns, segments
from gateway.parity.rules import CompareRules
from gateway.parity.severity import KINDS
from tests.parity.answers import TODAY, answer, compared, found, rules

MANUAL = Path(__file__).parents[2] / "docs" / "parity.md"
ID = "0a8b3c1e-5d2f-4a6b-8c7d-9e0f1a2b3c4d"

# -- ignore ---------------------------------------------------------------------------------------


def test_ignored_places_are_counted_only():
    one, other = {"a": 1, "meta": {"at": 1, "by": 1}}, {"a": 1, "meta": {"at": 2, "by": 1}}
    comparison = compared(one, other, 'ignore = ["/meta"]')
    assert (comparison.equal, comparison.ignored) == (True, 1)


def test_what_is_ignored_and_equal_is_not_counted():
    assert compared('{"a": 1, "b": 2}', '{"a":1,"b":2}', 'ignore = ["/a"]').ignored == 0


@pytest.mark.parametrize("pattern", ["/results/*/at", "/results/0/at", "/**/at", "/results/**", "/re*/*/a*"])
def test_a_star_is_one_segment_and_two_are_any_number(pattern):
    assert found({"results": [{"at": 1}]}, {"results": [{"at": 2}]}, f'ignore = ["{pattern}"]') == []


@pytest.mark.parametrize("pattern", ["/results/at", "/*/at", "/results/*", "/at", "/results/*/at/*", "/results/*/a"])
def test_a_pattern_is_for_nothing_else(pattern):
    rule = f'ignore = ["{pattern}"]'
    expected = [] if pattern == "/results/*" else [("primitive", "/results/0/at")]
    assert found({"results": [{"at": 1}]}, {"results": [{"at": 2}]}, rule) == expected


def test_a_field_only_one_side_has_can_be_ignored():
    assert found({"a": 1}, {"b": 1}, 'ignore = ["/a", "/b"]') == []


def test_the_whole_body_can_be_ignored():
    assert compared({"a": 1}, answer({"b": 1}), 'ignore = [""]').equal


def test_ignored_fields_dont_hide_that_items_stand_in_another_order():
    one = [{"id": 1, "at": 5}, {"id": 2, "at": 6}]
    assert found(one, [{"id": 2, "at": 7}, {"id": 1, "at": 8}], 'ignore = ["/*/at"]') == [("order", "")]


# -- unordered ------------------------------------------------------------------------------------

ITEMS = [{"id": i, "name": str(i)} for i in range(5)]


def test_items_of_an_unordered_list_find_each_other_by_key():
    rule = 'unordered = { "/results" = "id" }'
    assert found({"results": ITEMS}, {"results": ITEMS[::-1]}, rule) == []
    changed = [{**item, "name": "x"} if item["id"] == 3 else item for item in ITEMS[::-1]]
    assert found({"results": ITEMS}, {"results": changed}, rule) == [("primitive", "/results/3/name")]


def test_items_of_an_unordered_list_are_missing_or_more_by_themselves():
    rule = 'unordered = { "" = "id" }'
    comparison = compared(ITEMS[:4], [*ITEMS[:2], ITEMS[4]], rule)
    assert [(d.kind, d.pointer) for d in comparison.differences] == [
        ("missing", "/2"),
        ("missing", "/3"),
        ("extra", "/2"),
    ]
    assert {d.severity.value for d in comparison.differences} == {"breaking"}


def test_items_without_a_key_are_compared_whole():
    assert found({"tags": ["a", "b"]}, {"tags": ["b", "a"]}, 'unordered = { "/tags" = "*" }') == []
    assert found({"tags": ["a", "b"]}, {"tags": ["c", "a"]}, 'unordered = { "/tags" = "*" }') == [
        ("primitive", "/tags/1")
    ]


@given(st.lists(st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2), max_size=6), st.data())
def test_an_unordered_list_is_the_same_in_any_order_and_only_then(items, data):
    shuffled = data.draw(st.permutations(items))
    rule = 'unordered = { "" = "*" }'
    assert compared(items, shuffled, rule).equal
    assert not compared(items, [*shuffled, 1], rule).equal
    assert not compared([*items, 1], [*shuffled, 2], rule).equal


# -- tolerance ------------------------------------------------------------------------------------


def test_numbers_within_the_tolerance_are_equal():
    assert found({"a": 1.00}, {"a": 1.01}, "tolerance = 0.01") == []
    assert found({"a": 1.00}, {"a": 1.02}, "tolerance = 0.01") == [("primitive", "/a")]


def test_a_place_may_have_a_tolerance_of_its_own():
    rule = 'tolerance = 1\ntolerances = { "/b" = 0, "/c" = 5 }'
    assert found({"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 2, "c": 6}, rule) == [("primitive", "/b")]


def test_decimals_written_as_strings_need_a_tolerance_of_their_own():
    assert found({"a": "1.00"}, {"a": "1.01"}, "tolerance = 0.1") == [("primitive", "/a")]
    assert found({"a": "1.00"}, {"a": "1.01"}, 'tolerances = { "/a" = 0.1 }') == []


# -- classes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "one", "other", "not_one"),
    [
        ("uuid", ID, ID.replace("0a", "ff"), "0a8b"),
        ("timestamp", "2026-01-02T03:04:05Z", "2027-01-02 03:04", "2026-13-01T00:00"),
        ("timestamp", 1_700_000_000, 1_700_000_001.5, 17),
        ("date", "2026-01-02", "2027-01-02", "2026-02-30"),
        ("url", "https://a/b", "/b?c", "b"),
        ("token", "abcdefgh", "12345678-_x", "a b c d e f"),
    ],
)
def test_values_of_a_class_may_differ_and_others_not(name, one, other, not_one):
    rule = f'classes = {{ "/a" = "{name}" }}'
    comparison = compared({"a": one}, {"a": other}, rule)
    assert (comparison.equal, comparison.ignored) == (True, 1)
    assert found({"a": one}, {"a": not_one}, rule) == [("class", "/a")]
    assert found({"a": one}, {"a": None}, rule) == [("type", "/a")]


def test_a_legacy_value_that_is_not_of_the_class_has_to_be_equal():
    assert found({"a": "x"}, {"a": ID}, 'classes = { "/a" = "uuid" }') == [("primitive", "/a")]
    assert found({"a": 7}, {"a": 8}, 'classes = { "/a" = "token" }') == [("primitive", "/a")]


# -- accepted -------------------------------------------------------------------------------------

ACCEPTED = """
[[accepted]]
path = "/results/*/price"
kind = "type"
reason = "clients parse both"
owner = "shop team"
expires = 2027-01-31
"""
OLD, NEW = {"results": [{"price": "1"}, {"price": "2"}]}, {"results": [{"price": 1}, {"price": 2}]}


def test_an_accepted_difference_is_kept_apart_and_counted():
    comparison = compared(OLD, NEW, ACCEPTED)
    accepted = rules(ACCEPTED).accepted[0]
    assert comparison.equal
    assert [(d.pointer, by.owner) for d, by in comparison.accepted] == [
        ("/results/0/price", "shop team"),
        ("/results/1/price", "shop team"),
    ]
    assert comparison.matches == {accepted.key: 2}


def test_an_accepted_difference_is_of_its_kind_only():
    assert found(OLD, {"results": [{"price": "1"}, {}]}, ACCEPTED) == [("missing", "/results/1/price")]


def test_an_expired_acceptance_accepts_nothing_and_is_reported():
    late = date(2027, 2, 1)
    assert not compared(OLD, NEW, rules(ACCEPTED, late)).equal
    assert [accepted.path for accepted in rules(ACCEPTED, late).expired(late)] == ["/results/*/price"]
    assert rules(ACCEPTED).expired(late - timedelta(days=1)) == ()


def test_an_acceptance_that_never_matched_is_reported():
    compiled = rules(ACCEPTED)
    assert compiled.unmatched({}) == compiled.accepted
    assert compiled.unmatched({compiled.accepted[0].key: 1}) == ()


def test_an_acceptance_is_counted_by_the_same_key_when_its_reason_changes():
    changed = ACCEPTED.replace("clients", "they").replace("2027", "2028")
    assert rules(ACCEPTED).accepted[0].key == rules(changed).accepted[0].key
    assert rules(ACCEPTED).accepted[0].key != rules(ACCEPTED.replace("price", "cost")).accepted[0].key


def status_rule(path="status", more=""):
    return f'[[accepted]]\npath = "{path}"\nreason = "r"\nowner = "o"\nexpires = 2027-01-01\n{more}'


def test_an_accepted_status_may_be_one_change_only():
    rule = status_rule(more="expected = 400\nactual = 422")
    assert found(answer({}, status=400), answer({}, status=422), rule) == []
    assert found(answer({}, status=400), answer({}, status=500), rule) == [("status", "status")]


def test_an_accepted_status_does_not_cover_a_service_without_answer():
    rule = status_rule(more='kind = "status"')
    assert found(answer({}), answer(status=0, failed="x"), rule) == [("failed", "status")]


@pytest.mark.parametrize("path", ["header:vary", "header:VARY", "header:*", "header:v*"])
def test_a_header_can_be_accepted(path):
    sides = answer({}, "application/json", "vary: a"), answer({})
    assert found(*sides, status_rule(path)) == []


def test_examples_of_an_acceptance_are_bounded_and_its_matches_are_not():
    comparison = compared({"results": [{"price": "1"}] * 99}, {"results": [{"price": 1}] * 99}, ACCEPTED)
    assert (len(comparison.accepted), list(comparison.matches.values())) == (10, [99])


# -- mistakes -------------------------------------------------------------------------------------


def problems(toml):
    try:
        rules(toml)
    except ValidationError as exc:
        return [problem("routes[a].compare", error) for error in exc.errors()]
    return []


@pytest.mark.parametrize(
    ("toml", "key", "value", "expected"),
    [
        ('ignore = ["/a", "b"]', "ignore[1]", "b", "a JSON Pointer such as"),
        ('ignore = ["/a~2"]', "ignore[0]", "/a~2", "a JSON Pointer such as"),
        ('ignore = "/a"', "ignore", "/a", "valid tuple"),
        ('unordered = { "results" = "id" }', 'unordered."results"', "results", "a JSON Pointer such as"),
        ("tolerance = -1", "tolerance", -1, "greater than or equal to 0"),
        ('tolerances = { "/a" = -1 }', 'tolerances."/a"', -1, "greater than or equal to 0"),
        ('classes = { "/a" = "uid" }', 'classes."/a"', "uid", '"/id" = "uuid"'),
        ('headers = ["x y"]', "headers[0]", "x y", "X-Total-Count"),
        ('ignore_rows = ["a/b"]', "ignore_rows[0]", "a/b", 'such as "audit_*"'),
        ('ignore_rows = ["shop:a"]', "ignore_rows[0]", "shop:a", 'such as "audit_*"'),
        ('severity = { "extra" = "fatal" }', 'severity."extra"', "fatal", "one of critical, breaking"),
        ('severity = { "extra" = 1 }', 'severity."extra"', 1, "one of critical, breaking"),
        ('severity = { "more" = "note" }', 'severity."more"', "more", '"KIND" or "KIND PLACE", where KIND is one of'),
        ('severity = { "extra a" = "note" }', 'severity."extra a"', "extra a", '"header:NAME"'),
        ("max_differences = 0", "max_differences", 0, "greater than or equal to 1"),
        ("sql = 1", "sql", 1, "valid boolean"),
        ("ignored = []", "ignored", [], "unknown key; known are ignore, unordered"),
        (ACCEPTED.replace("owner", "who"), "accepted[0].owner", None, "missing"),
        (ACCEPTED.replace('"shop team"', '""'), "accepted[0].owner", "", "who is responsible for it"),
        (ACCEPTED.replace("2027-01-31", '"soon"'), "accepted[0].expires", "soon", "2027-01-31"),
        (ACCEPTED.replace('"type"', '"typ"'), "accepted[0].kind", "typ", '"*" or one of failed, status'),
        (ACCEPTED.replace("/results/*/price", "price"), "accepted[0].path", "price", '"header:NAME"'),
        (ACCEPTED + "actual = 1.5", "accepted[0].actual", 1.5, "a string, a whole number or a boolean"),
        (ACCEPTED + "since = 1", "accepted[0].since", 1, "unknown key; known are path, kind"),
    ],
)
def test_a_mistake_names_key_value_and_expected_shape(toml, key, value, expected):
    reported = {where: (what, why) for where, what, why in problems(toml)}
    what, why = reported[f"routes[a].compare.{key}"]
    assert what == value
    assert expected in why


def test_every_mistake_is_reported():
    assert len(problems('ignore = ["a"]\ntolerance = -1\nheaders = [1]\nx = 1')) == 4


def test_the_same_acceptance_twice_is_a_mistake():
    ((key, value, expected),) = problems(ACCEPTED * 2)
    assert (key, value) == ("routes[a].compare", None)
    assert "same path, kind" in expected


# -- pointers -------------------------------------------------------------------------------------


@given(st.lists(st.text(max_size=5), max_size=5))
def test_a_pointer_says_the_names_it_was_made_of(names):
    pointer = ""
    for name in names:
        pointer = child(pointer, name)
    assert segments(pointer) == names
    assert compile_patterns([pointer]).fullmatch(pointer)


def test_no_pattern_matches_nothing():
    assert not compile_patterns([]).fullmatch("")


# -- the manual -----------------------------------------------------------------------------------


def manual_tables():
    return re.findall(r"```toml\n(.*?)```", MANUAL.read_text("utf-8"), re.DOTALL)


def test_every_key_is_in_the_manual_with_an_example_that_is_valid():
    merged = {}
    for table in manual_tables():
        compiled = CompareConfig.model_validate(_compare_table(table))
        assert compiled.compiled(TODAY) != CompareRules()
        merged |= compiled.model_dump(exclude_unset=True)
    assert set(merged) == set(CompareConfig.model_fields)


def test_every_kind_is_in_the_manual():
    section = MANUAL.read_text("utf-8").partition("\n### Kinds and severities\n")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    assert {kind for row in rows for kind in re.findall(r"`([a-z-]+)`", row)} == set(KINDS)


def _compare_table(table):
    return tomllib.loads(table)["routes"][0]["compare"]
