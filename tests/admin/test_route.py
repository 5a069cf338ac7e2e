"""The page of a route shows both sides and what differs, and moves the route as the commands do."""

import re
from collections import Counter
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gateway.admin.pages import FRAGMENTS
from gateway.control import reports, transitions
from gateway.control.database import DatabaseBusy
from gateway.control.models import Change, Recording, RouteState
from gateway.control.store import Origin, write_counts
from tests.admin.conftest import ROUTES, counted, difference, serving
from tests.control.conftest import make_route, promote, tally

pytestmark = pytest.mark.django_db

CATALOG = "/admin/gateway_control/route/catalog/change/"
CART = "/admin/gateway_control/route/cart_5Flines/change/"
ORDERS = "/admin/gateway_control/route/orders/change/"


@pytest.fixture(autouse=True)
def _file(toml):
    """Every page needs one."""


@pytest.fixture
def operator(staff) -> Client:
    return staff("view_route", "operate_route", name="ana")


def stage(route: str) -> str:
    row = RouteState.objects.filter(route=route).first()
    return f"{row.stage} {row.weight:g}" if row is not None else "as in the file"


# -- what it shows ---------------------------------------------------------------------------------


def test_the_ladder_says_where_it_stands(operator):
    page = operator.get(ORDERS).content.decode()
    assert re.search(r'<li class="gw-present" aria-current="step"><span>canary\s+10 %</span></li>', page)


def test_a_metric_has_both_sides_the_difference_its_band_and_the_samples(operator, now):
    serving(now)
    counted(now, "orders", requests=200, errors=10)
    counted(now, "orders", side="legacy", requests=400, errors=4)
    page = operator.get(ORDERS).content.decode()
    row = page.partition('data-metric="errors"')[2].partition("</tr>")[0]
    assert re.findall(r"<td>(.*?)</td>", row) == ["5.00 %", "1.00 %", "+4.00 %", "+1.26 % to +8.00 %", "200 / 400"]


def test_a_weight_is_said_in_callers(operator, now):
    serving(now)
    counted(now, "orders", requests=340)
    counted(now, "orders", side="legacy", requests=3060)
    page = operator.get(ORDERS).content.decode()
    assert "about 340 of 3,400 requests an hour" in page
    assert "canary at 25 %: the service answers about 850 of 3,400 requests an hour" in page


def test_what_differs_is_marked_and_escaped(operator, now):
    serving(now)
    difference(expected="<b>10.00</b>", actual="<b>10.0</b>", target="/cart/<script>/")
    page = operator.get(CART).content.decode()
    assert "&lt;b&gt;10.0<mark>0</mark>&lt;/b&gt;" in page
    assert "/cart/&lt;script&gt;/" in page


def test_fallbacks_have_their_reasons(operator, now):
    serving(now)
    fell_back = tally(*[0.01] * 3, errors=3)
    fell_back.fallbacks, fell_back.reasons = 3, {"service <items> answered 503": 3}
    origin = Origin(now, {"orders": "r1"})
    write_counts("a", {("orders", "service", int(now.timestamp()) - 20): fell_back}, {}, origin=origin)
    page = operator.get(ORDERS).content.decode()
    assert "<li>service &lt;items&gt; answered 503: 3</li>" in page


def test_it_says_what_is_missing_for_the_next_step(operator):
    page = operator.get(CART).content.decode()
    assert "to canary at 1 %, what is missing:" in page


def test_without_the_permission_there_are_no_buttons(staff):
    page = staff("view_route").get(ORDERS).content.decode()
    assert 'method="post"' not in page.partition('id="gateway-admin"')[2]


# -- moving ----------------------------------------------------------------------------------------


def send(client: Client, url: str = CATALOG, **form: str):
    return client.post(url, {"why": "it is time", "expected": "0"} | form)


def test_promote(operator):
    response = send(operator, verb="promote", to="shadow")
    assert (response.status_code, response["Location"]) == (302, CATALOG)
    assert stage("catalog") == "shadow 0"
    (change,) = reports.changes("catalog")
    assert (change.who, change.why) == ("ana", "it is time")


