"""`gateway openapi`: the document, and what changes for clients, as a gate for CI."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

pytestmark = pytest.mark.long
DEMO = str(Path(__file__).parents[2] / "gateway.toml")


@pytest.fixture
def ask(invoke):
    """`gateway openapi` of the demo."""
    return lambda *arguments: invoke("openapi", "--config", DEMO, *arguments)


def test_prints_the_document(ask):
    result = ask()
    document = json.loads(result.stdout)
    OpenAPIV31SpecValidator(document).validate()
    assert (result.exit_code, document["openapi"]) == (0, "3.1.0")
    assert document["paths"]["/api/products/"]["get"]["x-served-by"] == "catalog"


def test_the_document_follows_the_stages_in_the_database(invoke, ask):
    assert invoke("rollback", "catalog", "--config", DEMO).exit_code == 0
    operation = json.loads(ask("--json").stdout)["document"]["paths"]["/api/products/"]["get"]
    assert (operation["x-served-by"], operation["x-migration-stage"]) == ("legacy", "legacy")


def test_with_diff_each_moved_operation_has_its_changes(ask):
    result = ask("--diff", "--json")
    found = json.loads(result.stdout)
    operations = {f"{one['method']} {one['path']}": one for one in found["operations"]}
    assert set(operations) == {
        "GET /api/products/", "GET /api/products/{id}/", "GET /api/cart/", "POST /api/cart/items/", "POST /api/orders/",
        "GET /api/reviews/", "POST /api/reviews/", "GET /api/quotes/{product_pk}/",
    }  # fmt: skip
    assert found["ok"] is (result.exit_code == 0)


def test_the_stage_does_not_matter_for_what_has_moved(invoke, ask):
    before = json.loads(ask("--diff", "--json").stdout)["operations"]
    invoke("rollback", "catalog", "--config", DEMO)
    assert json.loads(ask("--diff", "--json").stdout)["operations"] == before


def test_one_route_is_enough(ask):
    found = json.loads(ask("--diff", "reviews", "--json").stdout)["operations"]
    assert {one["route"] for one in found} == {"reviews"}


@pytest.fixture
def two(invoke, here):
    """The diff of a route, of which the service is written here."""

    def diff(module: str, *arguments: str):
        (here / "gateway.toml").write_text(
            f'[legacy]\nsettings = "legacy.settings"\n[services.token]\napp = "tests.cli.services:{module}"\n'
            'middleware = "none"\n[[routes]]\nname = "token"\npath = "/api/cart/items/{product_pk}/"\n'
            'service = "token"\n'
        )
        return invoke("openapi", "--diff", *arguments)

    return diff


@pytest.mark.parametrize(
    ("module", "arguments", "status"),
    [("equal", [], 0), ("breaking", [], 1), ("warning", [], 0), ("warning", ["--strict"], 1)],
)
def test_the_exit_status_is_a_gate(two, module, arguments, status):
    result = two(module, *arguments)
    assert result.exit_code == status, result.stdout + result.stderr


def test_an_operation_that_the_service_does_not_document_is_breaking(two):
    result = two("hidden", "--json")
    (operation,) = json.loads(result.stdout)["operations"]
    assert [change["rule"] for change in operation["changes"]] == ["operation-undocumented"]


@pytest.mark.parametrize("arguments", [["catalog"], ["--strict"], ["--diff", "nothing"]])
def test_wrong_usage_is_said(ask, arguments):
    assert ask(*arguments).exit_code == 2


def test_prints_the_changes_of_each_operation(two):
    result = two("breaking")
    assert "DELETE /api/cart/items/{product_pk}/" in result.stdout
    assert "breaking  parameter-required-added  query reason: a parameter that is required was added" in result.stdout


@pytest.mark.parametrize(
    ("module", "verdict"), [("same", "no change"), ("equal", "1 warning, 2 note"), ("hidden", "1 breaking")]
)
def test_prints_a_verdict_on_each_operation(two, module, verdict):
    line = next(line for line in two(module).stdout.splitlines() if line.startswith("token"))
    assert line.split("  ")[-1].strip() == verdict


def test_notes_are_printed_only_when_they_are_asked_for(two):
    assert "note  " not in two("equal").stdout
    assert "note  response-error-added  422: a status was added" in two("equal", "--verbose").stdout


def test_says_what_could_not_be_compared(invoke, here):
    """What a service at a URL documents is in another process."""
    (here / "gateway.toml").write_text(
        '[legacy]\nsettings = "legacy.settings"\n[services.far]\nurl = "http://127.0.0.1:9"\n'
        '[[routes]]\nname = "far"\nprefix = "/api"\nservice = "far"\nclaim = "all"\n'
    )
    result = invoke("openapi", "--diff")
    assert result.exit_code == 0
    assert "Not compared: service far, which is at a url\n" in result.stderr
    assert result.stdout == "No operation of the project's document is claimed by a route.\n"
