"""A moved endpoint stands where the old view was: the same match, the same method, the same owner of a path."""

from __future__ import annotations

import pytest
from django.db import connections

from gateway.bridge.drf.credentials import drf
from gateway.bridge.drf.dispatching_view import DRFStyle
from gateway.config.problems import ConfigError
from gateway.routing.table import EndpointPattern
from gateway.testing.rereading import reread_settings
from tests.project import moved
from tests.support.asgi import ask, open_socket, running

pytestmark = [pytest.mark.anyio, pytest.mark.table]

SERVICES = {"drf": {"app": "tests.project.moved:app", "answers": "drf"}, "plain": {"app": "tests.project.moved:plain"}}
COMPARED = ("content-type", "content-length", "vary", "location", "etag", "x-method", "x-head")


@pytest.fixture
def project(project):
    project.ROOT_URLCONF = "tests.project.moved"
    moved.deleted.clear()
    moved.seen.clear()
    return project


@pytest.fixture
async def legacy(gateway):
    """Django alone."""
    async with running(gateway()) as app:
        yield app


@pytest.fixture
def serving(gateway):
    def build(service, claim="implemented", prefix="/m", **table):
        services = {service: SERVICES.get(service, {"app": f"tests.project.moved:{service}"}) | table}
        return gateway(services=services, routes=[{"name": "m", "prefix": prefix, "service": service, "claim": claim}])

    return build


def told(answer, method="GET"):
    body = b"" if method == "HEAD" else answer.body  # which the server leaves out
    return (
        answer.status,
        body,
        answer.methods(),
        {name: answer[name] for name in COMPARED},
    )  # api_view has a set of them


# -- the first path that Django would have found -------------------------------------------------


ANOTHERS = [
    ("plain", "POST", "/m/feed/latest/"),
    ("plain", "DELETE", "/m/feed/latest/"),
    ("plain", "GET", "/m/number/5/"),
    ("plain", "GET", "/m/tags/top/3/"),
]


@pytest.mark.parametrize(
    ("service", "method", "path"),
    [
        *ANOTHERS,
        ("drf", "DELETE", "/m/tags/me/"),
        ("plain", "DELETE", "/m/tags/me/"),
        ("drf", "DELETE", "/m/tags/me.json"),
        ("drf", "GET", "/m/tags/x.json"),
        ("drf", "DELETE", "/m/tags/me"),
        ("unslashed", "DELETE", "/m/tags/me"),
        ("unslashed", "GET", "/m/tags/me"),
        ("unslashed", "DELETE", "/m/tags/x.json"),
    ],
)
async def test_a_path_of_another_view_stays_with_the_project(serving, legacy, service, method, path):
    async with running(serving(service)) as app:
        answer = await ask(app, path, method)
    expected = await ask(legacy, path, method)
    assert answer["x-served-by"] == "legacy"
    assert not [what for what in moved.deleted if what.startswith("service")]
    assert (answer.status, answer.body, answer["location"]) == (expected.status, expected.body, expected["location"])


async def test_a_path_that_nobody_has_is_no_matter_of_login(serving, project):
    project.LOGIN_URL = "/login/"
    project.MIDDLEWARE = [*project.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    async with running(serving("drf", "all")) as app:
        assert (await ask(app, "/m/nothing/of/the/kind/")).status == 404


async def test_a_test_may_name_another_urlconf(serving, project):
    async with running(serving("plain")) as app:
        for urlconf, side in {"legacy.urls": "plain", "tests.project.moved": "legacy"}.items():
            project.ROOT_URLCONF = urlconf
            app.legacy.reload()
            reread_settings(app, None)
            assert (await ask(app, "/m/feed/latest/"))["x-served-by"] == side


@pytest.mark.parametrize(("service", "method", "path"), ANOTHERS[:3])
async def test_so_it_does_where_a_service_claims_all(serving, service, method, path):
    async with running(serving(service, "all")) as app:
        answer = await ask(app, path, method)
    assert (answer["x-served-by"], moved.deleted) == ("legacy", [])


@pytest.mark.parametrize("service", ["drf", "plain"])
async def test_a_service_that_claims_all_refuses_a_method_of_a_later_template(serving, service):
    async with running(serving(service, "all")) as app:
        answer = await ask(app, "/m/tags/me/", "DELETE")
    assert (answer.status, answer["x-served-by"], moved.deleted) == (405, service, [])


@pytest.mark.parametrize("service", ["drf", "plain"])
@pytest.mark.parametrize(("method", "path", "status"), [("DELETE", "/m/tags/you/", 204), ("GET", "/m/tags/me/", 200)])
async def test_a_path_of_its_own_is_the_services(serving, service, method, path, status):
    async with running(serving(service)) as app:
        answer = await ask(app, path, method)
    assert (answer.status, answer["x-served-by"]) == (status, service)


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/x/tags/me"), ("PUT", "/x/numbers/5"), ("PUT", "/x/tags/me"), ("POST", "/x/tags/y")],
)
@pytest.mark.parametrize("claim", ["implemented", "all"])
@pytest.mark.parametrize("middleware", ["django", "none"])
async def test_the_first_path_of_a_service_owns_it_for_all_methods(serving, claim, middleware, method, path):
    async with running(serving("only_new", claim, "/x", middleware=middleware)) as app:
        answer = await ask(app, path, method)
    assert (answer.status, answer.json(), moved.deleted) == (405, {"detail": "Method Not Allowed"}, [])
    assert answer.methods() <= {"GET", "HEAD", "DELETE"}