def test_a_move_is_in_the_admins_log_too(operator):
    send(operator, verb="promote", to="shadow")
    entry = LogEntry.objects.get()
    assert (entry.user.get_username(), entry.object_id, entry.get_admin_url()) == ("ana", "catalog", CATALOG)
    assert "ana promoted 'catalog' from legacy to shadow" in entry.get_change_message()


def test_pause_and_resume_and_rollback_and_back_to_the_file(operator):
    send(operator, ORDERS, verb="pause")
    assert RouteState.objects.get().paused
    revision = str(RouteState.objects.get().revision)
    send(operator, ORDERS, verb="resume", expected=revision)
    send(operator, ORDERS, verb="rollback", to="canary:5")
    assert stage("orders") == "canary 5"
    send(operator, ORDERS, verb="rollback", to="legacy")
    assert stage("orders") == "legacy 0"
    revision = str(RouteState.objects.get().revision)
    assert send(operator, ORDERS, verb="clear", expected=revision).status_code == 409  # that is a promotion
    assert [change.verb for change in reports.changes("orders")] == ["rollback", "rollback", "resume", "pause"]


def test_a_weight_of_ones_own(operator):
    send(operator, ORDERS, verb="rollback", to="canary:5", weight="2,5")
    assert stage("orders") == "canary 2.5"


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"verb": "promote", "to": "shadow", "why": "  "}, 400),
        ({"verb": "promote", "to": "moon"}, 400),
        ({"verb": "promote", "to": "canary:5", "weight": "much"}, 400),
        ({"verb": "promote", "to": "canary"}, 400),
        ({"verb": "promote", "to": "shadow", "weight": "5"}, 400),
        ({"verb": "promote", "to": "canary:x"}, 400),
        ({"verb": "promote", "to": "shadow:5"}, 400),
        ({"verb": "explode"}, 400),
        ({"verb": "resume"}, 409),
    ],
)
def test_what_makes_no_sense_is_refused_and_said(operator, form, status):
    response = send(operator, **form)
    assert response.status_code == status
    assert 'role="alert"' in response.content.decode()
    assert not Change.objects.exists()


@pytest.mark.parametrize("verb", ["promote", "rollback", "pause", "resume", "clear"])
def test_without_the_permission_nothing_moves(staff, verb):
    response = send(staff("view_route", "override_evidence"), verb=verb, to="shadow", anyway="yes")
    assert response.status_code == 403
    assert not Change.objects.exists()


def test_a_post_without_the_token_is_refused(staff):
    staff("view_route", "operate_route")
    client = Client(enforce_csrf_checks=True)
    client.login(username="ana", password="ana")
    assert send(client, verb="promote", to="shadow").status_code == 403


def test_the_page_reads_what_all_parts_of_it_need_once(operator, now):
    serving(now)
    counted(now, "orders")
    difference("orders")
    operator.get(ORDERS)
    with CaptureQueriesContext(connection) as asked:
        operator.get(f"{ORDERS}news/")
    FRAGMENTS.clear()
    with CaptureQueriesContext(connection) as made:
        operator.get(f"{ORDERS}news/")
    tables = Counter(re.search(r'FROM ["`](\w+)', query["sql"])[1] for query in made)
    assert tables["gateway_control_worker"] == 1
    assert len(made) - len(asked) <= 24, tables


# -- what stands in the way ------------------------------------------------------------------------


def test_a_promotion_without_evidence_says_what_is_missing(operator):
    response = send(operator, CART, verb="promote", to="live")
    assert response.status_code == 409
    page = response.content.decode()
    assert 'data-kind="unproved"' in page
    assert "nothing was compared" in page or "inconclusive" in page
    assert "anyway" not in page.partition('id="gw-refusal"')[2].partition("</div>")[0]


def test_who_may_override_gets_a_second_step(staff):
    client = staff("view_route", "operate_route", "override_evidence")
    page = send(client, CART, verb="promote", to="live", why="it's urgent").content.decode()
    form = page.partition('id="gw-refusal"')[2].partition("</form>")[0]
    assert 'name="anyway" value="yes" required' in form
    assert 'value="it&#x27;s urgent"' in form
    send(client, CART, verb="promote", to="live", anyway="yes")
    assert stage("cart_lines") == "live 0"
    assert reports.changes("cart_lines")[0].anyway


