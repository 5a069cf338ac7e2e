"""Under `answers = "django"` a moved endpoint answers byte for byte what the Django view answered."""

from __future__ import annotations

import json

import pytest

from tests.project import pages
from tests.support.asgi import ask, running

pytestmark = pytest.mark.anyio

COMPARED = ("content-type", "content-length", "allow", "vary")


@pytest.fixture(params=[False, True], ids=["production", "debug"])
async def app(request, project, gateway):
    project.ROOT_URLCONF = "tests.project.pages"
    project.DEBUG = request.param
    services = {"moved": {"app": "tests.project.pages:app", "answers": "django"}}
    routes = [{"name": "new", "prefix": "/new", "service": "moved", "claim": "all"}]
    async with running(gateway(services=services, routes=routes)) as app:
        yield app


async def both(app, path, method="GET", *, moved=None, **more):
    found = []
    for target in (f"/old/{path}", f"/new/{moved or path}"):
        answer = await ask(app, target, method, **more)
        assert answer["x-served-by"] == ("legacy" if target.startswith("/old") else "moved")
        found.append((answer.status, answer.body, {name: answer[name] for name in COMPARED}))
    return found


@pytest.mark.parametrize("path", ["sample/", "model/"])
async def test_values_are_written_by_djangos_encoder(app, path):
    old, new = await both(app, path)
    assert new == old
    assert json.loads(new[1])["lasts"] == "P1DT02H00M00S"
    assert json.loads(new[1])["when"] == "2026-07-01T12:30:15.123Z"


async def test_a_list_is_an_answer_too(app):
    old, new = await both(app, "sample/", "POST", headers={"Cookie": "csrftoken=" + "a" * 32, "X-CSRFToken": "a" * 32})
    assert (new, new[0]) == (old, 201)


async def test_the_csrf_token_is_always_asked_for(app):
    old, new = await both(app, "sample/", "POST")
    assert (new[0], old[0]) == (403, 403)
    assert new[1].replace(b"/new/", b"/old/") == old[1]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD"])
async def test_other_methods_are_answered_as_by_a_view(app, method):
    token = {"Cookie": "csrftoken=" + "a" * 32, "X-CSRFToken": "a" * 32}
    old, new = await both(app, "sample/", method, headers=token)
    assert (new[0], new[2]) == (old[0], old[2])
    assert new[1] == (b"" if method == "HEAD" else old[1])


@pytest.mark.parametrize("kind", ["400", "403", "404", "bug"])
@pytest.mark.parametrize("moved", ["refusing", "raising"])
async def test_refusals_are_the_projects_pages(app, kind, moved):
    old, new = await both(app, f"refusing/{kind}/", moved=f"{moved}/{kind}/")
    assert new[0] == old[0] == (500 if kind == "bug" else int(kind))
    if app_is_in_production(app):
        assert new == old


def app_is_in_production(app):
    from django.conf import settings

    return not settings.DEBUG


async def test_what_is_no_number_is_a_404(app):
    old, new = await both(app, "number/x/")
    assert (new[0], old[0]) == (404, 404)


async def test_a_bad_query_is_a_400(app):
    found = await ask(app, "/new/number/1/?page=x")
    assert (found.status, b"<h1>" in found.body or b"BadRequest" in found.body) == (400, True)


async def test_a_path_nobody_has_is_djangos_404(app):
    old, new = await both(app, "nowhere/")
    assert (new[0], old[0]) == (404, 404)


def test_the_document_says_400_and_not_422():
    answers = pages.app.openapi()["paths"]["/new/number/{number}/"]["get"]["responses"]
    assert answers.keys() == {"200", "400", "default"}
