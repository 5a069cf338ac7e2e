"""`gateway explain`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.explain import scope_of


@pytest.fixture
def explain(invoke: Callable[..., Any], catalog: Path) -> Callable[..., Any]:
    """What `gateway explain … --json` says."""

    def explained(*arguments: str) -> dict[str, Any]:
        result = invoke("explain", *arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return explained


def test_names_the_service_the_route_and_the_endpoint(explain):
    assert explain("GET", "/api/products/3/") == {
        "method": "GET",
        "path": "/api/products/3/",
        "upstream": "catalog",
        "reason": "route 'catalog' is live",
        "status": None,
        "route": "catalog",
        "stage": "live",
        "endpoint": "/api/products/{id:int}/",
        "view": None,
        "view_name": None,
    }


def test_prints_the_same_as_text(invoke, catalog):
    assert invoke("explain", "GET", "/api/products/3/").stdout.splitlines() == [
        "GET /api/products/3/ → catalog",
        "",
        "reason    route 'catalog' is live",
        "route     catalog",
        "endpoint  /api/products/{id:int}/",
    ]


@pytest.mark.parametrize(
    ("arguments", "upstream", "reason"),
    [
        (["GET", "/admin/"], "legacy", "no route claims this path"),
        (["get", "/api/products/?page=2#end"], "catalog", "route 'catalog' is live"),
        (["HEAD", "/api/products/"], "catalog", "route 'catalog' is live"),
        (["POST", "/api/products/"], "legacy", "the path is claimed, but not for this method"),
        (["GET", "/api/prices/7"], "legacy", "route 'price' is at stage legacy"),
        (["GET", "http://localhost/api/products/"], "catalog", "route 'catalog' is live"),
        (["WEBSOCKET", "/api/live"], "catalog", "route 'catalog' is live"),
    ],
)
def test_decides_as_the_server_does(explain, arguments, upstream, reason):
    answer = explain(*arguments)
    assert (answer["upstream"], answer["reason"]) == (upstream, reason)


NEWS = """
[services.news]
app = "tests.cli.services:news"
middleware = "none"

[[routes]]
name = "news"
prefix = "/news"
service = "news"
"""


@pytest.fixture
def news(catalog):
    """A service below /news, where Django has nothing."""
    catalog.write_text(catalog.read_text() + NEWS)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_says_when_the_service_will_answer_that_it_does_not_take_the_method(explain, news, method):
    answer = explain(method, "/news/")
    assert (answer["upstream"], answer["route"], answer["status"]) == ("news", "news", 405)
    assert answer["reason"] == f"route 'news' is live, but no endpoint takes {method} on this path"


def test_prints_the_status_of_such_an_answer(invoke, news):
    assert invoke("explain", "POST", "/news/").stdout.startswith("POST /news/ → news with status 405\n")


@pytest.mark.parametrize(("method", "path"), [("GET", "/news/"), ("OPTIONS", "/news/"), ("GET", "/news/live")])
def test_says_nothing_of_a_status_that_only_the_service_knows(explain, news, method, path):
    answer = explain(method, path)
    assert (answer["upstream"], answer["status"]) == ("news", None)


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["GET", "/api/%2e%2e/admin/../api/products/"], 400, "the path can be read in more than one way"),
        (["GET", "/api//products/"], 400, "the path can be read in more than one way"),
        (["GET", "api/products/"], 400, "the request target is not a path"),
        (["GET", "/", "--host", "evil.example"], 400, "ALLOWED_HOSTS does not have the host 'evil.example'"),
        (["GET", "/", "-H", "Host: a", "-H", "Host: b"], 400, "more than one Host header"),
        (["WEBSOCKET", "/nowhere"], 404, "nobody serves WebSockets on this path"),
        (["WEBSOCKET", "/api/live", "-H", "Origin: http://evil.example"], 403, "the socket's Origin is neither"),
    ],
)
def test_a_refusal_has_its_status_and_reason(explain, arguments, status, reason):
    answer = explain(*arguments)
    assert (answer["upstream"], answer["status"]) == (None, status)
    assert answer["reason"].startswith(reason)


def test_prints_a_refusal(invoke, catalog):
    result = invoke("explain", "GET", "/", "--host", "evil.example")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "GET / → refused with status 400")


@pytest.mark.parametrize(
    ("path", "view", "name"),
    [
        ("/admin/", "django.contrib.admin.sites.index", "admin:index"),
        ("/admin", "none; a redirect to /admin/", None),
        ("/static/admin/css/base.css", "a static file", None),
        ("/no/such/page", None, None),
    ],
)
def test_names_the_view_that_answers(explain, path, view, name):
    answer = explain("GET", path)
    assert (answer["view"], answer["view_name"]) == (view, name)


def test_says_that_no_view_answers(invoke, catalog):
    assert "view      none in the URLconf" in invoke("explain", "GET", "/no/such/page").stdout


def test_a_preflight_goes_where_the_request_would_go(explain):
    headers = ("-H", "Origin: https://a.example", "-H", "Access-Control-Request-Method: GET")
    assert explain("OPTIONS", "/api/products/", *headers)["upstream"] == "catalog"
    assert explain("OPTIONS", "/api/products/")["upstream"] == "legacy"


def test_the_root_path_may_be_there_or_stripped(explain, catalog):
    catalog.write_text('[gateway]\nroot_path = "/shop"\n' + catalog.read_text())
    assert explain("GET", "/shop/api/products/") == explain("GET", "/api/products/")


@pytest.mark.parametrize("header", ["nonsense", ": value", "Näme: value", "Name: ☃"])
def test_refuses_what_is_no_header(invoke, catalog, header):
    result = invoke("explain", "GET", "/", "--header", header)
    assert result.exit_code == 2
    assert "is not 'Name: value'" in result.stderr


@pytest.mark.parametrize(
    ("target", "path", "raw_path", "query"),
    [
        ("/a%20b?x=%201", "/a b", b"/a%20b", b"x=%201"),
        ("/a b", "/a b", b"/a%20b", b""),
        ("/käse", "/käse", b"/k%C3%A4se", b""),
        ("/a%2Fb", "/a/b", b"/a%2Fb", b""),
        ("/a?b?c", "/a", b"/a", b"b?c"),
        ("https://shop.example", "/", b"/", b""),
    ],
)
def test_reads_a_target_as_uvicorn_does(target, path, raw_path, query):
    scope = scope_of("GET", target, [])
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == (path, raw_path, query)


def test_a_url_has_scheme_and_host():
    scope = scope_of("WEBSOCKET", "https://shop.example:8443/live", [])
    assert (scope["type"], scope["scheme"], scope["headers"]) == ("websocket", "wss", [(b"host", b"shop.example:8443")])
