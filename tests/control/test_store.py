"""What workers counted and found, in the database: the same however often it is written, and never too much."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DataError
from hypothesis import given
from hypothesis import strategies as st

from gateway.control import store
from gateway.control.models import (
    AcceptedMatch,
    CounterWindow,
    DifferenceGroup,
    Hour,
    MirrorWindow,
    RouteDifferences,
    Worker,
)
from gateway.control.retention import retain
from gateway.control.statistics import traffic
from gateway.control.store import packed, unpacked, write_counts, write_found, write_worker
from gateway.mirroring.difference_log import Example, FoundGroup
from gateway.stats.tally import SAMPLED, Mirrored
from tests.control.conftest import tally

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
START = int(NOW.timestamp())
FOUND = FoundGroup("catalog", "GET /api/products/", "f00", "type", "/price", "breaking", "type of /price changed", 2)


def found(key, **more):
    return replace(FOUND, key=key, **more)


def example(number, **more):
    return replace(Example(f"/api/products/{number}/", "/price", '"1.50"', "1.5", START + number), **more)


# -- counts --------------------------------------------------------------------------------------


def test_writing_a_slot_again_replaces_it():
    key = ("catalog", "service", START)
    for counted in (tally(0.1), tally(0.1, 0.2, errors=1)):
        write_counts("a", {key: counted}, {("catalog", START): Mirrored(mirrored=counted.requests)})
        write_counts("a", {key: counted}, {("catalog", START): Mirrored(mirrored=counted.requests)})
    seen = traffic({"catalog": START})["catalog"]
    assert (seen.service, seen.mirrored) == (tally(0.1, 0.2, errors=1), Mirrored(mirrored=2))
    assert (CounterWindow.objects.count(), MirrorWindow.objects.count()) == (1, 1)


def test_the_slots_of_all_workers_add_up():
    for worker in ("a", "b"):
        write_counts(worker, {("catalog", "legacy", START): tally(0.1)}, {("catalog", START): Mirrored(1, equal=1)})
    seen = traffic({"catalog": START})["catalog"]
    assert (seen.legacy, seen.mirrored) == (tally(0.1, 0.1), Mirrored(2, equal=2))


def test_dropped_mirrors_keep_their_reasons():
    write_counts("a", {}, {("catalog", START): Mirrored(dropped={"lag": 2, "queue": 1})})
    write_counts("b", {}, {("catalog", START): Mirrored(dropped={"lag": 3})})
    assert traffic({"catalog": START})["catalog"].mirrored.dropped == {"lag": 5, "queue": 1}


def test_each_route_counts_from_a_moment_of_its_own():
    windows = [(route, START + at) for route in ("catalog", "cart") for at in (0, 10)]
    counted = {(route, "service", start): tally(0.1) for route, start in windows}
    write_counts("a", counted, {window: Mirrored(1) for window in windows})
    seen = traffic({"catalog": START + 5, "cart": START})
    assert (seen["catalog"].service.requests, seen["cart"].service.requests) == (1, 2)
    assert (seen["catalog"].mirrored.mirrored, seen["cart"].mirrored.mirrored) == (1, 2)


def test_nothing_is_asked_for_no_route(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert traffic({}) == {}


def test_comparisons_are_added_up_for_good():
    write_counts("a", {}, {("catalog", START): Mirrored(equal=3)}, {"catalog": (3, 1)})
    write_counts("b", {}, {("catalog", START): Mirrored(equal=2)}, {"catalog": (2, 0)})
    row = RouteDifferences.objects.get()
    assert (row.route, row.compared, row.controls) == ("catalog", 5, 1)


def test_a_worker_has_one_row():
    worker = Worker(id="a", host="h", pid=1, started=NOW, seen=NOW, lost_requests=3)
    write_worker(worker)
    worker.lost_requests, worker.revision = 5, 2
    write_worker(worker)
    stored = Worker.objects.get()
    assert (stored.lost_requests, stored.revision, stored.started) == (5, 2, NOW)


# -- differences ---------------------------------------------------------------------------------


def test_differences_are_added_to_their_group():
    write_found([FOUND], {}, NOW)
    write_found([replace(FOUND, count=3, noise=1)], {}, NOW + timedelta(hours=1))
    group = DifferenceGroup.objects.get()
    assert (group.count, group.noise) == (5, 1)
    assert (group.first_seen, group.last_seen) == (NOW, NOW + timedelta(hours=1))
    assert (group.template, group.kind, group.pointer) == ("GET /api/products/", "type", "/price")


def test_the_latest_three_examples_are_kept():
    write_found([replace(FOUND, examples=(example(1), example(2)))], {}, NOW)
    write_found([replace(FOUND, examples=(example(3), example(4)))], {}, NOW)
    targets = [one["target"] for one in DifferenceGroup.objects.get().examples]
    assert targets == ["/api/products/4/", "/api/products/3/", "/api/products/2/"]


@pytest.mark.parametrize("text", ["nul \0", "half \ud800", "x" * 5000])
def test_what_a_database_cannot_store_is_stored_otherwise(text):
    write_found([replace(FOUND, examples=(example(1, expected=text, actual=text),))], {}, NOW)
    stored = DifferenceGroup.objects.get().examples[0]["expected"]
    stored.encode()
    assert "\0" not in stored
    assert len(stored) <= store.MOST_TEXT


def test_a_route_has_two_hundred_groups_at_most_and_the_rest_is_counted():
    write_found([found(f"{number}") for number in range(150)], {}, NOW)
    write_found([found(f"{number}") for number in range(130, 260)], {}, NOW)
    write_found([found("cart", route="cart")], {}, NOW)
    assert DifferenceGroup.objects.filter(route="catalog").count() == 200
    assert RouteDifferences.objects.get(route="catalog").beyond == 60 * 2
    assert DifferenceGroup.objects.filter(route="cart").count() == 1


def test_where_there_is_not_room_for_all_breaking_and_frequent_ones_are_kept(monkeypatch):
    monkeypatch.setattr(store, "MOST_GROUPS", 2)
    write_found([found("often", severity="warning", count=9), found("rare"), found("more", count=3)], {}, NOW)
    assert set(DifferenceGroup.objects.values_list("fingerprint", flat=True)) == {"rare", "more"}


def test_what_was_not_seen_for_a_day_makes_room(monkeypatch):
    monkeypatch.setattr(store, "MOST_GROUPS", 3)
    write_found([found("oldest")], {}, NOW)
    write_found([found("older")], {}, NOW + timedelta(hours=1))
    write_found([found("fresh")], {}, NOW + timedelta(days=2))
    write_found([found("new")], {}, NOW + timedelta(days=2))
    assert set(DifferenceGroup.objects.values_list("fingerprint", flat=True)) == {"older", "fresh", "new"}


def test_accepted_differences_are_counted():
    write_found([], {("catalog", "k"): 2}, NOW)
    write_found([], {("catalog", "k"): 3, ("cart", "k"): 1}, NOW + timedelta(hours=1))
    assert AcceptedMatch.objects.get(route="catalog").count == 5
    assert AcceptedMatch.objects.get(route="catalog").last_seen == NOW + timedelta(hours=1)


def test_a_batch_is_written_as_a_whole_or_not_at_all(monkeypatch):
    def fail(*_):
        raise DataError

    monkeypatch.setattr(store, "_count_matches", fail)
    with pytest.raises(DataError):
        write_found([FOUND], {("catalog", "k"): 1}, NOW)
    assert not DifferenceGroup.objects.exists()


def test_nothing_found_is_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        write_found([], {}, NOW)


# -- retention -----------------------------------------------------------------------------------


def test_slots_become_hours_after_two_hours():
    old = START - 3 * 3600
    counted = {("catalog", "service", old + at): tally(0.1, 0.2, errors=1) for at in (0, 10)}
    write_counts("a", counted | {("catalog", "service", START - 3600): tally(0.3)}, {})
    write_counts("b", counted, {})
    retain(NOW)
    hour = Hour.objects.get()
    assert (hour.start, hour.requests, hour.errors) == (old, 8, 4)
    assert sum(hour.histogram.values()) == 8
    assert [window.start for window in CounterWindow.objects.all()] == [START - 3600]


def test_folding_goes_on_where_it_ended(monkeypatch):
    monkeypatch.setattr("gateway.control.retention.MOST", 3)
    old = START - 3 * 3600
    write_counts("a", {("catalog", "service", old + 10 * at): tally(0.1) for at in range(8)}, {})
    retain(NOW)
    retain(NOW)
    assert (Hour.objects.get().requests, CounterWindow.objects.count()) == (8, 0)


def test_what_is_old_goes():
    past = START - 91 * 24 * 3600
    write_counts("a", {}, {("catalog", past): Mirrored(1), ("catalog", START): Mirrored(1)})
    Hour.objects.create(route="catalog", side="legacy", start=past)
    write_found([FOUND], {}, NOW - timedelta(days=31))
    write_worker(Worker(id="a", host="h", pid=1, started=NOW, seen=NOW - timedelta(hours=3)))
    retain(NOW)
    assert [row.start for row in MirrorWindow.objects.all()] == [START]
    assert not Hour.objects.exists()
    assert not DifferenceGroup.objects.exists()
    assert not Worker.objects.exists()


def test_clearing_away_nothing_takes_no_lock(django_assert_num_queries):
    with django_assert_num_queries(11) as queries:
        retain(NOW)
    assert not [query for query in queries.captured_queries if query["sql"].startswith("UPDATE")]


@given(st.sets(st.integers(0, 2499).map(lambda place: place * SAMPLED)))
def test_buckets_are_packed_and_unpacked(buckets):
    assert unpacked(packed(buckets)) == buckets
    assert len(packed(buckets)) <= 420
