"""A lifted view answers as the view in the URLconf does, whatever kind it is of."""

from __future__ import annotations

import re
import sys
import types
from functools import update_wrapper
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from fastapi import FastAPI
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from gateway.bridge.drf import NotLiftable, lift
from gateway.compat.starlette import convertor_patterns
from gateway.legacy.templates import convertor_for
from legacy.shop.api.views import CartView, ProductViewSet
from tests.project import lifted
from tests.support.asgi import ask, running

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

STAFF = {"Authorization": "Basic c3RhZmY6c3RhZmY="}
PERSON = {"Authorization": "Basic cGVyc29uOnBlcnNvbg=="}
MANUAL = Path(__file__).parents[2] / "docs" / "drf.md"
TOKEN = re.compile(rb"(?<=[\"'])[A-Za-z0-9]{32,64}(?=[\"'])")
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def project(project):
    project.ROOT_URLCONF = "tests.project.lifted"
    project.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return project


@pytest.fixture
def rows(project, transactional_db):
    for name in ("readers", "writers", "others"):
        Group.objects.create(name=name)
    people = get_user_model().objects
    people.create_user("person", "person@example.com", "person")
    people.create_superuser("staff", "staff@example.com", "staff")
    return Group.objects.order_by("id").first().pk


@pytest.fixture
def serving(gateway):
    def build(claim):
        services = {"lifted": {"app": "tests.project.lifted:app", "answers": "drf"}}
        return gateway(
            services=services,
            routes=[{"name": "l", "prefix": "/l", "service": "lifted", "claim": claim, "fallback": False}],
        )

    return build


READS = [
    "/l/",
    "/l/groups/",
    "/l/groups/?limit=1&offset=1",
    "/l/groups/?search=rit&ordering=-name",
    "/l/groups/{pk}/",
    "/l/groups/{pk}.json",
    "/l/groups/named/tea/",
    "/l/groups/named/tea.json",
    "/l/permissions/add_group/",
    "/l/lettered/add_group/",
    "/l/groups/7/members",
    "/l/echo/",
    "/l/echo/3/",
    "/l/years/2026/",
    "/l/years/2026/page-3/",
    "/l/cached/",
    "/l/head/",
    "/l/versioned/",
    "/l/v1/inner/",
    "/l/told/",
    "/l/told/tea/",
]
REQUESTS = [
    *((method, path, {}, b"", 200) for path in READS for method in ("GET", "OPTIONS", "HEAD")),
    ("GET", "/l/groups/", {"Accept": "text/html"}, b"", 200),
    ("GET", "/l/groups/{pk}/member-list/", STAFF, b"", 200),
    ("PUT", "/l/groups/{pk}/member-list/", STAFF, b"", 200),
    ("DELETE", "/l/groups/{pk}/member-list/", STAFF, b"", 204),
    ("OPTIONS", "/l/groups/{pk}/member-list/", STAFF, b"", 200),
    ("POST", "/l/groups/{pk}/finish/", STAFF, b"", 202),
    ("OPTIONS", "/l/groups/{pk}/", STAFF, b"", 200),
    ("OPTIONS", "/l/groups/", STAFF, b"", 200),
    ("POST", "/l/groups/", STAFF | JSON, b'{"name": ""}', 400),
    ("POST", "/l/groups/", STAFF | JSON, b'{"name"', 400),
    ("POST", "/l/groups/", {"Authorization": "Basic !"} | JSON, b"{}", 401),
    ("POST", "/l/groups/", JSON, b"{}", 401),
    ("POST", "/l/groups/{pk}/member-list/", STAFF, b"", 405),
    ("GET", "/l/groups/{pk}/member-list/", PERSON, b"", 403),
    ("PUT", "/l/groups/", STAFF | JSON, b"{}", 405),
    ("GET", "/l/groups/0/", {}, b"", 404),
    ("GET", "/l/groups/?limit=1&tired", {}, b"", 429),
    ("GET", "/l/groups/", {"Accept": "image/png"}, b"", 406),
    ("PATCH", "/l/groups/{pk}/", STAFF | {"Content-Type": "text/plain"}, b"x", 415),
    ("PATCH", "/l/groups/{pk}/", STAFF | JSON, b'{"name": "others"}', 400),
    ("PUT", "/l/echo/", JSON, b'{"a": [1]}', 200),
    ("PUT", "/l/echo/3/", {"Content-Type": "application/x-www-form-urlencoded"}, b"a=1&a=2", 200),
    ("PUT", "/l/echo/", {"Content-Type": "multipart/form-data"}, b"x", 415),
    ("DELETE", "/l/echo/", {}, b"", 403),
    ("POST", "/l/echo/", {}, b"", 405),
    ("GET", "/l/versioned/", {"Accept": "application/json; version=2"}, b"", 200),
    ("POST", "/l/told/tea/", JSON, b'{"a": 1}', 200),
    ("POST", "/l/told/?tired", JSON, b"{}", 429),
    ("PUT", "/l/told/", JSON, b"{}", 405),
    ("POST", "/l/groups/7/members", JSON, b"{}", 400),
]


