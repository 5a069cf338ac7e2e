"""What a member of staff with few permissions, and what comes from traffic, can't do."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

import pytest
from django.contrib.admin.models import LogEntry
from django.db import OperationalError, connection
from django.test import Client

from gateway.admin.endpoints import _cell
from gateway.control import transitions
from gateway.control.models import AcceptedDifference, Change, DifferenceGroup, Recording, RouteState, Worker
from gateway.control.store import write_worker
from legacy.accounts.models import User
from tests.admin.conftest import ROUTES, difference
from tests.control.conftest import make_route, promote

pytestmark = pytest.mark.django_db

URL = "/admin/gateway_control/route/"
ONE = f"{URL}endpoints/one/"
SCRIPT = """"><script>alert(1)</script>'{{ 7|add:7 }}"""


# -- files of the server ----------------------------------------------------------------------------


@pytest.mark.long
def test_a_service_is_a_name_and_no_path(staff, served):
    """`gateway scaffold` shows how what is there differs from what it would write."""
    with TemporaryDirectory(prefix="other_") as folder:
        (Path(folder) / "__init__.py").write_text("SECRET_KEY = 'not for you'\n")
        page = staff("view_route").get(ONE, {"endpoint": "GET /api/products/", "service": folder}).content.decode()
    assert "a name of letters, digits, - and _" in page
    assert "not for you" not in page


@pytest.mark.long
@pytest.mark.parametrize("end", ["\n", ""])
def test_no_url_of_a_hook_is_shown(staff, served, tmp_path, end):
    path = tmp_path / "gateway.toml"
    path.write_text(f'{path.read_text()}[hooks.chat]\nformat = "slack"\nurl = "https://hooks.example/T0/B0/key"{end}')
    page = staff("view_route").get(ONE, {"endpoint": "GET /api/products/"}).content.decode()
    assert "+[[routes]]" in page
    assert "T0/B0" not in page


# -- permissions ------------------------------------------------------------------------------------

ALL = ("view_route", "operate_route", "accept_differences", "override_evidence", "record_requests")
CART = f"{URL}cart_5Flines/change/"
SETTLE = f"{CART}differences/{'f' * 32}/"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
# What is sent where, and every permission that it needs.
ACTIONS = [
    (CART, {"verb": "promote", "to": "canary:5"}, {"operate_route"}),
    (CART, {"verb": "rollback", "to": "legacy"}, {"operate_route"}),
    (CART, {"verb": "pause"}, {"operate_route"}),
    (CART, {"verb": "promote", "to": "live", "anyway": "yes"}, {"operate_route", "override_evidence"}),
    (CART, {"verb": "rollback", "to": "legacy", "anyway": "yes"}, {"operate_route", "override_evidence"}),
    (CART, {"verb": "clear", "anyway": "yes"}, {"operate_route", "override_evidence"}),
    (CART, {"verb": "record", "for": "10m"}, {"record_requests"}),
    (SETTLE, {"verb": "accept", "until": TOMORROW}, {"accept_differences"}),
    (SETTLE, {"verb": "resolve"}, {"accept_differences"}),
]
LACKING = [
    pytest.param(url, form, lacking, id=f"{' '.join(form)} {form['verb']} without {lacking}")
    for url, form, needed in ACTIONS
    for lacking in sorted(needed | {"view_route"})
]


@pytest.mark.parametrize(("url", "form", "lacking"), LACKING)
def test_each_action_needs_each_of_its_permissions(staff, toml, url, form, lacking):
    difference()
    client = staff(*(one for one in ALL if one != lacking))
    assert client.post(url, {"why": "so", "expected": "0"} | form).status_code == 403
    assert nothing_was_done()


@pytest.mark.parametrize(("url", "form", "needed"), ACTIONS)
def test_each_action_needs_the_token(staff, toml, url, form, needed):
    difference()
    client = staff(*ALL)
    client.handler.enforce_csrf_checks = True
    assert client.post(url, {"why": "so", "expected": "0"} | form).status_code == 403
    assert nothing_was_done()


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "options", "patch"])
def test_only_a_post_does_anything(staff, toml, method):
    difference()
    client = staff(*ALL)
    for url, form, _ in ACTIONS:
        getattr(client, method)(f"{url}?{urlencode({'why': 'so', 'expected': '0'} | form)}")
    assert nothing_was_done()


def test_whoever_is_no_longer_active_is_nobody(staff, toml):
    client = staff(*ALL)
    User.objects.update(is_active=False)
    assert client.get(URL).status_code == 302
    assert client.get(f"{URL}news/").status_code == 302


def nothing_was_done() -> bool:
    (group,) = DifferenceGroup.objects.all()
    rows = (Change, RouteState, Recording, LogEntry, AcceptedDifference)
    return not group.resolved_by and not any(model.objects.exists() for model in rows)


# -- what comes from traffic ------------------------------------------------------------------------


