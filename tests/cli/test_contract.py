"""`gateway contract` on the command line, for the demo's own routes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.console import run

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "gateway.toml"
FEW = ["--config", str(DEMO), "--examples", "5"]


def test_the_demos_routes_keep_their_contract(invoke):
    result = invoke("contract", *FEW, "--json")
    document = json.loads(result.stdout)
    endpoints = [(one["method"], one["path"]) for route in document["routes"] for one in route["endpoints"]]
    assert (result.exit_code, document["ok"], len(endpoints)) == (0, True, 8)
    assert [route["skipped"] for route in document["routes"]].count(
        "it claims nothing but the service's own pages"
    ) == 5


def test_what_is_found_is_listed_below_the_table_with_the_worst_first(invoke):
    result = invoke("contract", *FEW, "quotes")
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert " ".join(lines[1].split()) == (
        "quotes GET /api/quotes/{product_id:int}/ views.QuotesView plain 1 warning; 3 not compared"
    )
    assert "  warning  throttles: nothing limits callers, where legacy has AnonRateThrottle, UserRateThrottle" in lines
    assert any(line.startswith("  not compared  response: ") for line in lines)


TWO = """
[legacy]
settings = "legacy.settings"

[services.cart]
app = "tests.cli.services:lenient"
middleware = "none"

[services.news]
app = "tests.cli.services:news"
middleware = "none"

[[routes]]
name = "cart"
prefix = "/api/cart"
service = "cart"

[[routes]]
name = "news"
prefix = "/news"
service = "news"
"""


def test_what_the_service_takes_otherwise_is_shown_by_examples_and_what_is_new_is_said(invoke, here):
    (here / "gateway.toml").write_text(TWO)
    result = invoke("contract", "--examples", "200")
    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert '    100: legacy 400 ["Ensure this value is less than or equal to 99."]; service valid' in lines
    (new,) = [line for line in lines if line.startswith("news")]
    assert new.endswith("new: nothing to compare with")


def test_strict_makes_warnings_count(invoke):
    assert invoke("contract", *FEW, "quotes", "--strict").exit_code == 1


def test_verbose_lists_what_was_compared(invoke):
    lines = invoke("contract", *FEW, "GET /api/cart/", "--verbose").stdout
    assert "  compared  status: 200" in lines
    assert "items.product.price" in lines


def test_what_no_route_claims_is_named_with_what_there_is(invoke):
    result = invoke("contract", *FEW, "/api/nothing/")
    assert result.exit_code == 2
    assert "no route is called '/api/nothing/'" in result.stderr
    assert "POST /api/orders/" in result.stderr


def test_a_route_of_pages_alone_says_so(invoke):
    result = invoke("contract", *FEW, "catalog-docs")
    assert (result.exit_code, result.stdout) == (
        0,
        "catalog-docs: nothing to compare: it claims nothing but the service's own pages\n",
    )


def test_without_hypothesis_it_says_what_to_install(invoke, monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    result = invoke("contract", *FEW)
    assert result.exit_code == 3
    assert 'pip install "django-fastapi-gateway[workbench]"' in result.stderr


def test_a_wsgi_application_has_no_views(invoke, here):
    (here / "gateway.toml").write_text('[legacy]\nwsgi = "wsgiref.simple_server:demo_app"\n')
    result = invoke("contract")
    assert result.exit_code == 3
    assert "no Django project" in result.stderr


@pytest.mark.slow
def test_it_needs_no_database_at_all(tmp_path):
    """A database that isn't there is not even connected to."""
    away = "postgresql://nobody:nothing@127.0.0.1:1/none"
    result = run(ROOT, "contract", "catalog", "--examples", "5", DATABASE_URL=away)
    assert (result.returncode, "connection" in result.stderr) == (0, False), result.stderr
