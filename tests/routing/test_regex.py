"""What a regular expression consists of."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.regex import MalformedRegex, alternatives, elements, takes_slash
from gateway.routing.template import parse_template


@pytest.mark.parametrize(
    ("regex", "found"),
    [
        (r"ab+", [("a", ""), ("b", "+")]),
        (r"^\d{4}-[^]/]?$", [(r"\d", "{4}"), ("-", ""), ("[^]/]", "?")]),
        (r"(?P<x>(a|[)])\))*?", [(r"(?P<x>(a|[)])\))", "*?")]),
    ],
)
def test_elements(regex, found):
    assert list(elements(regex)) == found


def test_alternatives_are_outside_of_groups_and_sets():
    assert alternatives(r"a|(b|c)|[|]\|") == ["a", "(b|c)", r"[|]\|"]


@pytest.mark.parametrize("regex", ["(a", "[a", r"[a\]"])
def test_what_has_no_end_is_said(regex):
    with pytest.raises(MalformedRegex):
        list(elements(regex))


@pytest.mark.parametrize("regex", [r"[^/.]+", r"\w+", r"[a-z]{2}(?:-[A-Z]+)?", r"(?!/)a", "[0-9a-f]{32}", "a|b"])
def test_what_stays_in_a_segment(regex):
    assert not takes_slash(regex)


@pytest.mark.parametrize("regex", [".+", "[^.]+", r"\S", "a/b", "[+-9]", "(?:a|/)", "a|/", r"(?i:a)", "(a"])
def test_what_may_take_a_slash(regex):
    assert takes_slash(regex)


@given(st.from_regex(r"(\[\^?[a-c/]\]|\\[dws]|[a-c/.]|\([a-c/]\|[a-c]\))[+*?]?", fullmatch=True), st.data())
def test_nothing_is_overlooked(regex, data):
    if not takes_slash(regex):
        assert "/" not in data.draw(st.from_regex(re.compile(regex, re.DOTALL), fullmatch=True))


def test_a_parameter_of_ones_own_is_a_segment_where_it_takes_no_slash():
    segment, tail = parse_template("/{a:re_a}/{b:re_b}", {"re_a": "[^/.]+", "re_b": ".+"})
    assert (segment.whole_tail, tail.whole_tail) == (False, True)