def told(answer, method):
    """All of an answer but what is drawn by lot: the CSRF token."""
    lines = sorted(line for line in answer.lines if line[0] not in (b"x-served-by", b"x-request-id", b"set-cookie"))
    names = [line.partition("=")[0] for line in answer.all("set-cookie")]
    return answer.status, lines, names, b"" if method == "HEAD" else TOKEN.sub(b"token", answer.body)


def differences(method, target, found, expected):
    """What is only in one of them, in words."""
    if found == expected:
        return []
    lines = [[line for line in one[1] if line not in other[1]] for one, other in ((found, expected), (expected, found))]
    return [f"{method} {target}: {found[0]} {lines[0]} {found[2:]} instead of {expected[0]} {lines[1]} {expected[2:]}"]


@pytest.mark.long
@pytest.mark.parametrize("claim", ["implemented", "all"])
async def test_it_answers_byte_for_byte_as_the_view(serving, gateway, rows, claim):
    wrong = []
    async with running(serving(claim)) as app, running(gateway()) as legacy:
        for method, path, sent, body, status in REQUESTS:
            target = path.format(pk=rows)
            headers = sent | {"Content-Length": str(len(body))} if body else sent
            found, expected = [await ask(side, target, method, body=body, headers=headers) for side in (app, legacy)]
            assert expected.status in (status, 405 if method == "HEAD" else status), (method, target, expected.body)
            wrong += differences(method, target, told(found, method), told(expected, method))
            served = (found.status != 405 and method != "OPTIONS") or claim == "all"
            assert found["x-served-by"] == ("lifted" if served else "legacy"), (method, target)
    assert "\n".join(wrong) == ""


# -- what is lifted, and where -----------------------------------------------------------------------


def endpoints(router):
    return [(*route.methods, route.path, route.name) for route in router.routes if route.include_in_schema]


def test_names_paths_and_methods_are_the_urlconfs():
    router = lift(lifted.GroupViewSet, urlconf="tests.project.lifted", actions=["list", "members", "expel"])
    assert endpoints(router) == [
        ("GET", "/l/groups/", "group-list"),
        ("GET", "/l/groups/{pk:lookup}/member-list/", "group-members"),
        ("PUT", "/l/groups/{pk:lookup}/member-list/", "group-members"),
        ("DELETE", "/l/groups/{pk:lookup}/member-list/", "group-members"),
    ]


@pytest.mark.parametrize(
    ("options", "paths"),
    [
        ({"prefix": "/l/permissions"}, ["/l/permissions/"]),
        ({"path": "/l/permissions/{word}/"}, []),
        ({"prefix": "/l", "actions": ["list"]}, ["/l/permissions/"]),
    ],
)
def test_a_place_chooses_among_the_urls(options, paths):
    options = {"actions": ["list"], "urlconf": "tests.project.lifted"} | options
    if not paths:
        options["actions"] = ["retrieve"]
        paths = [f"/l/permissions/{{word:{convertor_for('[a-z_]+')}}}/"]
    assert [path for _, path, _ in endpoints(lift(lifted.PermissionViewSet, **options))] == paths


def test_a_view_with_other_arguments_is_another():
    numbered = lifted.Echo.as_view(word="number")
    found = endpoints(lift(numbered, urlconf="tests.project.lifted", methods=["get"]))
    assert found == [("GET", "/l/echo/{pk:digits}/", "echo-number")]


