"""The inventory as a page, as a file, and one endpoint with its brief and what scaffold would write."""

import csv
import json
import re
from datetime import timedelta
from io import StringIO

import pytest

from gateway.admin import inventory_cache
from gateway.admin.endpoints import as_csv
from gateway.admin.inventory_cache import InventoryCache
from gateway.control.models import EndpointDay
from gateway.control.serving import serving
from gateway.workbench.inventory import find

pytestmark = [pytest.mark.django_db, pytest.mark.long]

URL = "/admin/gateway_control/route/endpoints/"
ONE = f"{URL}one/"


@pytest.fixture
def ask(admin_client, served):
    """Ask for the page with these values of its form."""

    def ask(url: str = URL, **form: str):
        return admin_client.get(url, form)

    return ask


def table(response) -> str:
    return response.content.decode().partition('id="gw-endpoints"')[2].partition("</table>")[0]


def test_every_endpoint_is_listed_with_its_stage_and_route(ask):
    shown = table(ask())
    row = next(row for row in shown.split("<tr>") if ">GET /api/products/</a>" in row)
    assert "canary" in row
    assert 'href="../products/change/"' in row
    assert "/admin/" not in shown


@pytest.mark.parametrize(
    ("form", "there", "not_there"),
    [
        ({"text": "reviews"}, "/api/reviews/", "/api/orders/"),
        ({"stage": "canary"}, "/api/products/", "/api/orders/"),
        ({"method": "POST"}, "POST /api/orders/", "GET /api/orders/"),
        ({"all": "yes"}, "/admin/", "nothing"),
        ({"route": "products"}, "/api/products/", "/api/orders/"),
    ],
)
def test_the_form_filters(ask, form, there, not_there):
    shown = table(ask(**form))
    assert there in shown
    assert not_there not in shown


def test_the_form_sorts(ask, now):
    day = int(now.timestamp()) // 86400 * 86400
    label = find("GET /api/orders/").routes[0]
    row = {"worker": "", "key": "1", "upstream": "legacy", "method": "GET", "label": label}
    EndpointDay.objects.create(**row, day=day, requests=1234, seen=now)
    shown = table(ask(sort="requests"))
    first = shown.partition("<tbody>")[2].partition("</tr>")[0]
    assert "GET /api/orders/" in first
    assert "1,234" in first


def test_it_is_exported_for_spreadsheets(ask):
    response = ask(format="csv", text="/api/products/")
    assert response["Content-Disposition"] == 'attachment; filename="endpoints.csv"'
    rows = [*csv.DictReader(StringIO(response.content.decode()))]
    assert {"method": "GET", "template": "/api/products/", "stage": "canary", "route": "products"}.items() <= rows[
        0
    ].items()


def test_it_is_exported_in_the_form_of_the_command(ask):
    found = json.loads(ask(format="json", text="/api/products/").content)
    assert found["command"] == "inventory"
    assert found["endpoints"][0]["template"] == "/api/products/"


def test_a_formula_is_only_text(served):
    entries = inventory_cache.counted(served).inventory.entries[:1]
    assert as_csv(entries).splitlines()[0].startswith("method,template")


def test_an_endpoint_has_its_brief_and_what_scaffold_would_write(ask, tmp_path):
    page = ask(ONE, endpoint="GET /api/products/", service="catalog").content.decode()
    assert "ProductViewSet" in page
    assert "from gateway.bridge.drf import lift" in page.replace("&#x27;", "'")
    assert {path.name for path in tmp_path.iterdir()} == {"gateway.toml"}


def test_without_a_file_there_is_the_brief_alone(ask, tmp_path):
    (tmp_path / "gateway.toml").unlink()
    page = ask(ONE, endpoint="GET /api/products/").content.decode()
    assert "ProductViewSet" in page
    assert "not configured by a file" in page


def test_the_overview_leads_to_candidates_and_dead_endpoints(admin_client, served):
    page = admin_client.get("/admin/gateway_control/route/").content.decode()
    link = re.search(r'href="(endpoints/one/[^"]+)"', page)
    assert link is not None
    assert admin_client.get(f"/admin/gateway_control/route/{link[1]}").status_code == 200


def test_an_unknown_endpoint_is_not_found(ask):
    response = ask(ONE, endpoint="GET /nowhere/")
    assert response.status_code == 404
    assert "no endpoint" in response.content.decode()


def test_without_the_gateway_nobody_knows_the_endpoints(admin_client, toml):
    assert "served by another server" in admin_client.get(URL).content.decode()


def test_the_overview_has_progress_candidates_and_dead_endpoints(admin_client, served):
    page = admin_client.get("/admin/gateway_control/route/").content.decode()
    assert "Endpoints of the project by stage" in page
    assert "can be lifted as it is" in page
    assert "Dead endpoints" in page


# -- the inventory is made beside the pages --------------------------------------------------------


def test_a_page_does_not_wait_for_the_inventory(served):
    begun = []
    cache = InventoryCache()
    cache.start = begun.append
    assert cache.peek(served) is None
    assert cache.peek(served) is None
    assert len(begun) == 1
    begun[0]()
    assert cache.peek(served) is not None


def test_an_old_inventory_is_shown_until_there_is_a_new_one(served, monkeypatch, now):
    cache = InventoryCache()
    cache.start = lambda work: work()
    first = cache.get(served)
    assert cache.get(served) is first
    begun = []
    cache.start = begun.append
    monkeypatch.setattr(inventory_cache, "utc_now", lambda: now + timedelta(hours=1))
    assert cache.peek(served) is first
    begun[0]()
    assert cache.peek(served) is not first


def test_an_inventory_that_fails_is_logged_and_tried_again(served, monkeypatch, caplog):
    cache = InventoryCache()
    cache.start = lambda work: work()
    monkeypatch.setattr(inventory_cache, "counted", lambda _: 1 / 0)
    assert cache.peek(served) is None
    assert "could not be made" in caplog.text
    monkeypatch.undo()
    assert cache.peek(served) is not None


def test_an_inventory_for_which_there_is_no_thread_is_tried_again(served, caplog):
    def none(_):
        raise RuntimeError("can't start new thread")

    cache = InventoryCache()
    cache.start = none
    assert cache.peek(served) is None
    assert "can't start new thread" in caplog.text
    cache.start = lambda work: work()
    assert cache.peek(served) is not None


def test_whatever_served_no_longer_does(toml):
    assert serving() is None
