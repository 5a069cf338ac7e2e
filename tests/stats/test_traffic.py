"""Tallies of endpoints: as many as there may be, and of query strings the names alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.stats import traffic
from gateway.stats.traffic import MOST, MOST_NAMES, OTHER, EndpointTally, Traffic


def test_an_endpoint_that_is_asked_for_is_there_from_then_on():
    counted = Traffic()
    counted["legacy", "GET", "shop/"].requests += 1
    counted["legacy", "GET", "shop/"].requests += 1

    assert {key: tally.requests for key, tally in counted.items()} == {("legacy", "GET", "shop/"): 2}


def test_methods_that_callers_make_up_share_one_tally():
    counted = Traffic()
    for method in ("PURGE", "FOO", "PURGE"):
        counted["legacy", method, "shop/"].requests += 1

    assert {key: tally.requests for key, tally in counted.items()} == {("legacy", "OTHER", "shop/"): 3}


def test_what_is_one_too_many_shares_one_tally():
    counted = Traffic()
    for number in range(MOST + 100):
        counted["legacy", "GET", f"{number}/"].requests += 1

    assert len(counted) == MOST + 1
    assert counted["legacy", "OTHER", OTHER].requests == 100


def test_turning_begins_anew_and_gives_what_there_was():
    counted = Traffic()
    tally = counted["legacy", "GET", "shop/"]

    assert counted.turn() == {("legacy", "GET", "shop/"): tally}
    assert dict(counted) == {}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (b"page=2&search=tea", {"page", "search"}),
        (b"filter[name]=x&price__gte=1&a.b=&c-d=e", {"filter[name]", "price__gte", "a.b", "c-d"}),
        (b"page=2&page=3", {"page"}),
        (b"eyJhbGciOiJIUzI1NiJ9", set()),  # no name: somebody's token
        (b"x" * 41 + b"=1", set()),
        (b"%70age=1", {"page"}),
        (b"\xff=1&7=2&=3", set()),
    ],
)
def test_names_of_parameters_are_kept_and_values_are_not(query, names):
    tally = EndpointTally()
    tally.queries.add(query)
    tally.note_names()

    assert tally.names == names
    assert not tally.queries


@given(st.lists(st.binary(max_size=60)))
def test_no_query_string_breaks_the_names_or_their_bound(queries):
    tally = EndpointTally()
    tally.queries.update(queries)
    tally.note_names()

    assert len(tally.names) <= MOST_NAMES
    assert all(len(name) <= 40 and "=" not in name for name in tally.names)


def test_names_are_bounded():
    tally = EndpointTally()
    tally.queries.add("&".join(f"p{number}=1" for number in range(traffic.MOST_NAMES * 2)).encode())
    tally.note_names()

    assert len(tally.names) == MOST_NAMES