async def test_a_service_by_itself_is_left_as_it_was():
    answer = await ask(moved.only_new, "/x/tags/me", "DELETE")
    assert answer.status == 200


async def test_sockets_have_paths_of_their_own(serving):
    async with running(serving("plain")) as app:
        messages = await open_socket(app, "/m/tags/me/")
    assert [message["type"] for message in messages][:2] == ["websocket.accept", "websocket.send"]


# -- HEAD ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["headed", "own-head", "refusing", "only-get", "tags/me", "tags/x"])
@pytest.mark.parametrize("chain", [[], ["django.middleware.http.ConditionalGetMiddleware"]], ids=["", "conditional"])
@pytest.mark.parametrize("claim", ["implemented", "all"])
async def test_head_is_answered_as_by_the_view(serving, gateway, project, path, chain, claim):
    project.MIDDLEWARE = [*chain, *project.MIDDLEWARE]
    async with running(serving("drf", claim)) as app, running(gateway()) as legacy:
        for method in ("HEAD", "GET"):
            answer, expected = [await ask(side, f"/m/{path}/", method) for side in (app, legacy)]
            assert told(answer, method) == told(expected, method)


async def test_all_but_the_endpoint_sees_head(serving):
    async with running(serving("plain")) as app:
        answer = await ask(app, "/m/headed/", "HEAD")
    assert (answer.status, answer["x-method"], answer.body) == (200, "HEAD", b"")


async def test_a_services_own_middleware_sees_head(serving):
    async with running(serving("drf")) as app:
        await ask(app, "/m/headed/", "HEAD")
    assert moved.seen == ["HEAD HEAD"]


async def test_a_stream_asked_by_head_ends(serving, caplog, monkeypatch):
    monkeypatch.setattr("gateway.bridge.response.AHEAD", 0.1)
    async with running(serving("plain")) as app:
        answer = await ask(app, "/m/streamed/", "HEAD")
    assert (answer.status, answer.body, answer.complete, caplog.records) == (200, b"", True, [])


# -- the match -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/m/v1/items/3/", "/m/v2/items/3/"])
async def test_version_and_links_are_those_of_the_old_namespace(serving, legacy, path):
    async with running(serving("drf")) as app:
        answer = await ask(app, path)
    assert answer["x-served-by"] == "drf"
    assert answer.json() == (await ask(legacy, path)).json()


@pytest.mark.parametrize("path", ["/m/named/tea/", "/m/old/3/"])
async def test_the_match_is_that_of_the_old_url(serving, legacy, path):
    async with running(serving("plain")) as app:
        answer = await ask(app, path)
    assert answer["x-served-by"] == "plain"
    assert answer.json() == (await ask(legacy, path)).json()


@pytest.mark.parametrize("service", ["drf", "plain"])
async def test_a_path_without_the_slash_has_the_match_of_the_one_with_it(serving, legacy, service):
    async with running(serving(service)) as app:
        answer = await ask(app, "/m/items/3")
    assert answer["x-served-by"] == service
    assert answer.json() == (await ask(legacy, "/m/items/3/")).json()


@pytest.mark.parametrize(
    ("path", "name", "namespaces"),
    [("/m/v1/fresh/3/", "v1:fresh", ["v1"]), ("/m/catch/x/", "caught", [])],
)
async def test_a_new_path_is_named_after_its_endpoint_in_the_namespace_around_it(serving, path, name, namespaces):
    async with running(serving("plain")) as app:
        found = (await ask(app, path)).json()
    assert (found["view_name"], found["namespaces"], found["route"][:2]) == (name, namespaces, "m/")