def test_a_new_viewset_is_registered_with_a_router():
    router = lift(NewViewSet, prefix="/new/things", basename="thing", router=SimpleRouter(trailing_slash=False))
    assert [one[1:] for one in endpoints(router)] == [
        ("/new/things", "thing-list"),
        ("/new/things/{pk:lookup}", "thing-detail"),
    ]


async def test_a_view_may_be_at_a_new_place(gateway, project):
    routes = [{"name": "n", "prefix": "/new", "service": "n", "claim": "all", "fallback": False}]
    async with running(gateway(services={"n": {"app": f"{__name__}:app", "answers": "drf"}}, routes=routes)) as served:
        view, action = await ask(served, "/new/echo/7/"), await ask(served, "/new/things/x_1/")
    assert (view.status, view.json()["kwargs"]) == (200, {"pk": 7})
    assert (action.status, action.json()) == (200, {"pk": "x_1", "basename": "thing"})


def test_what_can_t_be_lifted_says_what_to_do():
    class Elsewhere(APIView):
        def get(self, request): ...

    class Awaited(APIView):
        async def get(self, request): ...

    def unwrapped(view):
        class Around:
            def __call__(self, request): ...

        return update_wrapper(Around(), view)

    decorated = unwrapped(lifted.Echo.as_view())
    cases = {
        "no URL of the project leads to": lambda: lift(Elsewhere, urlconf="tests.project.lifted"),
        'by prefix="/api/…"': lambda: lift(NewViewSet, urlconf="tests.project.lifted"),
        "has no URL below '/x'": lambda: lift(lifted.Echo, prefix="/x", urlconf="tests.project.lifted"),
        "has no URL below '/y'": lambda: lift(lifted.GroupViewSet, prefix="/y", urlconf="tests.project.lifted"),
        "is no view of Django REST framework's": lambda: lift(print),
        "asynchronous": lambda: lift(Awaited, path="/x/"),
        "put it on the class": lambda: lift(decorated, path="/x/"),
        "includes none of the router's URLs": lambda: lift(SimpleRouter(), urlconf="tests.project.lifted"),
        "has nothing for methods=": lambda: lift(lifted.Echo, methods=["TRACE"], urlconf="tests.project.lifted"),
    }
    for message, make in cases.items():
        with pytest.raises(NotLiftable, match=re.escape(message)):
            make()


def test_the_examples_of_the_manual_run(monkeypatch):
    module = types.ModuleType("shop.api.views")
    module.CartView, module.ProductViewSet = CartView, ProductViewSet
    monkeypatch.setitem(sys.modules, module.__name__, module)
    blocks = re.findall(r"```python\n(.*?)```", MANUAL.read_text(), re.DOTALL)
    names = {"RoomViewSet": lifted.MemberViewSet}
    for code in blocks[:3]:
        exec(compile(code, str(MANUAL), "exec", dont_inherit=True), names)  # noqa: S102 - it is our own
    assert len(names["app"].openapi()["paths"]) == 4
    assert {route.path for route in names["router"].routes} == {
        "/api/events/{event}/rooms/",
        "/api/events/{event}/rooms/{pk}/",
    }
    assert convertor_patterns()["codename"] == "[a-z_]+"


async def test_a_lifted_view_is_only_for_the_gateway():
    with pytest.raises(RuntimeError, match='answers = "drf"'):
        await ask(app, "/new/echo/7/")


class NewViewSet(ViewSet):
    """Of which no URL of the project knows."""

    permission_classes = throttle_classes = ()

    def list(self, request: Any) -> Response:
        return Response([])

    def retrieve(self, request: Any, pk: str) -> Response:
        return Response({"pk": pk, "basename": self.basename})


class NewEcho(lifted.Echo):
    throttle_classes = ()


app = FastAPI(redirect_slashes=False)
app.include_router(lift(NewViewSet, prefix="/new/things", basename="thing", urlconf="tests.project.lifted"))
app.include_router(lift(NewEcho, path="/new/echo/{pk:int}/", name="new-echo", urlconf="tests.project.lifted"))
