"""Differences are grouped by template, place and kind, never by an identifier."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.parity.compare import Difference, Severity, fingerprint
from gateway.parity.fingerprint import generalised
from tests.parity.answers import answer, compared

TEMPLATE = "GET /api/products/{id}/"


def summary(expected, actual):
    (difference,) = compared(expected, actual).differences
    return fingerprint(TEMPLATE, difference).summary


def at(pointer, kind="primitive", template=TEMPLATE, detail=""):
    return fingerprint(template, Difference(kind, pointer, Severity.BREAKING, 1, 2, detail))


@given(st.integers(0), st.integers(0), st.uuids(), st.uuids())
def test_indexes_and_identifiers_are_no_part_of_it(one, other, first, second):
    assert at(f"/results/{one}/by_id/{first}/x") == at(f"/results/{other}/by_id/{second}/x")


@given(st.integers(), st.integers(), st.text())
def test_values_are_no_part_of_it(one, other, text):
    first = Difference("primitive", "/a", Severity.BREAKING, one, other)
    assert fingerprint(TEMPLATE, first) == fingerprint(
        TEMPLATE, Difference("primitive", "/a", Severity.BREAKING, text, text)
    )


def test_place_kind_template_and_detail_are():
    fingerprints = {
        at("/a").key,
        at("/b").key,
        at("/a", kind="type").key,
        at("/a", template="GET /other/").key,
        at("/a", kind="type", detail="string → number").key,
    }
    assert len(fingerprints) == 5


def test_it_is_the_same_in_every_process():
    assert at("/results/0/price").key == "fba14d45f239f417"


@pytest.mark.parametrize(
    "name",
    [
        "17",
        "-1",
        str(uuid.UUID(int=2**100)),
        "507f1f77bcf86cd799439011",
        "2026-01-02",
        "a@b.org",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    ],
)
def test_a_name_that_is_an_identifier_becomes_a_star(name):
    assert generalised(f"/by/{name}/x") == "/by/*/x"


@pytest.mark.parametrize("pointer", ["", "/price", "/address1", "/feedface", "/results", "header:vary", "html:body>p"])
def test_other_names_stay(pointer):
    assert generalised(pointer) == pointer


def test_a_cookie_with_an_identifier_in_its_name_is_generalised():
    assert generalised("header:set-cookie:507f1f77bcf86cd799439011") == "header:set-cookie:*"


@pytest.mark.parametrize(
    ("expected", "actual", "said"),
    [
        ({"a": [{"price": "1"}]}, {"a": [{"price": 1}]}, "type of /a/*/price changed, string → number"),
        ({"a": 1}, {}, "/a is missing"),
        ({}, {"a": 1}, "/a is new"),
        ([1, 2], [2, 1], "the body is in another order"),
        (answer({}), answer({}, status=404), "status changed, 200 → 404"),
        (answer({}), answer(failed="x", status=0), "no answer from the service"),
        (
            answer({}, "application/json", "vary: Cookie"),
            answer({}, "application/json", "vary: Accept"),
            "header:vary changed, -cookie, +accept",
        ),
        (answer({}, "application/json", "vary: Cookie"), answer({}), "header:vary is missing"),
        (
            answer({}, "application/json", "set-cookie: a=1; Secure"),
            answer({}, "application/json", "set-cookie: a=1"),
            "header:set-cookie:a changed, secure",
        ),
    ],
)
def test_a_summary_says_it_in_words(expected, actual, said):
    assert summary(expected, actual) == said


def test_a_very_deep_place_is_known_by_the_beginning_of_it():
    deep = "/children" * 1000
    assert at(deep + "/a").pointer == at(deep + "/b").pointer
    assert deep.startswith(at(deep).pointer)
    assert at(deep + "/a") != at("/b" + deep)
