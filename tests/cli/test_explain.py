"""`gateway explain`."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from gateway.control.models import Revision, RouteState
from gateway.workbench.caller import NoSuchUser, caller_named
from gateway.workbench.explain import scope_of
from legacy.accounts.models import User

IF_IT_FAILS = "if catalog fails, is late, or answers one of 502, 503, 504, before its first byte"


@pytest.fixture
def explain(invoke: Callable[..., Any], catalog: Path) -> Callable[..., Any]:
    """What `gateway explain … --json` says."""

    def explained(*arguments: str) -> dict[str, Any]:
        result = invoke("explain", *arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return explained


def test_names_the_service_the_route_and_the_endpoint(explain):
    explained = explain("GET", "/api/products/3/")
    assert {key: value for key, value in explained.items() if key not in ("version", "command", "at")} == {
        "method": "GET",
        "path": "/api/products/3/",
        "upstream": "catalog",
        "reason": "route 'catalog' is live",
        "status": None,
        "route": "catalog",
        "effective": {"stage": "live", "weight_percent": None, "paused": False},
        "endpoint": "/api/products/{id:int}/",
        "view": None,
        "view_name": None,
        "caller": None,
        "bucket": None,
        "fallback": {"allowed": True, "why": IF_IT_FAILS, "max_body_bytes": 2**20},
        "mirror": {
            "percent": 1.0,
            "to": "legacy",
            "why": "1 % of such requests, to legacy; which ones is drawn for each request",
        },
        "cookie": None,
        "drawn": None,
        "stages": {"source": "runtime", "why": "as the file says, at revision 0", "revision": 0},
    }


def test_prints_the_same_as_text(invoke, catalog):
    assert invoke("explain", "GET", "/api/products/3/").stdout.splitlines() == [
        "GET /api/products/3/ → catalog",
        "",
        "reason    route 'catalog' is live",
        "route     catalog, live",
        "endpoint  /api/products/{id:int}/",
        f"fallback  legacy {IF_IT_FAILS}",
        "mirror    1 % of such requests, to legacy; which ones is drawn for each request",
        "stages    as the file says, at revision 0",
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
        (["WEBSOCKET", "/nowhere"], 404, "no route and no legacy application serves WebSockets on this path"),
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
    assert explain("GET", "/shop/api/products/") | {"at": ""} == explain("GET", "/api/products/") | {"at": ""}


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


# -- by cohort ----------------------------------------------------------------------------------------


@pytest.fixture
def canary(invoke: Callable[..., Any], rollout: Callable[..., Path]) -> Callable[..., Any]:
    """What `gateway explain GET /api/products/ … --json` says of a canary at 30 % with these lines."""

    def explained(*arguments: str, lines: tuple[str, ...] = (), common: str = "", method: str = "GET") -> Any:
        rollout(*lines, common=common)
        result = invoke("explain", method, "/api/products/", *arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return explained


COOKIE = 'cookie = "gateway"'
BY_ADDRESS = 'key = "client"'
IN, OUT = "10.0.0.4", "10.0.0.1"


@pytest.mark.parametrize(("address", "upstream"), [(IN, "catalog"), (OUT, "legacy")])
def test_a_canary_goes_by_the_callers_bucket(canary, address, upstream):
    answer = canary("--client", address, lines=(BY_ADDRESS,))
    below = "below" if upstream == "catalog" else "not below"
    reason = f"route 'catalog' is in canary at 30 %: bucket {answer['bucket']}, by client address, is {below} 3000"
    assert (answer["upstream"], answer["reason"], answer["effective"]["weight_percent"]) == (upstream, reason, 30.0)


def test_a_bucket_that_follows_from_the_caller_is_not_drawn(canary):
    assert canary(lines=(BY_ADDRESS,))["drawn"] is None


def test_a_header_can_be_the_key(canary):
    assert "by header x-tenant" in canary("-H", "X-Tenant: acme", lines=('key = "header:X-Tenant"',))["reason"]


def test_says_that_a_bucket_is_drawn_for_each_request(canary):
    assert canary(lines=('key = "none"',))["drawn"] == 'the bucket, anew for each request: key = "none"'


def test_says_that_a_bucket_is_drawn_for_each_new_visitor(canary):
    answer = canary(common=COOKIE)
    assert answer["drawn"] == "the bucket, for each new visitor: it follows from the identifier in the cookie"


def test_a_visitor_with_the_cookie_keeps_the_bucket(canary):
    first = canary(common=COOKIE)
    again = canary("-H", f"Cookie: gateway={first['cookie']['value']}", common=COOKIE)
    assert (again["bucket"], again["drawn"], again["cookie"]) == (first["bucket"], None, None)


def test_names_the_cookie_that_would_be_set(canary):
    cookie = canary(common=COOKIE + "\ncookie_age = 60")["cookie"]
    assert (cookie["name"], cookie["max_age_seconds"], cookie["pins"]) == ("gateway", 60, {})


def test_says_that_a_first_write_pins_the_caller(invoke, rollout):
    rollout('pin = "first-write"', BY_ADDRESS, common=COOKIE)
    lines = invoke("explain", "WEBSOCKET", "/api/live", "--client", IN).stdout.splitlines()
    assert "cookie    gateway, for 15552000 seconds; stays on service in group 'catalog'" in lines


def test_a_signed_header_chooses_the_side(invoke, canary, rollout):
    lines = ('always = ["signed-header"]', BY_ADDRESS)
    rollout(*lines)
    header = invoke("sign", "catalog", "--side", "service").stdout.strip()
    answer = canary("--client", OUT, "-H", header, lines=lines)
    assert answer["reason"] == "route 'catalog' is in canary at 30 %, and a signed header asks for service"


# -- the stages in force ------------------------------------------------------------------------------


@pytest.fixture
def moved(db):
    """Put a route elsewhere than the file does."""

    def put(**state: Any) -> None:
        RouteState.objects.create(since=datetime.now(UTC), revision=7, who="ada", **state)
        Revision.objects.update_or_create(pk=Revision.ONLY, defaults={"number": 7})

    return put


def test_a_route_that_was_moved_is_where_it_was_moved_to(canary, moved):
    moved(route="catalog", stage="live")
    answer = canary()
    assert (answer["upstream"], answer["effective"]["stage"], answer["reason"]) == (
        "catalog",
        "live",
        "route 'catalog' is live",
    )
    assert answer["stages"] == {"source": "runtime", "why": "as changed since, at revision 7", "revision": 7}


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("routes", "catalog  prefix /api  any      catalog  implemented  canary 5 %"),
        ("check", "catalog: prefix /api, every method → catalog, 3 endpoints, canary 5 % (the file says canary 30 %)"),
    ],
)
def test_other_commands_show_the_stage_in_force_too(invoke, rollout, moved, command, line):
    rollout()
    moved(route="catalog", stage="canary", weight=5)
    assert line in invoke(command).stdout


def test_check_notes_a_stage_of_a_route_that_is_gone(invoke, rollout, moved):
    rollout()
    moved(route="former", stage="live")
    assert "the database has a stage for former, which is no route of this file any more" in invoke("check").stdout


def test_without_the_app_the_file_counts(canary, moved, settings):
    moved(route="catalog", stage="live")
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "gateway.control"]
    answer = canary()
    assert (answer["effective"]["stage"], answer["stages"]["source"]) == ("canary", "declared")
    assert answer["stages"]["why"] == 'as the file says; "gateway.control" is not in INSTALLED_APPS'


def test_without_its_tables_the_file_counts(canary):
    connection.cursor().execute("ALTER TABLE gateway_control_routestate RENAME TO gone")
    answer = canary()
    assert (answer["effective"]["stage"], answer["stages"]["source"]) == ("canary", "declared")
    assert "run `python manage.py migrate`" in answer["stages"]["why"]


# -- who asks -----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_as_a_user_goes_by_the_users_bucket(canary):
    ada = User.objects.create_user("ada", "ada@example.com")
    answer = canary("--as", "ada")
    assert "by user" in answer["reason"]
    assert answer["caller"] == {"user": str(ada.pk), "staff": False, "groups": []}


@pytest.mark.django_db
def test_staff_can_always_be_in(canary):
    User.objects.create_user("clerk", "clerk@example.com", is_staff=True)
    answer = canary("--as", "clerk", lines=('always = ["staff"]',))
    assert answer["reason"].endswith("and the caller is always in, as staff")


@pytest.mark.django_db
def test_a_group_can_always_be_in(canary):
    User.objects.create_user("ada", "ada@example.com").groups.create(name="testers")
    answer = canary("--as", "ada", lines=('always = ["group:testers"]',))
    assert answer["reason"].endswith("and the caller is always in, as one of group testers")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("user", "groups", "line"),
    [
        ({}, [], "user {pk}"),
        ({"is_staff": True}, ["buyers", "testers"], "user {pk}, staff, of buyers, testers"),
        ({"is_active": False}, [], "not logged in"),
    ],
)
def test_prints_who_asks(invoke, rollout, user, groups, line):
    rollout('always = ["staff", "group:testers"]')
    ada = User.objects.create_user("ada", "ada@example.com", **user)
    for name in groups:
        ada.groups.create(name=name)
    lines = invoke("explain", "GET", "/api/products/", "--as", "ada").stdout.splitlines()
    assert f"caller    {line.format(pk=ada.pk)}" in lines


def test_a_wsgi_application_has_no_users_to_ask_as(invoke, here):
    (here / "gateway.toml").write_text('[legacy]\nwsgi = "wsgiref.simple_server:demo_app"\n')
    result = invoke("explain", "GET", "/", "--as", "ada")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "legacy is no Django project, and has no users" in result.stderr


def test_who_is_inactive_is_nobody_as_in_a_request(canary):
    User.objects.create_user("clerk", "clerk@example.com", is_staff=True, is_active=False)
    answer = canary("--as", "clerk", lines=('always = ["staff"]',))
    assert answer["caller"] == {"user": None, "staff": False, "groups": []}


@pytest.mark.django_db
def test_a_user_that_there_is_not_is_wrong_usage(invoke, rollout):
    rollout()
    result = invoke("explain", "GET", "/api/products/", "--as", "nobody")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no user with username 'nobody'" in result.stderr


@pytest.mark.django_db
def test_a_user_who_can_not_be_looked_up_is_the_databases_fault(invoke, rollout):
    rollout()
    connection.cursor().execute("ALTER TABLE accounts_user RENAME TO gone")
    result = invoke("explain", "GET", "/api/products/", "--as", "ada")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("--as ada: the database can't be asked: no such table")


@pytest.mark.django_db(transaction=True)
def test_a_session_says_who_asks(canary, client):
    ada = User.objects.create_user("ada", "ada@example.com")
    client.force_login(ada)
    answer = canary("-H", f"Cookie: sessionid={client.cookies['sessionid'].value}")
    assert answer["caller"]["user"] == str(ada.pk)


def test_nobody_is_asked_for_where_it_makes_no_difference(explain):
    assert explain("GET", "/api/products/")["caller"] is None


# -- what follows -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "path", "method", "why"),
    [
        (("fallback = false",), "/api/products/", "GET", "fallback = false"),
        ((), "/api/live", "WEBSOCKET", "a socket is not taken over"),
    ],
)
def test_says_why_there_is_no_fallback(invoke, rollout, lines, path, method, why):
    rollout(BY_ADDRESS, *lines)
    answer = json.loads(invoke("explain", method, path, "--client", IN, "--json").stdout)
    assert answer["fallback"] == {"allowed": False, "why": why, "max_body_bytes": None}


def test_there_is_no_fallback_where_django_has_no_such_path(explain, news):
    assert explain("GET", "/news/")["fallback"]["why"] == "the project's URLconf does not have this path"


def test_there_is_no_fallback_from_a_retired_route(explain, catalog):
    catalog.write_text(catalog.read_text().replace('methods = ["GET"', 'stage = "retired"\nmethods = ["GET"'))
    assert explain("GET", "/api/products/")["fallback"]["why"] == "the route is retired"


WRITING = """
[services.writing]
app = "tests.cli.services:writing"

