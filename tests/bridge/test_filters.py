"""The project's filter backends narrow what FastAPI endpoints list: the same rows, order and errors."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from fastapi import Depends, FastAPI
from rest_framework.filters import OrderingFilter, SearchFilter

from gateway.bridge.drf.filters import filtered
from tests.project import listed
from tests.support.asgi import ask, running
from tests.support.parity import same

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _lists(settings, project, db):
    settings.ROOT_URLCONF = "tests.project.listed"
    groups = [Group.objects.create(name=name) for name in ("Editors", "Authors", "Readers", "Ed, the one", "Stuff")]
    groups[2].permissions.add(Permission.objects.get(codename="view_group"))


@pytest.fixture
async def moved(gateway):
    services = {"listed": {"app": "tests.project.listed:app"}}
    async with running(gateway(services=services, routes=[{"name": "l", "prefix": "/l", "service": "listed"}])) as app:
        yield app


@pytest.fixture
async def old(gateway):
    async with running(gateway()) as app:
        yield app


def names(answer):
    return [group["name"] for group in answer.json()["results"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=ed", ["Ed, the one", "Editors"]),
        ("search=ed+one", ["Ed, the one"]),
        ("search=%22the+one%22", ["Ed, the one"]),
        ("search=view_gr", ["Readers"]),
        ("search=", ["Authors", "Ed, the one", "Editors"]),
        ("search=nothing", []),
        ("search=ed&search=au", ["Authors"]),
    ],
)
async def test_searching(old, moved, query, found):
    assert names(await same(old, moved, f"/l/filters/search/?{query}")) == found


async def test_searching_for_what_no_text_contains(old, moved):
    assert (await same(old, moved, "/l/filters/search/?search=%00")).status == 400


@pytest.mark.parametrize(
    "query", ["", "ordering=name", "ordering=-name", "ordering=id", "ordering=name,-id", "ordering=%00"]
)
async def test_ordering(old, moved, query):
    answer = await same(old, moved, f"/l/filters/ordering/?{query}")
    assert names(answer)[0] == ("Authors" if "=name" in query else "Stuff")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("named=editors", 200),
        ("after=2", 200),
        ("after=many", 400),
        ("like=Editors", 200),
        ("like=Nobody", 400),
        ("length=s", 200),
        ("length=m", 400),
        ("after=many&length=m&like=Nobody", 400),
        ("named=%00", 400),
        ("unknown=1", 200),
    ],
)
async def test_a_filterset(old, moved, query, status):
    assert (await same(old, moved, f"/l/filters/set/?{query}")).status == status


@pytest.mark.parametrize("query", ["name=Editors", "name__startswith=Ed", "id__in=1,2", "id__in=x"])
async def test_filters_made_of_fields(old, moved, query):
    await same(old, moved, f"/l/filters/fields/?{query}")


async def test_the_projects_errors_in_the_callers_language(old, moved):
    answer = await same(old, moved, "/l/filters/set/?after=many", headers={"Accept-Language": "el"})
    assert "number" not in answer.text


@pytest.mark.parametrize("query", ["search=ed&ordering=-name", "name=Stuff", "search=e&ordering=-id&size=1&page=2"])
async def test_the_projects_default_backends(old, moved, query):
    assert (await same(old, moved, f"/l/filters/default/?{query}")).status == 200


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
async def test_an_error_that_is_a_list(moved, settings, accept):
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"EXCEPTION_HANDLER": "rest_framework.views.exception_handler"}
    answer = await ask(moved, "/l/sync-filter/?search=%00", headers={"Accept": accept})
    assert (answer.status, "Null characters are not allowed." in answer.text) == (400, True)


async def test_a_plain_function_filters_too(moved):
    assert (await ask(moved, "/l/sync-filter/?search=ed")).json() == ["Ed, the one", "Editors"]


# -- the documentation ---------------------------------------------------------------------------


def described(path):
    parameters = listed.app.openapi()["paths"][path]["get"]["parameters"]
    return {parameter["name"]: parameter for parameter in parameters if parameter["name"] not in ("page", "size")}


@pytest.mark.parametrize(
    ("filters", "parameters"),
    [
        ("search", {"search"}),
        ("ordering", {"ordering"}),
        ("set", {"named", "after", "like", "length"}),
        ("fields", {"name", "name__startswith", "id__in"}),
        ("default", {"search", "ordering", "name"}),
    ],
)
def test_the_documentation_shows_the_parameters(filters, parameters):
    assert set(described(f"/l/filters/{filters}/")) == parameters


def test_a_backend_that_can_not_describe_itself_works_without(caplog):
    class Shy(SearchFilter):
        def get_schema_operation_parameters(self, view):
            return [view.request.user]

    app = FastAPI()
    app.get("/", dependencies=[Depends(filtered(backends=[Shy, OrderingFilter]))])(lambda: None)
    assert [parameter["name"] for parameter in app.openapi()["paths"]["/"]["get"]["parameters"]] == ["ordering"]
    assert "Shy" in caplog.text


def test_the_documentation_describes_the_parameters():
    found = described("/l/filters/set/")
    assert [found[name]["description"] for name in ("named", "after")] == ["Its name", "A number."]
    assert found["length"]["schema"]["enum"] == ["s", "l"]
