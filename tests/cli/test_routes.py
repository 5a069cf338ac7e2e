"""`gateway routes`."""

import json

import pytest


def test_lists_routes_in_order_of_precedence(invoke, catalog):
    lines = [line.split() for line in invoke("routes").stdout.splitlines()]
    assert lines == [
        ["route", "pattern", "methods", "service", "claim", "stage"],
        ["price", "path", "/api/prices/{sku}", "any", "pricing", "all", "legacy"],
        ["catalog", "prefix", "/api", "GET", "WEBSOCKET", "catalog", "implemented", "live"],
    ]


def test_verbose_lists_every_claimed_template(invoke, catalog):
    lines = [line.split() for line in invoke("routes", "--verbose").stdout.splitlines()]
    lines = [line for line in lines if line[0].startswith("/")]
    assert lines[-3:] == [["/api/live", "WEBSOCKET"], ["/api/products/", "GET"], ["/api/products/{id:int}/", "GET"]]


def test_json_has_the_same(invoke, catalog):
    routes = json.loads(invoke("routes", "--json").stdout)["routes"]
    assert routes[0] == {
        "route": "price",
        "prefix": None,
        "path": "/api/prices/{sku}",
        "methods": [],
        "service": "pricing",
        "claim": "all",
        "declared": {"stage": "legacy", "weight_percent": None, "paused": False},
        "effective": {"stage": "legacy", "weight_percent": None, "paused": False},
        "endpoints": [{"path": "/api/prices/{sku}", "methods": [], "below": False}],
        "takes_over": [],
    }


def test_says_that_a_prefix_takes_everything_below(invoke, here):
    toml = '[legacy]\nsettings = "legacy.settings"\n[services.all]\nurl = "http://127.0.0.1:9"\n'
    toml += '[[routes]]\nname = "all"\nprefix = "/old[bold]"\nservice = "all"\nclaim = "all"\n'
    (here / "gateway.toml").write_text(toml)
    assert "  /old[bold] and below" in invoke("routes", "-v").stdout


def test_says_that_there_are_none(invoke, here):
    (here / "gateway.toml").write_text('[legacy]\nsettings = "legacy.settings"\n')
    assert invoke("routes").stdout == "There are no routes: Django answers everything.\n"
    assert json.loads(invoke("routes", "--json").stdout)["routes"] == []


def test_a_pipe_gets_no_colours_and_no_line_breaks(invoke, catalog):
    toml = catalog.read_text().replace('"/api/prices/{sku}"', f'"/api/{"x" * 300}"')
    catalog.write_text(toml)
    stdout = invoke("routes").stdout
    assert "x" * 300 in stdout
    assert "\x1b" not in stdout


@pytest.mark.slow
def test_a_terminal_gets_colours(terminal, catalog):
    assert "\x1b[" in terminal(catalog.parent, "routes", TERM="xterm-256color")


@pytest.mark.slow
def test_no_color_is_respected(terminal, catalog):
    written = terminal(catalog.parent, "routes", TERM="xterm-256color", NO_COLOR="1")
    assert "/api/prices/{sku}" in written
    assert "\x1b" not in written
