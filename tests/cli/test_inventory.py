"""`gateway inventory`, and `gateway check --baseline`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import legacy.shop.api.views
from gateway.control.endpoint_days import DAY, write_endpoints
from gateway.stats.traffic import NO_VIEW, EndpointTally

pytestmark = pytest.mark.long

NOW = datetime.now(UTC)
TODAY = int(NOW.timestamp()) // DAY * DAY
LIST = ("legacy", "GET", "api/products/$")


def tally(requests, errors=0, size=1000, seconds_at=40, names=()):
    made = EndpointTally()
    made.requests, made.errors, made.size = requests, errors, size
    made.counts[seconds_at] = requests
    made.names.update(names)
    return made


@pytest.fixture
def counted(db):
    """Traffic of today: what Django and the catalog have answered."""
    tallies = {
        LIST: tally(30, names=["page"]),
        ("legacy", "HEAD", "api/products/$"): tally(2),
        ("catalog", "GET", "/api/products/"): tally(70),
        ("legacy", "GET", "api/categories/$"): tally(100, errors=7, seconds_at=60),
        ("legacy", "POST", "api/categories/$"): tally(5),
        ("legacy", "GET", NO_VIEW): tally(9),
    }
    write_endpoints("a", TODAY, tallies, NOW)


def document(invoke, *arguments):
    return json.loads(invoke("inventory", *arguments, "--json").stdout)


def endpoints(found):
    return {f"{one['method']} {one['template']}": one for one in found["endpoints"]}


def test_a_line_for_each_endpoint_with_who_serves_it(invoke, catalog):
    lines = invoke("inventory").stdout.splitlines()
    assert any(line.startswith("GET /api/products/ ") and "live catalog" in line for line in lines)
    assert any(line.startswith("POST /api/products/ ") and "legacy" in line for line in lines)
    assert not any(line.startswith("GET /admin/") for line in lines)
    assert any(line.startswith("admin: ") for line in lines)


def test_what_was_counted_is_the_endpoints_whoever_answered(invoke, catalog, counted):
    found = endpoints(document(invoke))
    listed, categories = found["GET /api/products/"], found["GET /api/categories/"]
    assert (listed["legacy"]["requests"], listed["service"]["requests"]) == (32, 70)
    assert listed["legacy"]["parameters"] == ["page"]
    assert (categories["legacy"]["requests"], categories["legacy"]["errors"]) == (100, 7)
    assert 2 < categories["legacy"]["p95_seconds"] < 4
    assert found["POST /api/categories/"]["legacy"]["requests"] == 5
    assert found["PUT /api/categories/{pk}/"]["dead"] == "no request"


def test_what_is_no_endpoints_is_counted_apart(invoke, catalog, counted):
    [elsewhere] = document(invoke)["elsewhere"]
    assert (elsewhere["upstream"], elsewhere["traffic"]["requests"]) == ("legacy", 9)
    assert "no view" in elsewhere["label"]


def test_progress_by_endpoints_and_by_traffic(invoke, catalog, counted):
    progress = document(invoke)["progress"]
    assert (progress["endpoints"]["live"], progress["service_requests"], progress["legacy_requests"]) == (2, 70, 137)
    assert progress["traffic_percent"] == pytest.approx(100 * 70 / 207)
    assert "2 of 51 endpoints have moved" in invoke("inventory").stdout


def test_what_a_route_takes_away(invoke, catalog):
    assert document(invoke)["taken"] == {"catalog": ["GET /api/products/", "GET /api/products/{pk}/"]}


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        (["--sort", "requests"], "GET /api/products/"),
        (["--sort", "errors"], "GET /api/categories/"),
        (["--sort", "p95"], "GET /api/categories/"),
        (["--sort", "bytes"], "GET /api/products/"),
        (["--sort", "url"], "DELETE /"),
        (["--sort", "seen"], "GET /api/categories/"),
        (["--method", "post", "--app", "accounts"], None),
        (["/cart", "--kind", "drf"], "GET /api/cart/"),
        (["--route", "catalog"], "GET /api/products/"),
        (["--stage", "live"], "GET /api/products/"),
        (["legacy.shop.views.checkout"], "* /checkout/"),
        (["--kind", "admin"], "* /admin/"),
        (["--dead", "/api/products/"], "POST /api/products/"),
    ],
)
def test_endpoints_are_sorted_and_chosen(invoke, catalog, counted, arguments, first):
    found = [f"{one['method']} {one['template']}" for one in document(invoke, *arguments)["endpoints"]]
    assert next(iter(found), None) == first


def test_the_next_one_to_move_is_said_with_reasons(invoke, catalog, counted):
    best = document(invoke)["next"][0]
    assert best["endpoint"] == "GET /api/categories/"
    assert "the traffic that is left (100 requests)" in best["reasons"][0]
    lines = invoke("inventory", "--next", "1").stdout.splitlines()
    assert lines[0].startswith("1. GET /api/categories/")


def test_verbose_says_what_an_endpoint_goes_by_and_who_names_it(invoke, catalog):
    text = invoke("inventory", "/api/orders/", "-v").stdout
    assert "serializer legacy.shop.api.serializers.OrderSerializer" in text
    assert "allowed by IsAuthenticated" in text
    assert "product_detail.html:10 (form)" in invoke("inventory", "cart-add", "-v").stdout


def test_verbose_says_what_was_counted_and_measured_of_an_endpoint(invoke, catalog, counted, here):
    views = Path(legacy.shop.api.views.__file__)
    report = {"files": {str(views): {"executed_lines": list(range(1, 1000))}}}
    (here / "coverage.json").write_text(json.dumps(report))
    lines = invoke("inventory", "/api/categories/", "--method", "get", "-v").stdout.splitlines()
    assert lines[1].startswith(
        "    100 requests, 7 errors, p50 3,016.1 ms, p95 3,250.7 ms, 1 KB of bodies, asked last "
    )
    assert "    tests run 100 % of it" in lines
    assert "    asked with page" in invoke("inventory", "/api/products/", "-v").stdout.splitlines()


@pytest.mark.parametrize(("size", "shown"), [(999, "999 B"), (7_000_000, "7 MB"), (5_432_000_000_000, "5,432 GB")])
def test_the_size_of_bodies_has_a_unit(invoke, catalog, size, shown):
    write_endpoints("a", TODAY, {LIST: tally(1, size=size)}, NOW)
    assert shown in invoke("inventory", "/api/products/", "--method", "get").stdout


def test_the_list_ends_with_what_it_leaves_out_and_why_nothing_is_counted(invoke, catalog, settings):
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "gateway.control"]
    result = invoke("inventory", "/no/such/endpoint")
    first, empty, *groups, progress, why = result.stdout.splitlines()
    assert (first, empty) == ("There is no such endpoint.", "")
    assert groups[0].startswith("admin: ")
    assert all(line.endswith(" more, 0 requests (--all)") for line in groups)
    assert progress == "2 of 51 endpoints have moved (49 legacy, 2 live)"
    assert why == 'nothing is counted: "gateway.control" is not in INSTALLED_APPS'


def test_variants_by_a_suffix_of_the_path_are_left_out_and_counted(invoke, rollout, settings):
    settings.ROOT_URLCONF = "tests.workbench.inventory.urls"
    rollout()
    text = invoke("inventory").stdout
    assert ".{format}" not in text
    assert "with a format's suffix: " in text
    assert ".{format}" in invoke("inventory", "--all").stdout


def test_says_that_nothing_is_left_to_move(invoke, catalog):
    assert invoke("inventory", "--stage", "live", "--next", "3").stdout == "Nothing is left to move.\n"


def test_the_project_document_is_asked_where_drf_spectacular_is_installed(invoke, catalog):
    found = document(invoke, "/api/products/")
    [documented] = [one["documented"] for one in found["endpoints"] if one["action"] == "list"]
    assert documented["operation_id"] == "products_list"
    assert "query page" in documented["parameters"]
    assert documented["responses"]["200"] == ["application/json"]
    assert any("unable to guess serializer" in note for note in found["notes"])


def test_without_the_app_the_list_is_there_and_says_why_nothing_is_counted(invoke, catalog, settings):
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "gateway.control"]
    found = document(invoke)
    assert found["counted"] == 'nothing is counted: "gateway.control" is not in INSTALLED_APPS'
    assert endpoints(found)["GET /api/products/"]["legacy"] is None


def test_another_wsgi_application_has_no_inventory(invoke, here):
    (here / "gateway.toml").write_text('[legacy]\nwsgi = "legacy.wsgi:application"\n')
    result = invoke("inventory")
    assert result.exit_code == 3
    assert "can't be asked for its URLs" in result.stderr


# -- the ratchet -----------------------------------------------------------------------------------


@pytest.fixture
def baseline(invoke, catalog, here):
    assert invoke("check", "--baseline", "legacy.txt", "--update").exit_code == 0
    return here / "legacy.txt"


def test_what_is_in_the_baseline_may_stay(invoke, baseline):
    result = invoke("check", "--baseline", baseline.name)
    assert result.exit_code == 0
    assert "POST /api/products/" in baseline.read_text().splitlines()
    assert "GET /api/products/" not in baseline.read_text().splitlines()


def test_another_wsgi_application_has_no_baseline(invoke, here):
    (here / "gateway.toml").write_text('[legacy]\nwsgi = "wsgiref.simple_server:demo_app"\n')
    result = invoke("check", "--baseline", "legacy.txt")
    assert result.exit_code == 3
    assert "there is no baseline" in result.stderr


def test_a_new_endpoint_of_django_fails(invoke, baseline):
    lines = [line for line in baseline.read_text().splitlines() if line != "* /checkout/"]
    baseline.write_text("\n".join(lines))
    result = invoke("check", "--baseline", baseline.name)
    assert result.exit_code == 1
    assert "* /checkout/ is new, in no route and not in the baseline" in result.stdout
    assert json.loads(invoke("check", "--baseline", baseline.name, "--json").stdout)["baseline"]["new"] == [
        "* /checkout/"
    ]


def test_what_went_or_has_moved_is_said_and_written_by_update(invoke, baseline):
    baseline.write_text(baseline.read_text() + "GET /api/gone/\n")
    result = invoke("check", "--baseline", baseline.name)
    assert result.exit_code == 0
    assert "1 endpoint of it went or moved" in result.stdout
    invoke("check", "--baseline", baseline.name, "--update")
    assert "GET /api/gone/" not in baseline.read_text()


def test_a_parameter_may_be_called_otherwise(invoke, baseline):
    baseline.write_text(baseline.read_text().replace("{pk}", "{id}"))
    assert invoke("check", "--baseline", baseline.name).exit_code == 0


def test_a_file_of_another_kind_is_refused(invoke, baseline):
    baseline.write_text("[legacy]\n")
    result = invoke("check", "--baseline", baseline.name)
    assert result.exit_code == 3
    assert "'[legacy]' is no endpoint" in result.stderr
