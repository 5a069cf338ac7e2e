"""The overview shows what `gateway status` knows, in few queries, without inline scripts or styles."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from gateway.admin.inventory_cache import INVENTORY
from gateway.control.models import Change, EndpointDay, Hour, Worker
from gateway.control.store import write_worker
from gateway.control.transitions import promote
from gateway.rollout.stage import STAGES
from tests.admin.conftest import counted, difference, serving
from tests.control.conftest import make_route

pytestmark = pytest.mark.django_db

URL = "/admin/gateway_control/route/"
MOST_QUERIES = 15


@pytest.fixture
def page(admin_client, toml):
    """Ask for the page."""

    def ask() -> str:
        return admin_client.get(URL).content.decode()

    return ask


def test_every_route_stands_at_its_stage(page):
    text = page()
    column = text.partition('id="gw-stage-shadow"')[2].partition("</section>")[0]
    assert 'href="cart_5Flines/change/"' in column
    assert "10 %" in text.partition('id="gw-stage-canary"')[2].partition("</section>")[0]


def test_a_card_has_verdict_parity_and_the_latency_of_both_sides(page, now):
    serving(now)
    counted(now, "orders", took=0.2)
    counted(now, "orders", side="legacy", took=0.1)
    card = page().partition('id="gw-card-orders"')[2].partition("</li>")[0]
    assert "healthy" in card or "failing" in card
    assert "100.0 %" in card
    assert len(re.findall(r"\d ms", card)) == 2


def test_what_waits_for_somebody_is_said(page, now):
    serving(now)
    counted(now, "orders")
    difference("cart_lines")
    waits = page().partition('class="gw-waiting"')[2].partition("</ul>")[0]
    assert "held: 1 breaking" in waits
    assert "ready to promote" in waits


def test_workers_have_revision_and_release(page, now):
    serving(now)
    promote(make_route(), who="ana", to="shadow")
    text = page().partition('id="gw-workers-title"')[2]
    assert "web1:7" in text
    assert "items r1" in text
    assert "behind" in text


def test_a_worker_that_rests_a_service_says_why(page, now):
    write_worker(Worker(id="a", host="web1", pid=7, started=now, seen=now, resting={"items": "<b>5 of 9 failed</b>"}))
    assert "&lt;b&gt;5 of 9 failed&lt;/b&gt;" in page()


def test_traffic_over_time_is_drawn_and_in_a_table(page, now):
    day = int(now.timestamp()) // 86400 * 86400
    for key, upstream, requests in (("1", "legacy", 300), ("2", "items", 100)):
        row = {"worker": "", "day": day, "key": key, "upstream": upstream, "method": "GET", "label": "/"}
        EndpointDay.objects.create(**row, requests=requests, seen=now)
    Hour.objects.create(route="orders", side="service", start=day, requests=100, fallbacks=40)
    chart = page().partition('id="gw-answered"')[2].partition("</figure>")[0]
    assert chart.count("<rect") == 3
    assert re.findall(r"<td>([\d,]+)</td>", chart)[-3:] == ["300", "60", "40"]


def numbers(page: str, chart: str) -> list[list[int]]:
    """The rows of the table beside a chart."""
    table = page.partition(f'id="{chart}"')[2].partition("</figure>")[0].partition("<tbody>")[2]
    return [[int(value) for value in re.findall(r"<td>(\d+)</td>", row)] for row in table.split("</tr>")[:-1]]


def test_progress_over_time_is_drawn_and_in_a_table(page, now):
    """Of the three routes, one went live yesterday; before, it was at legacy."""
    moved = promote(make_route(name="catalog"), who="ana", why="x", anyway=True, to="live")
    QuerySet(Change).filter(revision=moved.revision).update(at=now - timedelta(days=1))
    text = page()
    rows = numbers(text, "gw-progress")
    assert len(rows) == 30
    assert rows[-3:] == [[0, 0, 1, 1, 1], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0]]  # retired, live, canary, shadow, legacy
    chart = text.partition('id="gw-progress"')[2].partition("</figure>")[0]
    assert "Routes by stage" in chart
    assert chart.count("<rect") == 90


@pytest.mark.long
def test_progress_is_by_endpoints_where_they_are_known(admin_client, served):
    text = admin_client.get(URL).content.decode()
    assert "Endpoints by stage, by day" in text
    endpoints = INVENTORY.get(served).progress.endpoints
    assert numbers(text, "gw-progress")[-1] == [endpoints[stage] for stage in reversed(STAGES)]


def test_the_latest_changes_are_there_and_escaped(page):
    promote(make_route(), who="<i>ana</i>", why="<script>alert(1)</script>", to="shadow")
    text = page()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<i>ana" not in text


def test_a_change_leads_to_its_route_if_the_file_still_has_it(page):
    for name in ("catalog", "gone"):
        promote(make_route(name=name), who="ana", why="compare", to="shadow")
    changes = page().partition('id="gw-changes"')[2]
    assert 'href="catalog/change/"' in changes
    assert 'href="gone/change/"' not in changes
    assert '<th scope="row">gone</th>' in changes


def test_nothing_is_inline(page, now):
    serving(now)
    counted(now, "orders")
    text = page()
    own = text.partition('id="gateway-admin"')[2].partition("<footer")[0]
    assert not re.search(r"<style|\sstyle=|<script|\son\w+=|javascript:", own)
    assert re.findall(r"<script(?![^>]*src=)", text) == []


def many(now, routes: int = 60) -> str:
    """A file of so many routes, each with traffic."""
    for number in range(routes):
        counted(now, f"r{number}")
        counted(now, f"r{number}", side="legacy")
    tables = "".join(
        f'[[routes]]\nname = "r{number}"\nprefix = "/r{number}"\nservice = "items"\nstage = "canary"\nweight = 5.0\n'
        for number in range(routes)
    )
    services = '[services.items]\napp = "tests.project.services:items"\n'
    return f'[legacy]\nsettings = "legacy.settings"\n{services}{tables}'


def test_the_number_of_queries_does_not_depend_on_the_number_of_routes(admin_client, toml, now):
    serving(now)
    toml(many(now))
    with CaptureQueriesContext(connection) as asked:
        page = admin_client.get(URL).content.decode()
    assert "r59" in page
    assert len(asked) <= MOST_QUERIES, [query["sql"][:90] for query in asked]


def test_a_route_that_is_retired_may_be_cleaned_up(page, now):
    for to in ("live", "retired"):
        promote(make_route(name="catalog"), who="ana", why="x", anyway=True, to=to)
    assert "ready to be cleaned up" in page()


def test_a_route_that_is_live_for_long_may_be_cleaned_up(page, now, monkeypatch):
    promote(make_route(name="catalog"), who="ana", why="x", anyway=True, to="live")
    monkeypatch.setattr("gateway.admin.pages.utc_now", lambda: now + timedelta(days=8))
    assert "live for 8 days: ready to be retired" in page() or "live for 7 days" in page()