def test_the_second_step_needs_the_permission(operator):
    assert send(operator, CART, verb="promote", to="live", anyway="yes").status_code == 403
    assert stage("cart_lines") == "as in the file"


FREEZE = '[hooks.freeze]\ncall = "tests.cli.services:frozen"\nevents = ["before_promote"]\n'


def test_a_hook_that_refuses_is_named_with_its_reason_and_a_second_step(staff, toml):
    toml(ROUTES + FREEZE)
    client = staff("view_route", "operate_route", "override_evidence")
    response = send(client, verb="promote", to="shadow")
    refusal = response.content.decode().partition('id="gw-refusal"')[2].partition("</form>")[0]
    assert (response.status_code, stage("catalog")) == (409, "as in the file")
    assert "A hook refuses it" in refusal
    assert "hook &#x27;freeze&#x27; refuses: change freeze" in refusal
    send(client, verb="promote", to="shadow", anyway="yes")
    assert reports.changes("catalog")[0].why == "it is time (hook 'freeze' refused: change freeze)"


def test_a_conflict_names_the_other_operator_and_loses_nothing(operator):
    promote(make_route(name="catalog"), who="grace", why="mine", to="shadow")
    response = send(operator, verb="promote", to="live", why="my long reason")
    assert response.status_code == 409
    page = response.content.decode()
    assert "grace promoted" in page
    assert page.count('value="my long reason"') == 1
    assert '<option value="live" selected>' in page
    assert 'name="expected" value="1"' in page


def test_a_retired_route_goes_back_in_a_second_step(staff):
    route = make_route(name="catalog")
    promote(route, who="grace", to="live")
    promote(route, who="grace", to="retired")
    client = staff("view_route", "operate_route", "override_evidence")
    response = send(client, verb="rollback", to="legacy")
    assert 'data-kind="retired"' in response.content.decode()
    send(client, verb="rollback", to="legacy", anyway="yes")
    assert stage("catalog") == "legacy 0"


def test_a_busy_database_loses_nothing(operator, monkeypatch):
    def busy(*_, **__):
        raise transitions.until_done.__globals__["DatabaseBusy"]("locked")

    monkeypatch.setattr(transitions, "promote", busy)
    response = send(operator, verb="promote", to="shadow", why="my long reason")
    assert response.status_code == 503
    assert 'value="my long reason"' in response.content.decode()


# -- recording -------------------------------------------------------------------------------------


def test_a_recording_is_begun_and_says_how_to_fetch_it(staff):
    client = staff("view_route", "record_requests", name="ana")
    page = client.post(CATALOG, {"verb": "record", "why": "for a replay", "for": "10m"}, follow=True).content.decode()
    recording = Recording.objects.get()
    assert (recording.who, recording.why, recording.until - recording.started) == (
        "ana",
        "for a replay",
        timedelta(minutes=10),
    )
    assert f"gateway record --fetch {recording.pk}" in page
    assert reports.changes("catalog")[0].verb == "record"


@pytest.mark.parametrize("form", [{"why": "", "for": "10m"}, {"why": "so", "for": "for ever"}])
def test_a_recording_without_a_reason_or_an_end_is_refused(staff, form):
    client = staff("view_route", "record_requests")
    assert client.post(CATALOG, {"verb": "record", **form}).status_code == 400
    assert not Recording.objects.exists()


def test_a_recording_that_the_database_does_not_take_loses_nothing(staff, monkeypatch):
    def busy(*_, **__):
        raise DatabaseBusy("locked")

    monkeypatch.setattr("gateway.admin.recording.start", busy)
    form = {"verb": "record", "why": "my long reason", "for": "10m"}
    response = staff("view_route", "record_requests").post(CATALOG, form)
    assert response.status_code == 503
    assert 'value="my long reason"' in response.content.decode()


def test_a_recording_needs_its_permission(operator):
    assert operator.post(CATALOG, {"verb": "record", "why": "so", "for": "10m"}).status_code == 403
    assert 'id="gw-record"' not in operator.get(CATALOG).content.decode()
