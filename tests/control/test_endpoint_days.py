"""What was counted of endpoints, in the database: by days, the same however often it is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError

from gateway.control import endpoint_days
from gateway.control.endpoint_days import DAY, EVERY, EndpointWriter, usage
from gateway.control.models import EndpointDay
from gateway.control.retention import retain
from gateway.stats.histogram import BOUNDS
from gateway.stats.traffic import Traffic
from gateway.testing import FrozenClock

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 23, 59, 30, tzinfo=UTC)
SHOP = ("legacy", "GET", "shop/")


@pytest.fixture
def clock():
    return FrozenClock(NOW)


def ask(traffic, key=SHOP, times=1, *, errors=0, size=10, query=b""):
    tally = traffic[key]
    tally.requests += times
    tally.errors += errors
    tally.size += times * size
    tally.counts[40] += times
    if query:
        tally.queries.add(query)


def requests(now=NOW, days=1):
    return {key: stats.requests for key, stats in usage(now, days).items()}


def test_what_was_counted_is_read_again(clock):
    traffic = Traffic()
    ask(traffic, times=3, errors=1, query=b"page=7")
    EndpointWriter("a", traffic, clock).write(now=True)

    stats = usage(NOW, 1)[SHOP]
    assert (stats.requests, stats.errors, stats.size, stats.parameters, stats.seen) == (3, 1, 30, {"page"}, NOW)
    assert BOUNDS[39] <= stats.histogram.quantile(0.5) <= BOUNDS[40]


def test_it_is_written_now_and_then(clock):
    traffic = Traffic()
    writer = EndpointWriter("a", traffic, clock)
    ask(traffic)
    writer.write()
    assert requests() == {}

    clock.advance(EVERY)
    writer.write()
    assert requests(NOW + timedelta(seconds=EVERY), 2) == {SHOP: 1}


def test_only_what_is_new_is_written(clock, django_assert_num_queries):
    traffic = Traffic()
    writer = EndpointWriter("a", traffic, clock)
    ask(traffic)
    writer.write(now=True)
    with django_assert_num_queries(0):
        writer.write(now=True)


def test_workers_add_up(clock):
    for worker in ("a", "b"):
        traffic = Traffic()
        ask(traffic, times=2)
        EndpointWriter(worker, traffic, clock).write(now=True)

    assert requests() == {SHOP: 4}


def test_a_new_day_has_rows_of_its_own_and_the_old_one_is_written_once_more(clock):
    traffic = Traffic()
    writer = EndpointWriter("a", traffic, clock)
    ask(traffic, times=2)
    writer.write(now=True)
    late = traffic[SHOP]  # a request that is being counted while the day ends
    clock.advance(60)
    writer.write(now=True)
    late.requests += 1
    ask(traffic)
    clock.advance(60)
    writer.write(now=True)

    today = int(NOW.timestamp()) // DAY * DAY
    assert {row.day - today: row.requests for row in EndpointDay.objects.all()} == {0: 3, DAY: 1}


def test_a_database_that_is_away_costs_nothing(clock, monkeypatch):
    traffic = Traffic()
    writer = EndpointWriter("a", traffic, clock)
    ask(traffic, query=b"page=1")

    def away(*_):
        raise OperationalError

    with monkeypatch.context() as patch:
        patch.setattr(endpoint_days, "upsert", away)
        with pytest.raises(OperationalError):
            writer.write(now=True)
    writer.write(now=True)
    assert usage(NOW, 1)[SHOP].parameters == {"page"}


def test_a_process_that_counts_nothing_writes_nothing(clock, django_assert_num_queries):
    with django_assert_num_queries(0):
        EndpointWriter("a", None, clock).write(now=True)


def test_days_that_are_over_become_one_row_for_all_workers(clock):
    for worker in ("a", "b"):
        traffic = Traffic()
        ask(traffic, times=2, errors=1, query=f"{worker}=1".encode())
        EndpointWriter(worker, traffic, clock).write(now=True)
    before = usage(NOW, 7)
    later = NOW + timedelta(days=2)
    retain(later)
    retain(later)

    assert [row.worker for row in EndpointDay.objects.all()] == [""]
    assert usage(later, 7) == before


def test_days_are_forgotten_after_a_while(clock):
    traffic = Traffic()
    ask(traffic)
    EndpointWriter("a", traffic, clock).write(now=True)
    retain(NOW + timedelta(days=100))

    assert not EndpointDay.objects.exists()
