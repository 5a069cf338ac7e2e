"""Services in this process: what they declare, and how they are asked."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Host, Mount, Route, Router

from gateway.routing.table import ANY, EndpointPattern
from gateway.upstreams.importing import ImportStringError, import_from_string
from gateway.upstreams.introspection import declared_endpoints
from gateway.upstreams.service import ServiceUpstream
from tests.project import services
from tests.support.asgi import Connection, ask, running, scope

pytestmark = pytest.mark.anyio


def declared(app) -> set[tuple[str, str]]:
    """The endpoints as pairs of method and path."""
    return {(method, endpoint.path) for endpoint in declared_endpoints(app) or () for method in endpoint.methods}


async def view(request):
    return None


# -- what is declared ---------------------------------------------------------------------------


def test_a_fastapi_application_declares_its_endpoints():
    found = declared(services.items)
    assert {("GET", "/api/items/"), ("POST", "/api/items/"), ("GET", "/api/items/{number:int}/")} <= found


def test_an_endpoint_declares_the_dependencies_of_all_that_it_is_part_of():
    def user(): ...
    def in_app(): ...
    def in_router(by: None = Depends(user)): ...
    def in_include(): ...
    def own(): ...

    router = APIRouter(prefix="/in", dependencies=[Depends(in_router)])
    router.get("/", dependencies=[Depends(own)])(lambda: None)
    router.websocket("/socket/")(view)
    app = FastAPI(dependencies=[Depends(in_app)], openapi_url=None)
    app.include_router(router, dependencies=[Depends(in_include)])
    app.get("/top/")(lambda: None)
    assert {endpoint.path: endpoint.dependencies for endpoint in declared_endpoints(app) or ()} == {
        "/in/": (in_app, in_include, in_router, user, own),
        "/in/socket/": (in_app, in_include, in_router, user),
        "/top/": (in_app,),
    }


def test_a_socket_is_declared_as_a_method_of_its_own():
    assert ("WEBSOCKET", "/api/socket/") in declared(services.items)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/outer/inner/leaf"),
        ("PUT", "/api/outer/inner/word/{word:letters}"),
        ("GET", "/api/mounted/deep/{rest:path}"),
    ],
)
def test_nested_routers_and_mounted_applications_declare_whole_paths(method, path):
    assert (method, path) in declared(services.nested)


def test_a_mounted_application_that_cannot_be_asked_is_a_tree():
    (tree,) = [endpoint for endpoint in declared_endpoints(services.nested) if endpoint.path == "/api/tree"]
    assert tree == EndpointPattern("/api/tree", frozenset({ANY}), is_subtree=True)


def test_a_convertor_of_the_services_own_comes_with_its_expression():
    (word,) = [endpoint for endpoint in declared_endpoints(services.nested) if "word" in endpoint.path]
    assert word.convertors == (("letters", "[a-z]+"),)


def test_a_starlette_application_declares_its_routes():
    assert {("GET", "/api/starlette/"), ("PATCH", "/api/starlette/"), ("GET", "/api/below/{name}")} <= declared(
        services.starlette
    )


def test_an_application_as_an_endpoint_takes_every_method():
    assert declared(Starlette(routes=[Route("/x", FastAPI())])) == {(ANY, "/x")}


def test_a_root_path_adds_each_path_below_it():
    assert {("GET", "/things"), ("GET", "/v1/things")} <= declared(services.versioned())


def test_middleware_around_an_application_is_looked_through():
    assert declared(GZipMiddleware(services.starlette)) == declared(services.starlette)


def test_a_mount_at_the_root_adds_nothing_to_the_paths():
    assert declared(Starlette(routes=[Mount("/", routes=[Route("/x", view)])])) >= {("GET", "/x")}


def test_a_mount_below_a_parameter_keeps_it():
    app = Starlette(routes=[Mount("/shops/{shop}", routes=[Route("/x", view)])])
    assert ("GET", "/shops/{shop}/x") in declared(app)


def test_routes_that_depend_on_the_host_are_left_out():
    assert declared(Starlette(routes=[Host("a.example", Router([Route("/x", view)]))])) == set()


def test_documentation_is_declared_as_long_as_it_is_on():
    assert ("GET", "/docs") in declared(FastAPI())
    assert declared(FastAPI(openapi_url=None)) == set()


def test_an_application_that_is_neither_cannot_be_asked():
    assert declared_endpoints(services.plain) is None


# -- imports ------------------------------------------------------------------------------------


def test_an_import_that_fails_says_in_which_line_of_the_project(tmp_path, monkeypatch):
    (tmp_path / "importing_nothing.py").write_text("import json\n\njson.loads('{')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportStringError, match=r"JSONDecodeError: .*importing_nothing\.py, line 3\)$"):
        import_from_string("importing_nothing:app")


def test_an_import_string_names_an_attribute_of_an_attribute():
    assert import_from_string("tests.project.services:FastAPI.get") is FastAPI.get


def test_a_factory_is_called_once():
    upstream = ServiceUpstream("f", "tests.project.services:factory")
    assert isinstance(upstream.declared, FastAPI)


def test_a_factory_that_fails_says_how():
    with pytest.raises(ImportStringError, match="failing_factory failed: ValueError: no settings"):
        ServiceUpstream("f", "tests.project.services:failing_factory")


def test_what_is_no_application_is_named():
    with pytest.raises(ImportStringError, match="not_an_application is int, not an ASGI application"):
        ServiceUpstream("f", "tests.project.services:not_an_application")


def test_a_service_shows_its_name_and_target():
    upstream = ServiceUpstream("p", "tests.project.services:plain")
    assert repr(upstream) == "ServiceUpstream('p', 'tests.project.services:plain')"


# -- bodies that are too large ------------------------------------------------------------------


@pytest.fixture
async def limited():
    async with running(ServiceUpstream("items", "tests.project.services:items", max_body=10)) as upstream:
        yield upstream


@pytest.mark.parametrize(("size", "status"), [(0, 200), (10, 200), (11, 413), (10_000, 413)])
async def test_a_body_over_the_limit_is_refused_by_its_length(limited, size, status):
    headers = {"Content-Length": str(size)}
    found = await ask(limited.entry, "/api/items/", "POST", body=b"x" * size, headers=headers)
    assert found.status == status


async def test_a_body_over_the_limit_is_refused_without_its_length_too(limited):
    connection = Connection(limited.entry, scope("/api/items/", "POST", headers={"Transfer-Encoding": "chunked"}))
    for _ in range(3):
        connection.body(b"x" * 4, more=True)
    connection.body()
    assert (await connection.done()).status == 413


async def test_a_body_over_the_limit_is_refused_before_it_has_all_arrived(limited):
    connection = Connection(limited.entry, scope("/api/items/", "POST", headers={"Content-Length": "1000000"}))
    connection.body(b"x" * 4, more=True)
    assert (await connection.done()).status == 413
