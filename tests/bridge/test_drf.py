"""Under `answers = "drf"` a moved endpoint answers byte for byte what the DRF view answered (FIELD.md, 9)."""

from __future__ import annotations

import json

import pytest
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from tests.support.asgi import ask, running

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
GOOD = {"name": "tea", "price": "1.5", "count": 2}
COMPARED = ("content-type", "content-length", "allow", "vary", "www-authenticate", "retry-after", "location")
POLICIES = {
    "renderer_classes": "DEFAULT_RENDERER_CLASSES",
    "parser_classes": "DEFAULT_PARSER_CLASSES",
    "authentication_classes": "DEFAULT_AUTHENTICATION_CLASSES",
    "permission_classes": "DEFAULT_PERMISSION_CLASSES",
    "throttle_classes": "DEFAULT_THROTTLE_CLASSES",
}
VARIANTS = {
    "defaults": {},
    "own": {
        "TIME_ZONE": "Asia/Tokyo",
        "REST_FRAMEWORK": {
            "COERCE_DECIMAL_TO_STRING": False,
            "DATETIME_FORMAT": "%d/%m/%Y %H:%M:%S",
            "NON_FIELD_ERRORS_KEY": "all",
            "UNICODE_JSON": False,
            "COMPACT_JSON": False,
            "EXCEPTION_HANDLER": "tests.project.drf.with_status",
            "DEFAULT_AUTHENTICATION_CLASSES": [
                "rest_framework.authentication.BasicAuthentication",
                "rest_framework.authentication.SessionAuthentication",
            ],
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
            "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
        },
    },
    "naive": {"USE_TZ": False, "REST_FRAMEWORK": {"DATETIME_FORMAT": None}},
}


@pytest.fixture(params=VARIANTS)
def variant(request, project, monkeypatch):
    for name, value in VARIANTS[request.param].items():
        setattr(project, name, value)
    if "REST_FRAMEWORK" not in VARIANTS[request.param]:
        project.REST_FRAMEWORK = {}
    project.ROOT_URLCONF = "tests.project.drf"
    for policy, setting in POLICIES.items():  # APIView has read them when it was imported
        monkeypatch.setattr(APIView, policy, getattr(api_settings, setting))
    return request.param


@pytest.fixture
async def app(variant, gateway):
    services = {"moved": {"app": "tests.project.drf:app", "answers": "drf"}}
    routes = [{"name": "new", "prefix": "/new", "service": "moved", "claim": "all"}]
    async with running(gateway(services=services, routes=routes)) as app:
        yield app


async def both(app, path, method="GET", **more):
    """What the DRF view and the moved endpoint answer, as far as it matters."""
    found = []
    headers = {"Content-Length": str(len(more.get("body", b""))), **more.pop("headers", {})}
    for side in ("old", "new"):
        answer = await ask(app, f"/{side}/{path}", method, headers=headers, **more)
        assert answer["x-served-by"] == ("legacy" if side == "old" else "moved")
        found.append((answer.status, answer.body, {name: answer[name] for name in COMPARED}))
    return found


async def posted(app, body, headers=JSON):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    old, new = await both(app, "items/", "POST", body=content, headers=headers)
    assert new == old
    return new


# -- one test for each row of the table ----------------------------------------------------------


async def test_a_bad_field_is_a_400_with_messages_by_field(app):
    status, body, _ = await posted(app, GOOD | {"price": "much"})
    assert (status, b"price" in body) == (400, True)


async def test_malformed_json_is_a_400(app):
    assert (await posted(app, b'{"name": '))[0] == 400


async def test_a_form_is_taken_where_the_project_takes_forms(app, variant):
    assert (await posted(app, b"name=tea&price=1.5&count=2&tags=a&tags=b", FORM))[0] == (
        415 if variant == "own" else 201
    )


async def test_text_is_an_unsupported_media_type(app):
    assert (await posted(app, b"tea", {"Content-Type": "text/plain"}))[0] == 415


async def test_an_answer_nobody_can_render_is_a_406(app):
    old, new = await both(app, "items/", headers={"Accept": "application/xml"})
    assert (new, new[0]) == (old, 406)


async def test_options_tells_about_the_endpoint(app):
    old, new = await both(app, "items/", "OPTIONS")
    assert new == old
    assert json.loads(new[1])["actions"]["POST"]["price"]["max_digits"] == 6


@pytest.mark.parametrize("path", ["items/", "plain/", "private/"])
async def test_options_of_every_endpoint(app, path):
    old, new = await both(app, path, "OPTIONS")
    assert new == old