# -- drf(view=...) -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["tagged", "tagged-async"])
async def test_a_lifted_method_has_the_etag_of_its_view(serving, legacy, kind):
    async with running(serving("drf")) as app:
        first, expected = [await ask(side, f"/m/{kind}/3/") for side in (app, legacy)]
        match = {"If-None-Match": first["etag"]}
        again = await ask(app, f"/m/{kind}/3/", headers=match)
    assert first["x-served-by"] == "drf"
    assert (first["etag"] is not None, told(first)) == (True, told(expected))
    assert again.status == 304


@pytest.mark.parametrize("kind", ["tagged", "tagged-async"])
@pytest.mark.parametrize("body", [b'{"good": 1}', b'{"bad": 1}', b"{"])
async def test_a_lifted_method_reads_and_refuses_as_in_its_view(serving, legacy, kind, body):
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    async with running(serving("drf")) as app:
        found = [await ask(side, f"/m/{kind}/3/", "POST", body=body, headers=headers) for side in (app, legacy)]
    assert told(found[0]) == told(found[1])


async def test_the_actions_of_a_viewset_can_be_called(serving):
    async with running(serving("drf")) as app:
        answer = await ask(app, "/m/lifted-tags/x/")
    assert answer.json() == [{"tag": "x", "format": None}, {"tag": "x", "format": None}, "retrieve"]


@pytest.mark.parametrize("path", ["/m/cached/", "/m/decorated/"])
async def test_what_decorates_dispatch_and_as_view_is_there(serving, legacy, path):
    async with running(serving("drf")) as app:
        for method in ("GET", "HEAD", "GET"):
            answer, expected = [await ask(side, path, method) for side in (app, legacy)]
            assert told(answer, method) == told(expected, method)
            assert answer["cache-control"] == expected["cache-control"]


def test_non_atomic_requests_on_dispatch_holds(serving, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    serving("non_atomic", prefix="/x")
    with pytest.raises(ConfigError, match="ATOMIC_REQUESTS"):
        serving("keeps_atomic", prefix="/x")


def test_the_class_is_that_of_the_view():
    endpoint = EndpointPattern(
        "/m/tagged/{pk}/", frozenset({"GET"}), function=moved.tagged, dependencies=(drf(view=moved.Tagged),)
    )
    function = DRFStyle().view(endpoint, {"GET": endpoint}, lambda request: None)
    names = [(kind.__module__, kind.__qualname__) for kind in (function.cls, moved.Tagged)]
    assert names[0] == names[1]


# -- middleware that resolves URLs by itself -----------------------------------------------------


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("service", ["drf", "plain"])
@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD"])
@pytest.mark.parametrize("chain", [[], ["tests.project.middleware.async_only"]], ids=["sync", "async"])
async def test_a_404_of_the_service_stays_one(serving, project, service, method, debug, chain):
    project.DEBUG = debug
    project.MIDDLEWARE = [*project.MIDDLEWARE, *chain]
    async with running(serving(service)) as app:
        answer = await ask(app, "/m/items/10", method)
    assert (answer.status, answer["x-served-by"]) == (404, service)


@pytest.mark.parametrize("path", ["/m/items/3", "/m/items/3/", "/en/m/i18n/3", "/de/m/i18n/10"])
async def test_a_middleware_finds_the_view_that_stands_there(serving, project, path):
    project.LANGUAGES = [("en", "en"), ("de", "de")]
    project.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware", "tests.project.moved.resolving"]
    async with running(serving("plain", prefix="/")) as app:
        answer = await ask(app, path)
    assert (answer["x-resolved"], answer["location"]) == ("True", None)


async def test_a_path_that_nobody_claims_is_redirected_as_before(serving, legacy):
    async with running(serving("plain")) as app:
        found = [await ask(side, "/m/v1/items/3") for side in (app, legacy)]
    assert [(one.status, one["location"]) for one in found] == [(301, "/m/v1/items/3/")] * 2


async def test_whoever_asks_for_drfs_permissions_needs_no_login_before(serving, project):
    project.LOGIN_URL = "/login/"
    project.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    async with running(serving("plain")) as app:
        assert (await ask(app, "/m/tokens/")).status == 200
        assert (await ask(app, "/m/secret/")).status == 302
        assert (await ask(app, "/m/headed/")).status == 302
