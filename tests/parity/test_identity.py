"""Lists are aligned by what identifies their items, and one cause is one finding."""

from __future__ import annotations

import pytest

from tests.parity.answers import compared


def rows(*numbers, name="id"):
    return [{name: number, "name": f"row {number}", "price": number} for number in numbers]


def found(expected, actual, toml=""):
    return [(one.kind, one.pointer, one.detail) for one in compared(expected, actual, toml).differences]


@pytest.mark.parametrize("name", ["id", "pk", "uuid", "slug", "code"])
def test_a_lost_row_is_one_finding(name):
    assert found(rows(1, 2, 3, 4, name=name), rows(1, 3, 4, name=name)) == [("items", "", "only legacy has some")]


def test_a_lost_row_of_a_page_is_one_finding_though_the_next_page_fills_up():
    was = {"count": 100, "next": "/?page=2", "previous": None, "results": rows(*range(10))}
    now = {"count": 99, "next": None, "previous": None, "results": rows(*range(5), *range(6, 11))}
    assert found(was, now) == [("items", "/results", "each side has some of its own")]


def test_a_wrong_count_beside_equal_items_is_a_difference():
    was, now = ({"count": count, "results": rows(1, 2)} for count in (2, 3))
    assert found(was, now) == [("primitive", "/count", "")]


def test_a_row_that_stands_twice_is_a_difference():
    assert found(rows(1, 2), rows(1, 2, 2)) == [("items", "", "only the service has some")]


def test_an_emptied_list_is_one_finding():
    assert found(rows(1, 2, 3), []) == [("items", "", "only legacy has some")]
    assert found([], rows(1, 2)) == [("items", "", "only the service has some")]


def test_rows_in_another_order_are_one_finding_and_compared_all_the_same():
    (one, two, three), changed = rows(1, 2, 3), {**rows(2)[0], "price": 7}
    assert found([one, two, three], [three, changed, one]) == [("order", "", ""), ("primitive", "/1/price", "")]


def test_rows_without_a_common_identity_are_compared_by_position():
    fresh = [{"id": "6fa1", "name": "a"}, {"id": "77b0", "name": "b"}]
    other = [{"id": "0c12", "name": "a"}, {"id": "9d3e", "name": "c"}]
    assert found(fresh, other) == [("primitive", "/0/id", ""), ("primitive", "/1/id", ""), ("primitive", "/1/name", "")]


def test_an_identity_that_legacy_repeats_is_none():
    was, now = [{"id": 1, "a": 1}, {"id": 1, "a": 2}], [{"id": 1, "a": 1}, {"id": 1, "a": 3}]
    assert found(was, now) == [("primitive", "/1/a", "")]


def test_an_identity_of_another_type_is_a_difference_of_type():
    assert found([{"id": 1}], [{"id": "1"}]) == [("type", "/0/id", "number → string")]