def test_whatever_comes_from_traffic_or_operators_is_only_text(staff, toml, now):
    found = {"summary": SCRIPT, "kind": SCRIPT[:32], "severity": "breaking"}
    write_worker(
        Worker(
            id="a", host=SCRIPT, pid=7, started=now, seen=now, releases={"items": SCRIPT},
            resting={"items": SCRIPT}, refused={SCRIPT: 3},
        )
    )  # fmt: skip
    difference(pointer=SCRIPT, expected=SCRIPT, actual=f"{SCRIPT}!", target=SCRIPT, **found)
    DifferenceGroup.objects.update(template=f"GET /{SCRIPT}")
    promote(make_route(name="cart_lines"), who=SCRIPT, why=SCRIPT, to="shadow")
    client = staff(*ALL, name="<b>ana</b>")
    pages = [
        "",
        "news/",
        "cart_5Flines/change/",
        "cart_5Flines/change/news/",
        f"cart_5Flines/change/differences/{'f' * 32}/",
    ]
    for page in pages:
        shown = client.get(f"{URL}{page}").content.decode()
        assert "&lt;script&gt;alert(1)" in shown
        assert "<script>alert" not in shown
        assert "<b>ana" not in shown
        assert "{{ 7|add:7 }}" in shown
    form = {"verb": "accept", "why": SCRIPT, "until": SCRIPT, "release": SCRIPT}
    for url, sent in (
        (SETTLE, form),
        (CART, form | {"verb": SCRIPT}),
        (CART, form | {"verb": "promote", "to": SCRIPT}),
    ):
        shown = client.post(url, sent).content.decode()
        assert "&lt;script&gt;alert(1)" in shown
        assert "<script>alert" not in shown


@pytest.mark.parametrize(
    "first", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", ' ="', "\x00="]
)
def test_no_cell_of_a_file_for_spreadsheets_is_a_formula(first):
    assert str(_cell(f"{first}HYPERLINK(1)")).startswith("'")


# -- what one may see and another may not -------------------------------------------------------------


def test_the_etag_of_somebody_elses_page_tells_nothing(staff, toml):
    mine = staff(*ALL).get(f"{CART}news/")["ETag"]
    assert staff("operate_route", name="bob").get(f"{CART}news/", headers={"If-None-Match": mine}).status_code == 403
    assert Client().get(f"{CART}news/", headers={"If-None-Match": mine}).status_code == 302


def test_what_is_kept_for_who_may_more_is_not_shown_to_others(staff, toml):
    difference()
    assert "Accept or resolve" in staff(*ALL).get(f"{CART}news/").content.decode()
    assert "Accept or resolve" not in staff("view_route", name="bob").get(f"{CART}news/").content.decode()


@pytest.mark.parametrize("page", ["", "news/", "explain/", "cart_5Flines/change/", "cart_5Flines/change/news/"])
def test_no_page_is_kept_by_a_cache_between(staff, toml, page):
    response = staff("view_route").get(f"{URL}{page}")
    assert {"no-store", "private"} <= {part.strip() for part in response["Cache-Control"].split(",")}


# -- what the project is like -------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.long
def test_a_move_is_a_transaction_of_its_own(staff, toml, monkeypatch):
    """Under ATOMIC_REQUESTS, the request's would be open while hooks are asked, and allow no second attempt."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    toml(ROUTES + f'[hooks.ops]\ncall = "{__name__}:look"\nevents = ["before_promote"]\n')
    seen.clear()
    form = {"verb": "promote", "to": "canary:5", "why": "so", "expected": "0", "anyway": "yes"}
    monkeypatch.setattr(transitions, "until_done", lambda work: seen.append(connection.in_atomic_block) or work())
    assert staff(*ALL).post(CART, form).status_code == 302
    assert seen
    assert not any(seen)


seen: list[bool] = []


def look(event):
    """A hook."""


@pytest.mark.parametrize("url", [URL, f"{URL}news/", CART, f"{CART}news/", SETTLE])
def test_without_the_tables_the_pages_say_what_to_do(admin_client, toml, url):
    if connection.vendor != "sqlite":
        pytest.skip("elsewhere a table that is dropped is gone, or an error ends the test's transaction")
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith("gateway_control_"):
                cursor.execute(f"DROP TABLE {table}")
    response = admin_client.get(url)
    assert response.status_code == 503
    assert "run `python manage.py migrate`" in response.content.decode()


def test_a_move_that_the_admins_log_can_not_keep_is_made_all_the_same(staff, toml, monkeypatch, caplog):
    def full(*_, **__):
        raise OperationalError("disk full")

    monkeypatch.setattr(LogEntry.objects, "log_actions", full)
    response = staff(*ALL).post(CART, {"verb": "rollback", "to": "legacy", "why": "so"}, follow=True)
    assert response.status_code == 200
    assert "rolled back" in response.content.decode()
    assert "disk full" in caplog.text
