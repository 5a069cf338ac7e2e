"""Two bodies that are the same JSON but for white space, found so before anything is compared."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.parity.compare import compare
from gateway.parity.decoding import UnreadableBody, parse_json, same_tokens
from gateway.parity.rules import CompareRules
from tests.parity.answers import answer

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.booleans())
def test_white_space_between_tokens_is_no_difference(value, escaped):
    spaced = json.dumps(value, ensure_ascii=escaped, indent=3).encode()
    tight = json.dumps(value, ensure_ascii=escaped, separators=(",", ":")).encode()
    assert same_tokens(spaced, tight, "utf-8")


ALIKE = st.sampled_from(
    [0, 1, True, False, None, 0.0, 1.0, -0.0, 1e2, 100, "1", "1 ", " 1", [1], [1, 0], [10], {"a": 1}]
)


@given(st.lists(ALIKE, max_size=2), st.lists(ALIKE, max_size=2))
def test_what_is_not_written_alike_is_not_the_same(one, other):
    was, now = json.dumps(one).encode(), json.dumps(other, separators=(",", ":")).encode()
    assert same_tokens(was, now, "utf-8") == (json.dumps(one) == json.dumps(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1.0"),
        ("1", "true"),
        ("1e2", "100"),
        ('"a b"', '"ab"'),
        (r'"\\ "', r'"\\"'),
        (r'"\" "', r'"\""'),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}'),
        ('{"a": 1, "a": 1}', '{"a": 1}'),
        ('"\\u00e9"', '"é"'),
    ],
)
def test_everything_else_is_left_to_the_whole_comparison(one, other):
    assert not same_tokens(one.encode(), other.encode(), "utf-8")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[1 2]", "[12]"),
        ("[tru e]", "[true]"),
        ("[NaN]", "[ NaN ]"),
        ("nothing", "nothing "),
        ("[" * 100_000, "[" * 100_000 + " "),
        # Quadratic, a body of a megabyte would hold up the process for hours.
        (r"\"" * 400_000, r"\"" * 400_000 + " "),
    ],
)
def test_what_is_no_json_is_never_called_equal(one, other):
    assert not compare(answer(one), answer(other), CompareRules()).equal


def test_django_and_fastapi_write_the_same_tokens_differently():
    was, now = answer(body=b'{"a": [1, 2.50]}'), answer(body=b'{"a":[1,2.50]}')
    assert compare(was, now, CompareRules()).equal


@pytest.mark.parametrize(
    ("body", "encoding", "said"),
    [
        (b"\xef\xbb\xbf{}", "utf-8", "Unexpected UTF-8 BOM"),
        (b"{}", "utf\0", "is unknown"),  # Python raises another error for it than for other names
        (b"{}", "hex", "is unknown"),
        (b"\xff", "utf-8", "isn't utf-8"),
    ],
)
def test_what_can_not_be_read_says_why(body, encoding, said):
    with pytest.raises(UnreadableBody, match=said):
        parse_json(body, encoding)