async def test_a_wrong_method_is_a_405_with_all_methods(app):
    old, new = await both(app, "items/", "PUT")
    assert new == old
    assert (new[0], new[2]["allow"]) == (405, "GET, POST, HEAD, OPTIONS")


async def test_an_anonymous_caller_gets_what_the_first_authentication_class_says(app, variant):
    old, new = await both(app, "private/")
    assert (new, new[0]) == (old, 401 if variant == "own" else 403)


async def test_vary_is_as_before(app, variant):
    old, new = await both(app, "items/")
    assert new == old
    assert ("Accept" in new[2]["vary"].split(", ")) == (variant != "own")


async def test_a_moment_is_written_in_the_projects_zone_and_format(app, variant):
    old, new = await both(app, "items/")
    assert new == old
    when = {"defaults": "2026-07-01T15:30:15.120000+03:00", "own": "01/07/2026 21:30:15"}
    assert json.loads(new[1])[0]["when"] == when.get(variant, json.loads(old[1])[0]["when"])


async def test_a_duration_is_written_as_djangos(app):
    assert json.loads((await posted(app, GOOD | {"lasts": "P1DT2H"}))[1])["lasts"] == "1 02:00:00"


async def test_a_decimal_has_its_places(app, variant):
    _, body, _ = await posted(app, GOOD)
    assert json.loads(body)["price"] == (1.5 if variant == "own" else "1.50")
    assert (b"1.50" in body) == (variant != "own")


async def test_a_number_is_taken_for_a_string(app):
    assert json.loads((await posted(app, GOOD | {"name": 123}))[1])["name"] == "123"


@pytest.mark.parametrize(("name", "status"), [("  hi ", 201), ("", 400), ("   ", 400), ("a\0b", 400), (None, 400)])
async def test_text_is_trimmed_and_must_not_be_blank_or_have_a_nul(app, name, status):
    assert (await posted(app, GOOD | {"name": name}))[0] == status


@pytest.mark.parametrize("count", [True, 1.5, "1", "x", -1, None])
async def test_a_boolean_is_no_number(app, count):
    assert (await posted(app, GOOD | {"count": count}))[0] == (201 if count == "1" else 400)


@pytest.mark.parametrize("when", ["2026-01-01T10:00", "2026-01-01T10:00+09:00", 1700000000, "2026-03-29T03:30", "x"])
async def test_a_moment_is_read_as_drf_reads_it(app, when):
    await posted(app, GOOD | {"when": when})


# -- beyond the table ----------------------------------------------------------------------------


@pytest.mark.parametrize("body", [[], "x", 1, None, True, {}, [GOOD]])
async def test_what_is_no_object_is_refused_in_drfs_words(app, body):
    assert (await posted(app, body))[0] == 400


@pytest.mark.parametrize(
    "more",
    [
        {"box": {"width": 0}},
        {"box": {"label": ""}},
        {"box": None},
        {"box": []},
        {"boxes": [{"width": 1}, {}, 3]},
        {"boxes": {}},
        {"tags": ["abc", "abcd"]},
        {"tags": "abc"},
        {"kind": "c"},
        {"active": "maybe"},
        {"active": "yes", "kind": "b", "tags": [], "box": {"width": 2, "label": None}, "boxes": []},
    ],
)
async def test_nested_input_is_read_as_drf_reads_it(app, more):
    await posted(app, GOOD | more)


async def test_a_models_own_validator_speaks_for_no_field(app, variant):
    _, body, _ = await posted(app, GOOD | {"name": "free"})
    assert (b'"all"' in body) == (variant == "own")


async def test_an_empty_body_is_refused(app):
    assert (await posted(app, b""))[0] == 400


async def test_what_no_model_describes_is_for_drfs_encoder(app):
    old, new = await both(app, "plain/")
    assert new == old


async def test_nothing_is_an_empty_answer(app):
    old, new = await both(app, "plain/", "DELETE")
    assert (new, new[0]) == (old, 204)


async def test_head_is_get_without_its_body(app):
    old, new = await both(app, "items/", "HEAD")
    assert (new[0], new[1], new[2]) == (old[0], b"", old[2])


@pytest.mark.parametrize("kind", ["drf", "404", "http"])
async def test_exceptions_go_to_the_projects_handler(app, kind):
    old, new = await both(app, f"failing/{kind}/")
    assert new == old


async def test_a_bug_is_djangos_500(app, caplog):
    old, new = await both(app, "failing/bug/")
    assert (new, new[0]) == (old, 500)
    assert [record.name for record in caplog.records] == ["django.request", "django.request"]


async def test_a_path_nobody_has_is_djangos_404(app):
    old, new = await both(app, "nowhere/")
    assert (new[0], new[1].replace(b"/new/", b"/old/")) == (old[0], old[1])
