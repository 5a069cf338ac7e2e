"""The planted bugs of the table in tests/planted that can be seen without traffic, and what names them."""

from __future__ import annotations

import pytest
from django.urls import path

from tests.planted import modelled, views
from tests.planted.services import BUGS, FORMS, router_of
from tests.workbench.contract.conftest import left_out, messages, said

pytestmark = pytest.mark.table

PATTERNS = [
    path("books/", views.Books.as_view(pagination_class=None, filter_backends=[])),
    path("books/<int:pk>/", views.OneBook.as_view()),
    path("visits/", views.Visits.as_view()),
    path("sales/", views.Sales.as_view()),
]
# Of each bug the endpoints where it is seen, the field or area that is named, how bad it is, and words.
SEEN: dict[str, tuple[set[str], str, str, str]] = {
    "type": ({"/books/", "/books/{pk:int}/"}, "price", "breaking", "price: another JSON type"),
    "missing-field": ({"/books/", "/books/{pk:int}/"}, "author", "breaking", "author: missing in the service's answer"),
    "secret": ({"/books/", "/books/{pk:int}/"}, "author_api_key", "critical", "author_api_key: a secret by its name"),
    "digits": ({"/books/", "/books/{pk:int}/"}, "price", "breaking", "price: written otherwise"),
    "missing-permission": ({"/sales/"}, "permissions", "critical", "GET lets in strangers, users, whom legacy refuses"),
    "logged-in-is-enough": ({"/sales/"}, "permissions", "critical", "GET lets in users, whom legacy refuses"),
    "wrong-error": ({"/visits/"}, "said", "breaking", "max_length is 10 in legacy and None in the service"),
}
# Those that models don't show: rows, statements and code make them.
UNSEEN = ["lost-row", "n-plus-one", "write-in-get", "exception-for-logged-in", "slower"]


@pytest.mark.parametrize("bug", SEEN)
def test_a_planted_bug_is_found_and_its_field_is_named(compared, bug):
    places, name, severity, words = SEEN[bug]
    found = {one.path: one for one in compared(PATTERNS, modelled.router_of(**modelled.BUGS[bug]))}
    assert {place for place, one in found.items() if one.blocking()} == places
    for place in places:
        assert said(found[place])[name] == severity
        assert words in messages(found[place])


def test_the_same_service_without_a_bug_holds(compared):
    for endpoint in compared(PATTERNS, modelled.router_of()):
        assert endpoint.findings == []


def test_what_is_taken_wrongly_is_shown_by_the_smallest_value(compared):
    bug = modelled.router_of(**modelled.BUGS["wrong-error"])
    (endpoint,) = compared(PATTERNS, bug, what="POST /visits/")
    example = endpoint.findings[0].examples[0]
    assert (example.value, example.service) == ('"aaaaaaaaaaa"', 'reads "aaaaaaaaaaa"')
    assert "no more than 10 characters" in example.legacy


# -- without models for the answers -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("bug", "place", "severity"),
    [
        ("missing-permission", "/sales/", "critical"),
        ("logged-in-is-enough", "/sales/", "critical"),
        ("wrong-error", "/visits/", "breaking"),
        ("other-error-body", "/visits/", "breaking"),
        ("no-error", "/visits/", "breaking"),
    ],
)
def test_what_the_services_of_promotion_show_is_found(compared, bug, place, severity):
    found = compared(PATTERNS, router_of((BUGS | FORMS)[bug]()))
    worst = {one.path: one.sorted_findings()[0].severity.value for one in found if one.blocking()}
    assert worst == {place: severity}


@pytest.mark.parametrize("bug", ["none", *UNSEEN])
def test_what_can_not_be_seen_is_listed_and_not_called_equal(compared, bug):
    found = {one.path: one for one in compared(PATTERNS, router_of(BUGS[bug]()))}
    assert not any(one.blocking() for one in found.values())
    assert "id, title, price, author can't be compared: say response_model" in left_out(found["/books/"])
