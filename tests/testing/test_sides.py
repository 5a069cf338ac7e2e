"""`compare_sides`: both sides of a route, asked the same from the same state."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from gateway.testing import compare_sides as compared


@pytest.mark.django_db
def test_what_differs_is_said_with_both_values(compare_sides):
    Group.objects.create(name="the editors")
    sides = compare_sides("GET", "/moved/names/", route="moved")
    assert (sides.legacy.body, sides.service.status) == (b'["the editors"]', 200)
    (said,) = sides.differences
    assert said.startswith("breaking: ")
    assert "the editors" in said
    assert "the service" in said


@pytest.mark.django_db
def test_what_is_the_same_is_none(compare_sides):
    Group.objects.create(name="the service")
    assert compare_sides("GET", "/moved/names/", route="moved").differences == []


@pytest.mark.django_db
def test_what_legacy_has_from_itself_is_none(compare_sides, monkeypatch):
    numbers = iter(range(9))
    Group.objects.create(name="x")

    def drawn(*_, **__):
        return [str(next(numbers))]

    monkeypatch.setattr(Group.objects.__class__, "values_list", drawn)
    assert compare_sides("GET", "/moved/names/", route="moved").differences == []


@pytest.mark.long
@pytest.mark.django_db
def test_headers_body_and_user_come_along_and_nothing_is_left(compare_sides, record_upstream, django_user_model):
    user = django_user_model.objects.create_user("ada", "ada@example.com", "x")
    seen = record_upstream("legacy")
    before = Group.objects.count()
    compare_sides(
        "POST", "/moved/names/?q=1", route="moved", body=b"abc", user=user,
        headers={"Content-Type": "text/plain", "X-Test": "1", "Host": "shop.example", "Cookie": "django_language=el"},
    )  # fmt: skip
    asked = seen[0]
    assert (asked.method, asked.path) == ("POST", "/moved/names/")
    assert Group.objects.count() == before


@pytest.mark.django_db
def test_a_test_whose_rows_are_missing_is_skipped(compare_sides):
    with pytest.raises(pytest.skip.Exception, match="legacy answers 200 here, and answered 404 when this was recorded"):
        compare_sides("GET", "/moved/names/", route="moved", recorded=404)
    assert compare_sides("GET", "/moved/names/", route="moved", recorded=201).legacy.status == 200


@pytest.mark.django_db
def test_a_route_that_there_isnt(compare_sides):
    with pytest.raises(LookupError, match="there is no route 'nothing'"):
        compare_sides("GET", "/", route="nothing")


@pytest.mark.django_db(transaction=True)
def test_without_a_transaction_nobody_is_asked(gateway_app):
    assert not connection.in_atomic_block
    with pytest.raises(RuntimeError, match=r"in the test's transaction: it needs @pytest\.mark\.django_db"):
        compared(gateway_app, "GET", "/moved/names/", route="moved")