[[routes]]
name = "writing"
path = "/api/cart/items/"
service = "writing"
fallback = { unsafe = %s }
"""


@pytest.mark.parametrize(
    ("unsafe", "method", "why"),
    [
        ("false", "POST", "POST may change something; [routes.fallback] unsafe = true allows it for marked endpoints"),
        ("true", "PATCH", "PATCH may change something, and the endpoint is not marked with all_in_transaction"),
    ],
)
def test_an_unsafe_method_falls_back_only_if_route_and_endpoint_say_so(explain, catalog, unsafe, method, why):
    catalog.write_text(catalog.read_text() + WRITING % unsafe)
    assert explain(method, "/api/cart/items/")["fallback"] == {"allowed": False, "why": why, "max_body_bytes": None}


def test_an_unsafe_method_falls_back_after_a_rollback_if_they_do(explain, catalog):
    catalog.write_text(catalog.read_text() + WRITING % "true")
    fallback = explain("POST", "/api/cart/items/")["fallback"]
    assert fallback["allowed"]
    assert fallback["why"].endswith("before its first byte, and its transaction was rolled back")


def test_legacy_has_nothing_to_fall_back_from(explain):
    assert explain("GET", "/admin/")["fallback"] is None


@pytest.mark.parametrize(("address", "to"), [(IN, "legacy"), (OUT, "catalog")], ids=["of the service's", "of legacy's"])
def test_a_canary_is_mirrored_both_ways(canary, address, to):
    mirror = canary("--client", address, lines=(BY_ADDRESS, "mirror = { canary = 10 }"))["mirror"]
    why = f"10 % of such requests, to {to}; which ones is drawn for each request"
    assert mirror == {"percent": 10.0, "to": to, "why": why}


def test_a_mirror_of_every_request_is_not_drawn(canary):
    mirror = canary("--client", IN, lines=(BY_ADDRESS, "mirror = { canary = 100 }"))["mirror"]
    assert mirror["why"] == "100 % of such requests, to legacy"


def test_only_safe_methods_are_mirrored(canary):
    answer = canary(lines=('key = "client"', "mirror = { canary = 10, methods = ['HEAD'] }"))
    assert answer["mirror"] == {"percent": 0.0, "to": None, "why": "none: only HEAD may be asked twice"}


def test_a_page_of_the_gateways_own_is_explained(invoke, catalog):
    catalog.write_text(f'[gateway]\ndocs = "public"\n{catalog.read_text()}')
    lines = invoke("explain", "GET", "/docs").stdout.splitlines()
    assert lines[0] == "GET /docs → the gateway itself with status 200"
    assert "a page of the gateway's own" in lines[2]


def test_a_page_for_staff_is_explained_by_its_caller(invoke, catalog):
    assert invoke("explain", "GET", "/docs").stdout.startswith("GET /docs → legacy")


def test_a_wsgi_application_has_no_views_that_are_known(invoke, here):
    (here / "gateway.toml").write_text('[legacy]\nwsgi = "wsgiref.simple_server:demo_app"\n')
    explained = json.loads(invoke("explain", "GET", "/a/", "--json").stdout)
    assert (explained["upstream"], explained["view"], explained["view_name"]) == ("legacy", None, None)


def test_a_project_without_users_has_none_of_that_name(settings):
    settings.INSTALLED_APPS = ["rest_framework"]
    with pytest.raises(NoSuchUser, match="the project has no users"):
        caller_named("ada")
