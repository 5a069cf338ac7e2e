"""The document and its pages: who gets them, and that they take nobody's path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.apidoc import pages
from gateway.rollout.stage import State
from tests.conftest import SERVICES, project_toml
from tests.support.asgi import ask, running
from tests.support.server import Server

# FastAPI's, on an endpoint of several methods: the merged document tells them apart.
pytestmark = pytest.mark.filterwarnings("ignore:Duplicate Operation ID")
ITEMS = {"app": "tests.project.services:items", "middleware": "none"}
ROUTE = {"name": "items", "prefix": "/api", "service": "items"}
PUBLIC = {"docs": "public"}


def logged_in(server: Server, root: str = "") -> dict[str, str]:
    """The cookies of the member of staff."""
    got = server.request(f"{root}/admin/login/")
    csrf = (got["set-cookie"] or "").partition(";")[0]
    token = re.search(rb'csrfmiddlewaretoken" value="(\w+)"', got.body)[1].decode()
    headers = {"Cookie": csrf, "Content-Type": "application/x-www-form-urlencoded"}
    body = f"csrfmiddlewaretoken={token}&username=staff&password=staff&next={root}/admin/"
    done = server.request(f"{root}/admin/login/", "POST", body=body, headers=headers)
    return {"Cookie": "; ".join(line.partition(";")[0] for line in done.all("set-cookie"))}


@pytest.fixture(scope="module")
def site(serve: Any) -> Iterator[Server]:
    """The test project and its service, with the default: for staff."""
    with serve(project_toml(SERVICES)) as server:
        yield server


@pytest.fixture(scope="module")
def staff(site: Server) -> dict[str, str]:
    return logged_in(site)


# -- for staff ----------------------------------------------------------------------------------


@pytest.mark.server
@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/start.js", "/redoc"])
def test_for_everybody_else_it_is_not_there(site, path):
    reply = site.request(path)
    assert (reply.status, reply["x-served-by"]) == (404, "legacy")


@pytest.mark.server
def test_whatever_is_asked_and_however_nobody_else_is_told_anything(site, staff):
    """As for the pages of staff themselves, with every spelling of their paths."""
    etag = site.request("/openapi.json", headers=staff)["etag"]
    spellings = [
        "{}",
        "{}/",
        "/{}",
        "/.{}",
        "{}?format=json",
        "{};a=b",
        "{}%2F",
        "{}%00",
        "/x/..{}",
    ]
    asked = [
        {},
        {"If-None-Match": etag},
        {"If-None-Match": "*"},
        {"Cookie": "sessionid=forged"},
        {"Range": "bytes=0-9"},
    ]
    for path in ("/openapi.json", "/%6fpenapi.json", "/docs", "/redoc", "/docs/start.js"):
        for spelling in spellings:
            for headers in asked:
                reply = site.request(spelling.format(path), headers=headers)
                assert reply.status in (301, 400, 404), (spelling, path, headers)
                assert reply["etag"] is None
                assert b"x-migration-stage" not in reply.body
    for method in ("HEAD", "OPTIONS", "POST", "PUT", "TRACE", "PROPFIND"):
        assert site.request("/openapi.json", method)["etag"] is None


@pytest.mark.server
def test_who_has_logged_out_gets_nothing_at_once(site):
    cookies = logged_in(site)
    assert [site.request("/docs", headers=cookies).status for _ in range(2)] == [200, 200]
    token = dict(line.split("=", 1) for line in cookies["Cookie"].split("; "))["csrftoken"]
    assert site.request("/admin/logout/", "POST", headers=cookies | {"X-CSRFToken": token}).status == 200
    assert site.request("/docs", headers=cookies).status == 404


@pytest.mark.server
def test_a_socket_gets_no_page(site, staff):
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "A" * 22 + "==",
    }
    assert site.request("/openapi.json", headers=staff | upgrade).status in (403, 404)


@pytest.mark.server
def test_staff_gets_one_valid_document(site, staff):
    reply = site.request("/openapi.json", headers=staff)
    assert (reply.status, reply["content-type"], reply["x-served-by"]) == (200, "application/json", None)
    document = site.json("/openapi.json", headers=staff)
    OpenAPIV31SpecValidator(document).validate()
    assert document["servers"] == [{"url": "/"}]
    assert document["paths"]["/api/items/"]["get"]["x-served-by"] == "items"


@pytest.mark.server
def test_who_has_the_document_already_gets_none(site, staff):
    first = site.request("/openapi.json", headers=staff)
    again = site.request("/openapi.json", headers=staff | {"If-None-Match": first["etag"]})
    assert (again.status, again.body, again["cache-control"]) == (304, b"", "private, no-cache")


@pytest.mark.server
def test_a_head_has_no_body(site, staff):
    reply = site.request("/docs", "HEAD", headers=staff)
    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.server
def test_other_methods_are_legacys(site, staff):
    assert site.request("/docs", "POST", headers=staff)["x-served-by"] == "legacy"


@pytest.mark.server
def test_a_host_that_django_refuses_is_refused(site, staff):
    assert site.request("/docs", headers=staff | {"Host": "evil.example"}).status == 400


@pytest.mark.server
@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_a_page_is_without_inline_script_and_style_and_without_other_sites(site, staff, path):
    reply = site.request(path, headers=staff)
    page = reply.body.decode()
    assert "script-src 'self'" in reply["content-security-policy"]
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=|https?:", page) == []
    for link in re.findall(r'(?:src|href)="([^"]+)"', page):
        asset = site.request(link, headers=staff)
        assert (asset.status, asset["x-content-type-options"]) == (200, "nosniff")
        assert len(asset.body) > 500


@pytest.mark.server
def test_a_page_names_the_cookie_and_the_header_of_the_csrf_token(site, staff):
    page = site.request("/docs", headers=staff).body.decode()
    assert 'data-csrf-cookie="csrftoken" data-csrf-header="X-CSRFTOKEN">' in page


@pytest.mark.server
def test_with_what_the_page_names_a_write_passes_the_csrf_check(site, staff):
    """What start.js does before each request of "Try it out"."""
    page = site.request("/docs", headers=staff).body.decode()
    cookie, header = re.findall(r'data-csrf-(?:cookie|header)="([^"]+)"', page)
    token = dict(line.split("=", 1) for line in staff["Cookie"].split("; "))[cookie]
    assert site.request("/form/", "POST", headers=staff).status == 403
    assert site.request("/form/", "POST", headers=staff | {header: token}).status == 200


@pytest.mark.server
def test_below_a_root_path_everything_is_there(serve):
    with serve(project_toml(SERVICES, gateway='root_path = "/shop"')) as server:
        staff = logged_in(server, "/shop")
        assert server.json("/shop/openapi.json", headers=staff)["servers"] == [{"url": "/shop"}]
        page = server.request("/shop/docs", headers=staff).body.decode()
        assert 'src="/shop/docs/start.js" data-document="/shop/openapi.json"' in page


# -- in this process ----------------------------------------------------------------------------


@pytest.mark.anyio
async def test_public_is_for_everybody(gateway):
    async with running(gateway(gateway=PUBLIC)) as app:
        found = await ask(app, "/openapi.json")
        assert (found.status, found["x-served-by"]) == (200, None)


@pytest.mark.anyio
async def test_it_can_be_turned_off(gateway):
    async with running(gateway(gateway={"docs": False})) as app:
        assert (await ask(app, "/openapi.json")).status == 404


@pytest.mark.anyio
async def test_the_paths_can_be_others(gateway):
    paths = {"openapi_path": "/api/schema", "docs_path": "/api/docs/", "redoc_path": False}
    async with running(gateway(gateway=PUBLIC | paths)) as app:
        found = {
            path: (await ask(app, path)).status for path in ("/api/schema", "/api/docs/", "/openapi.json", "/redoc")
        }
        page = await ask(app, "/api/docs/")
    assert [*found.values()] == [200, 200, 404, 404]
    assert 'src="/api/docs/start.js" data-document="/api/schema"' in page.text


@pytest.mark.anyio
async def test_it_follows_the_stages_without_a_restart(gateway):
    async with running(gateway(gateway=PUBLIC, services={"items": ITEMS}, routes=[ROUTE])) as app:
        there = []
        for revision, stage in enumerate(("live", "legacy", "live"), 1):
            app.publish(app.snapshot.at({"items": State(stage)}, revision))
            there.append("/api/items/" in (await ask(app, "/openapi.json")).json()["paths"])
    assert there == [True, False, True]


@pytest.mark.anyio
async def test_it_is_made_once_for_each_revision(gateway, monkeypatch):
    made = []
    monkeypatch.setattr(
        "gateway.apidoc.published.SnapshotServing", lambda snapshot: made.append(snapshot) or (lambda *_: None)
    )
    async with running(gateway(gateway=PUBLIC, services={"items": ITEMS}, routes=[ROUTE])) as app:
        for _ in range(3):
            await ask(app, "/openapi.json")
        app.publish(app.snapshot.at({}, 1))
        await ask(app, "/openapi.json")
    assert len(made) == 2


BROKEN = {
    "its paths": {"paths": {"/x": None}},
    "what JSON has not": {"paths": {"/x": {"get": {"responses": {}, "x-more": {1, 2}}}}},
    "without an end": {"paths": {"/x": {"get": {"responses": {"200": {"content": {"a": {"schema": {}}}}}}}}},
}
schema: Any = BROKEN["without an end"]["paths"]["/x"]["get"]["responses"]["200"]["content"]["a"]["schema"]
schema["items"] = schema


@pytest.mark.anyio
@pytest.mark.parametrize("broken", BROKEN)
async def test_a_document_that_is_none_leaves_the_others_alone(gateway, monkeypatch, broken, caplog):
    from tests.project.services import items, nested

    monkeypatch.setattr(nested, "openapi", lambda: BROKEN[broken])
    services = {"items": ITEMS, "nested": {"app": "tests.project.services:nested", "middleware": "none"}}
    routes = [ROUTE, {"name": "nested", "prefix": "/api/mounted", "service": "nested"}]
    async with running(gateway(gateway=PUBLIC, services=services, routes=routes)) as app:
        document = (await ask(app, "/openapi.json")).json()
    assert items.openapi()["paths"].keys() & document["paths"].keys()
    assert "service nested: its OpenAPI document can't be made" in document["info"]["description"]
    assert "'nested' is not in the API document" in caplog.text


@pytest.mark.anyio
async def test_what_a_document_that_is_none_says_is_for_the_log_alone(gateway, monkeypatch, caplog):
    from tests.project.services import items

    def broken():
        raise RuntimeError("postgresql://shop:secret@db/shop")

    monkeypatch.setattr(items, "openapi", broken)
    async with running(gateway(gateway=PUBLIC, services={"items": ITEMS}, routes=[ROUTE])) as app:
        assert "secret" not in (await ask(app, "/openapi.json")).text
    assert "shop:secret" in caplog.text


@pytest.mark.anyio
async def test_a_document_of_the_project_that_is_none_leaves_the_others_alone(gateway, monkeypatch, caplog):
    def broken():
        raise RuntimeError("postgresql://shop:secret@db/shop")

    monkeypatch.setattr("gateway.bridge.drf.openapi.project.project_document", broken)
    async with running(gateway(gateway=PUBLIC, services={"items": ITEMS}, routes=[ROUTE])) as app:
        document = (await ask(app, "/openapi.json")).json()
    assert "the API of the Django project: drf-spectacular raised RuntimeError, see" in document["info"]["description"]
    assert {one["x-served-by"] for item in document["paths"].values() for one in item.values()} == {"items"}
    assert "secret" not in str(document)
    assert "shop:secret" in caplog.text


@pytest.mark.anyio
async def test_what_a_service_mounts_is_in_it_below_its_path(gateway):
    services = {"nested": {"app": "tests.project.services:nested", "middleware": "none"}}
    routes = [{"name": "nested", "prefix": "/api", "service": "nested"}]
    async with running(gateway(gateway=PUBLIC, services=services, routes=routes)) as app:
        paths = (await ask(app, "/openapi.json")).json()["paths"]
    assert paths["/api/mounted/deep/{rest}"]["get"]["x-served-by"] == "nested"


@pytest.mark.anyio
async def test_what_a_service_elsewhere_serves_is_said_to_be_missing(gateway):
    services = {"far": {"url": "http://127.0.0.1:9"}}
    routes = [{"name": "far", "prefix": "/far", "service": "far", "claim": "all"}]
    async with running(gateway(gateway=PUBLIC, services=services, routes=routes)) as app:
        document = (await ask(app, "/openapi.json")).json()
    assert "service far, which is at a url" in document["info"]["description"]


@pytest.mark.anyio
async def test_a_path_of_the_project_is_the_projects(gateway):
    async with running(gateway(gateway=PUBLIC | {"docs_path": "/json"})) as app:
        assert (await ask(app, "/json/"))["x-served-by"] == "legacy"
        assert (await ask(app, "/json"))["x-served-by"] == "legacy"  # its redirect
        assert (await ask(app, "/json/start.js"))["x-served-by"] is None  # the project has no such path


@pytest.mark.anyio
async def test_a_path_of_a_route_is_the_routes(gateway):
    routes = [{"name": "all", "prefix": "/", "service": "nested"}]  # which has FastAPI's own pages there
    services = {"nested": {"app": "tests.project.services:nested", "middleware": "none"}}
    async with running(gateway(gateway=PUBLIC, services=services, routes=routes)) as app:
        assert (await ask(app, "/docs"))["x-served-by"] == "nested"
        assert (await ask(app, "/openapi.json"))["x-served-by"] == "nested"


@pytest.mark.anyio
async def test_without_the_sidecar_the_pages_say_what_to_install(gateway, monkeypatch):
    monkeypatch.setattr(pages, "asset", lambda _: None)
    async with running(gateway(gateway=PUBLIC)) as app:
        found = await ask(app, "/docs")
        assert (found.status, 'pip install "django-fastapi-gateway[docs]"' in found.text) == (501, True)
        assert (await ask(app, "/openapi.json")).status == 200


@pytest.mark.anyio
async def test_a_token_that_scripts_can_not_read_is_in_the_page(gateway, settings):
    settings.CSRF_COOKIE_HTTPONLY = True
    async with running(gateway(gateway=PUBLIC)) as app:
        page = await ask(app, "/docs", headers={"Cookie": 'a=b; csrftoken=abc"<'})
        plain = await ask(app, "/docs", headers={"Cookie": "csrftoken=abc123"})
    assert '"<"' not in page.text
    assert 'data-csrf-token="abc123"' in plain.text


@pytest.mark.anyio
@pytest.mark.parametrize("beside", ["a/b=1", "a[b]=1", 'a="b', "a=b=c", "=", "a"])
async def test_whatever_other_cookies_there_are(gateway, settings, beside):
    settings.CSRF_COOKIE_HTTPONLY = True
    async with running(gateway(gateway=PUBLIC)) as app:
        page = await ask(app, "/docs", headers={"Cookie": f"{beside}; csrftoken=abc123; more=1"})
    assert 'data-csrf-token="abc123"' in page.text


@pytest.mark.anyio
@pytest.mark.parametrize("cookie", ["other=1", ""])
async def test_without_the_cookie_of_the_token_there_is_none_in_the_page(gateway, settings, cookie):
    settings.CSRF_COOKIE_HTTPONLY = True
    async with running(gateway(gateway=PUBLIC)) as app:
        assert "data-csrf-token" not in (await ask(app, "/docs", headers={"Cookie": cookie})).text


@pytest.mark.anyio
async def test_a_token_in_the_session_is_not_in_the_page(gateway, settings):
    settings.CSRF_USE_SESSIONS, settings.CSRF_COOKIE_HTTPONLY = True, True
    async with running(gateway(gateway=PUBLIC)) as app:
        page = (await ask(app, "/docs", headers={"Cookie": "csrftoken=abc123"})).text
    assert "abc123" not in page


@pytest.mark.anyio
async def test_without_drf_spectacular_the_document_says_what_is_left_out(gateway, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    async with running(gateway(gateway=PUBLIC, services={"items": ITEMS}, routes=[ROUTE])) as app:
        document = (await ask(app, "/openapi.json")).json()
    assert 'pip install "django-fastapi-gateway[docs]"' in document["info"]["description"]
    assert {one["x-served-by"] for item in document["paths"].values() for one in item.values()} == {"items"}


# -- the demo -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo() -> Any:
    from gateway import Gateway
    from gateway.composition import api_document

    gateway = Gateway.from_file(Path(__file__).parents[2] / "gateway.toml")
    return gateway, api_document(gateway.services, gateway.legacy)


def test_the_demos_document_has_both_halves_and_is_valid(demo):
    gateway, document = demo
    found = document.of(gateway.snapshot)
    OpenAPIV31SpecValidator(found).validate()
    served = {
        f"{method} {path}": one["x-served-by"] for path, item in found["paths"].items() for method, one in item.items()
    }
    assert served["get /api/products/{id}/"] == "catalog"
    assert served["put /api/products/{id}/"] == "legacy"
    assert served["get /api/orders/"] == "legacy"
    assert served["post /api/orders/"] == "orders"


def test_the_demos_moved_operations_keep_the_names_of_the_project(demo):
    gateway, document = demo
    before = document.of(gateway.snapshot.at({name: State("legacy") for name in gateway.snapshot.routes}, 1))
    after = document.of(gateway.snapshot)
    names = {
        f"{method} {path}": one["operationId"] for path, item in before["paths"].items() for method, one in item.items()
    }
    now = {
        f"{method} {path}": one["operationId"] for path, item in after["paths"].items() for method, one in item.items()
    }
    assert names == {key: now[key] for key in names}
    assert before["components"]["schemas"].keys() <= after["components"]["schemas"].keys()
