"""Two answers: what is a difference, of which kind, where, and how bad."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.parity.compare import MISSING, Severity, compare
from gateway.parity.findings import BUDGET, Findings
from gateway.parity.rules import CompareRules
from gateway.parity.severity import KINDS
from tests.parity.answers import answer, compared, found, text

BREAKING, WARNING = Severity.BREAKING, Severity.WARNING

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)


def severities(expected, actual, toml=""):
    return {difference.kind: difference.severity for difference in compared(expected, actual, toml).differences}


# -- equal ----------------------------------------------------------------------------------------


@given(JSON)
def test_a_value_equals_itself_however_it_is_written(value):
    spaced = json.dumps(value, indent=2, ensure_ascii=False)
    comparison = compare(answer(json.dumps(value)), answer(spaced), CompareRules())
    assert comparison.equal
    assert not comparison.breaking
    assert comparison.errors == ()


@given(JSON, JSON)
def test_a_change_anywhere_is_noticed_in_both_directions(one, other):
    was, now = (json.dumps(value, sort_keys=True) for value in (one, other))
    assume(was != now)
    assert not compared(was, now).equal
    assert not compared(now, was).equal


@given(st.lists(st.integers() | st.text(max_size=3) | st.booleans(), max_size=12), st.data())
def test_any_change_of_a_list_is_noticed(items, data):
    other = data.draw(st.permutations(items) | st.lists(st.sampled_from([*items, 7]), max_size=12))
    assume(json.dumps(items) != json.dumps(other))
    assert not compared(items, other).equal


def test_the_order_of_names_in_an_object_means_nothing():
    assert found('{"a": 1, "b": 2}', '{"b": 2, "a": 1}') == []


def test_equal_bytes_are_not_parsed():
    broken = answer("{ no json")
    assert compare(broken, broken, CompareRules()).equal


# -- status and failure ---------------------------------------------------------------------------


def test_another_status_is_breaking_and_hides_the_rest_when_the_class_is_another():
    comparison = compared(answer({"a": 1}), answer({"error": "x"}, status=500))
    (difference,) = comparison.differences
    assert (difference.kind, difference.pointer, difference.severity) == ("status", "status", BREAKING)
    assert (difference.expected, difference.actual, difference.detail) == (200, 500, "200 → 500")


def test_answers_whose_status_is_of_the_same_class_are_compared_on():
    assert found(answer({"a": 1}, status=400), answer({"b": 1}, status=422)) == [
        ("status", "status"),
        ("missing", "/a"),
        ("extra", "/b"),
    ]


def test_a_service_that_gave_no_answer_is_breaking():
    comparison = compared(answer({}), answer(status=0, failed="TimeoutError after 5 s"))
    assert [(d.kind, d.actual) for d in comparison.differences] == [("failed", "TimeoutError after 5 s")]
    assert comparison.breaking


def test_where_legacy_gave_no_answer_nothing_is_compared():
    comparison = compared(answer(status=0, failed="x"), answer({}))
    assert (comparison.differences, comparison.errors) == ((), ("legacy gave no answer",))
    assert not comparison.equal


# -- JSON -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "actual", "kind", "severity"),
    [
        ({"a": 1}, {"a": "1"}, "type", BREAKING),
        ({"a": 1}, {"a": None}, "type", BREAKING),
        ({"a": 1}, {"a": True}, "type", BREAKING),
        ({"a": []}, {"a": {}}, "type", BREAKING),
        ({"a": 1}, {"a": 2}, "primitive", BREAKING),
        ({"a": "x"}, {"a": "y"}, "primitive", BREAKING),
        ({"a": True}, {"a": False}, "primitive", BREAKING),
        ({"a": "007"}, {"a": "7"}, "primitive", BREAKING),
        ({"a": [1, 2]}, {"a": [2, 1]}, "order", WARNING),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, "length", BREAKING),
        ('{"a": 1.50}', '{"a": 1.5}', "number-format", WARNING),
        ('{"a": 1}', '{"a": 1.0}', "number-format", WARNING),
        ('{"a": 100}', '{"a": 1e2}', "number-format", WARNING),
        ({"a": "1.50"}, {"a": "1.5"}, "number-format", WARNING),
        ({"a": "2026-01-02T03:04:05Z"}, {"a": "2026-01-02T03:04:05+00:00"}, "date-format", WARNING),
        ({"a": "2026-01-02T03:04:05Z"}, {"a": "2026-01-02T04:04:05+01:00"}, "date-format", WARNING),
        ({"a": "2026-01-02T03:04:05Z"}, {"a": "2026-01-02T03:04:05"}, "primitive", BREAKING),
        ('{"a": 12345678901234567890}', '{"a": 12345678901234567891}', "primitive", BREAKING),
        ('{"a": 0.1}', '{"a": 0.10000000000000000001}', "primitive", BREAKING),
        ('{"a": 1}', '{"a": 1, "a": 1}', "duplicate", BREAKING),
        ('{"a": 1, "a": 2}', '{"a": 1, "a": 3}', "primitive", BREAKING),
    ],
)
def test_kind_and_severity_of_a_difference_of_values(expected, actual, kind, severity):
    (difference,) = compared(expected, actual).differences
    assert (difference.kind, difference.pointer, difference.severity) == (kind, "/a", severity)


def test_a_missing_field_is_breaking_and_one_more_is_not():
    assert severities({"a": 1, "b": 2}, {"a": 1}) == {"missing": BREAKING}
    assert severities({"a": 1}, {"a": 1, "b": 2}) == {"extra": WARNING}


def test_a_difference_has_both_values_and_absent_for_none():
    (difference,) = compared({"a": 1.5}, {}).differences
    assert (str(difference.expected), difference.actual) == ("1.5", MISSING)


def test_a_pointer_is_escaped():
    assert found({"a/b": {"~": 1}}, {"a/b": {"~": 2}}) == [("primitive", "/a~1b/~0")]


def test_one_insertion_is_one_difference():
    items = [{"id": i, "name": str(i)} for i in range(1000)]
    for place in (0, 500, 1000):
        longer = [*items[:place], {"id": -1}, *items[place:]]
        assert found(items, longer) == [("items", "")]
        assert found(longer, items) == [("items", "")]
        numbers, more = [one["id"] for one in items], [one["id"] for one in longer]
        assert found(numbers, more) == [("length", "")]
        assert found(more, numbers) == [("length", "")]


def test_beside_an_insertion_a_changed_item_is_found_at_legacys_index():
    assert found([1, {"a": 1}, 3, 4], [0, 1, {"a": 2}, 3, 4]) == [("length", ""), ("primitive", "/1/a")]


def test_items_in_another_order_are_one_difference_and_the_others_are_compared():
    assert found('[1, 2, 3, {"a": 1}]', '[3, 2, 1, {"a": 1.0}]') == [("order", ""), ("number-format", "/3/a")]


def test_a_list_of_the_same_length_is_compared_by_position():
    assert found([1, 2, 3], [1, 5, 3]) == [("primitive", "/1")]


# -- other bodies ---------------------------------------------------------------------------------


def test_text_that_differs_is_breaking_unless_only_in_white_space():
    assert severities(text("a b"), text("a c")) == {"text": BREAKING}
    assert severities(text("a b\n"), text("a  b\r\n")) == {"whitespace": WARNING}


def test_text_is_read_in_its_charset():
    latin = answer("ä".encode("latin-1"), "text/plain; charset=iso-8859-1")
    assert found(text("ä"), latin) == [("header", "header:content-type")]
    assert ("text", "") in found(text("ö"), latin)
    flowed = answer("ä".encode("latin-1"), "text/plain; format=flowed; charset=latin-1")
    assert found(flowed, latin) == [("header", "header:content-type")]


def test_text_in_a_charset_that_there_is_not_is_read_as_utf_8():
    one, other = (answer(value, "text/plain; charset=klingon") for value in ("ä ", "ä  "))
    assert found(one, other) == [("whitespace", "")]


def test_other_media_types_are_compared_byte_by_byte():
    assert found(answer(b"\x00\x01", "image/png"), answer(b"\x00\x02", "image/png")) == [("bytes", "")]


def test_json_is_recognised_by_its_suffix():
    problem = "application/problem+json"
    assert found(answer({"a": 1}, problem), answer({"a": 2}, problem)) == [("primitive", "/a")]


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body, wbits=-15)),
        ("gzip, identity", gzip.compress),
    ],
)
def test_bodies_are_compared_decoded(coding, encode):
    packed = answer(encode(b'{"a": 2}'), "application/json", f"content-encoding: {coding}")
    assert ("primitive", "/a") in found(answer({"a": 1}), packed)
    assert found(answer({"a": 2}), packed) == [("header", "header:content-encoding")]


def test_equal_bytes_under_another_content_encoding_are_not_equal():
    assert not compared(answer(b"{}"), answer(b"{}", "application/json", "content-encoding: gzip")).equal


# -- what can't be compared -----------------------------------------------------------------------


DEEP = 100_000
HOSTILE = {
    "nested 100,000 deep": "[" * DEEP + "]" * DEEP,
    "objects 100,000 deep": '{"a":' * DEEP + "1" + "}" * DEEP,
    "not closed": "[" * DEEP,
    "invalid UTF-8": b'{"a": "\xff"}',
    "NaN": '{"a": NaN}',
    "Infinity": '{"a": [-Infinity]}',
    "not JSON": "<html>",
    "empty": "",
    "a number out of range": '{"a": 1e99999999999999999999}',
    "a byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "a bomb": gzip.compress(b" " * 11_000_000),
    "a cut archive": gzip.compress(b"1" * 1000)[:-4],
    "no archive": b"\xff\xff\xff",
}
PACKED = {"a bomb": "gzip", "a cut archive": "gzip", "no archive": "deflate"}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("hostile_side", ["legacy", "the service"])
def test_a_hostile_body_ends_in_an_error_that_names_the_side(name, hostile_side):
    encoding = [f"content-encoding: {PACKED[name]}"] if name in PACKED else []
    sides = [answer(HOSTILE[name], "application/json", *encoding), answer({"a": 1})]
    comparison = compare(*(sides if hostile_side == "legacy" else reversed(sides)), CompareRules())
    assert [error.partition(":")[0] for error in comparison.errors] == [hostile_side]
    assert not comparison.equal


def test_a_service_whose_json_is_broken_where_legacys_is_not_differs():
    comparison = compared(answer({"a": 1}), answer("{"))
    assert [(d.kind, d.pointer, d.severity) for d in comparison.differences] == [("type", "", BREAKING)]


def test_legacys_broken_json_is_an_error_only():
    assert compared(answer("{"), answer({"a": 1})).differences == ()


@pytest.mark.parametrize("depth", [150, 500, 900])
def test_below_a_hundred_levels_nothing_is_compared_and_that_is_said(depth):
    one, other = ("[" * depth + value + "]" * depth for value in "12")
    comparison = compared(answer(one), answer(other))
    assert len(comparison.errors) > 0
    assert not comparison.equal


def test_lone_surrogates_are_compared():
    assert found('{"a": "\\ud800"}', '{"a": "\\ud800"  }') == []
    assert found('{"a": "\\ud800"}', '{"a": "\\udfff"}') == [("primitive", "/a")]


def test_a_content_encoding_that_is_not_known_here_is_an_error_only():
    one, other = (answer(body, "application/json", "content-encoding: br") for body in (b"1", b"2"))
    comparison = compared(one, other)
    assert comparison.differences == ()
    assert comparison.errors == (
        "legacy: content-encoding 'br' can't be decoded here",
        "the service: content-encoding 'br' can't be decoded here",
    )


# -- bounds ---------------------------------------------------------------------------------------


def test_fifty_differences_are_kept_and_the_others_counted():
    comparison = compared({str(i): 1 for i in range(500)}, {str(i): 2 for i in range(500)})
    assert (len(comparison.differences), comparison.cut) == (50, 450)


def test_the_bound_is_a_rule():
    comparison = compared([1, 2, 3, 4], [2, 3, 4, 5], "max_differences = 3")
    assert (len(comparison.differences), comparison.cut) == (3, 1)


def test_a_very_long_body_is_compared_as_bytes_only():
    one, other = (answer(b" " * (10 * 2**20) + end) for end in (b"1", b"2"))
    comparison = compared(one, other)
    assert [error.partition(" has")[0] for error in comparison.errors] == ["legacy: the body", "the service: the body"]
    assert compared(one, one).equal


def test_items_of_very_long_lists_are_compared_by_position():
    """Looking for what was inserted takes the square of their length."""
    comparison = compared([*range(300)], [-1, *range(299), -2], "max_differences = 500")
    kinds = Counter(difference.kind for difference in comparison.differences)
    assert kinds["primitive"] == 300


def test_so_many_errors_are_kept():
    findings = Findings(CompareRules())
    for number in range(50):
        findings.error(f"the header {number} can't be read")
    assert len(findings.result().errors) == 20


def test_lists_that_are_empty_on_both_sides_are_equal():
    assert found({"a": [], "b": 1}, {"a": [], "b": 2}) == [("primitive", "/b")]
    assert found({"a": [], "count": 1}, {"a": [], "count": 2}) == [("primitive", "/count")]


def test_a_breaking_difference_is_not_lost_behind_warnings():
    more = {f"extra{i}": 1 for i in range(100)}
    one = "{" + ",".join(f'"n{i}": 1' for i in range(100)) + ',"z": 1}'
    other = "{" + ",".join(f'"n{i}": 1.0' for i in range(100)) + ',"z": 2}'
    assert compared({}, more).breaking is False
    assert compared(one, other).breaking is True


@pytest.mark.slow
def test_a_comparison_looks_at_a_bounded_number_of_values():
    one = "[" + ",".join(["[1,2]"] * (BUDGET // 2)) + "]"
    comparison = compared(answer(one), answer(one.replace("2", "3")))
    assert len(comparison.differences) == 50
    assert comparison.errors == ("the bodies have more values than are compared; the rest was left out",)


@given(
    st.binary(max_size=200), st.binary(max_size=200), st.sampled_from(["application/json", "text/html", "text/plain"])
)
def test_whatever_the_bytes_are_they_are_equal_to_themselves_and_to_no_others_of_plain_text(one, other, content_type):
    assert compare(answer(one, content_type), answer(one, content_type), CompareRules()).differences == ()
    comparison = compare(answer(one, content_type), answer(other, content_type), CompareRules())
    if content_type == "text/plain" and one != other:
        assert not comparison.equal


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    b"vary",
                    b"set-cookie",
                    b"link",
                    b"location",
                    b"cache-control",
                    b"content-type",
                    b"content-disposition",
                    b"www-authenticate",
                    b"content-encoding",
                ]
            ),
            st.binary(max_size=60),
        ),
        max_size=6,
    )
)
def test_whatever_the_headers_are_a_comparison_returns(headers):
    plain = answer({"a": 1})
    odd = type(plain)(200, tuple(headers), b'{"a": 2}', 0.1)
    assert not compare(plain, odd, CompareRules()).equal
    assert not compare(odd, plain, CompareRules()).equal


# -- kinds ----------------------------------------------------------------------------------------


def test_every_kind_has_a_severity_and_a_reason():
    assert all(isinstance(severity, Severity) and reason for severity, reason in KINDS.values())
