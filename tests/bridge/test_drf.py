"""Under `answers = "drf"` a moved endpoint answers byte for byte what the DRF view answered (FIELD.md, 9)."""

from __future__ import annotations

import json
import re
import sys
import types
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import Client
from django.urls import path
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from gateway.config.problems import ConfigError
from legacy.accounts.models import User
from tests.project import drf as project_drf
from tests.support.asgi import ask, open_socket, running

pytestmark = [pytest.mark.anyio, pytest.mark.table]

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


@pytest.fixture(
    params=["defaults", *(pytest.param(name, marks=pytest.mark.slow) for name in VARIANTS if name != "defaults")]
)
def variant(request, project, monkeypatch):
    for name, value in VARIANTS[request.param].items():
        setattr(project, name, value)
    if "REST_FRAMEWORK" not in VARIANTS[request.param]:
        project.REST_FRAMEWORK = {}
    project.ROOT_URLCONF = "tests.project.drf"
    for policy, setting in POLICIES.items():  # DRF has read them when it was imported
        monkeypatch.setattr(APIView, policy, getattr(api_settings, setting))
    monkeypatch.setattr(JSONRenderer, "compact", api_settings.COMPACT_JSON)
    monkeypatch.setattr(JSONRenderer, "ensure_ascii", not api_settings.UNICODE_JSON)
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
        body = b"" if method == "HEAD" else answer.body  # which the server leaves out
        found.append((answer.status, body, {name: answer[name] for name in COMPARED}))
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
    assert (new, new[0]) == (old, 200)
    assert (await ask(app, "/new/items/", "HEAD")).body == b""


@pytest.mark.parametrize("path", ["items/", "plain/", "half/"])
async def test_a_browser_gets_the_browsable_api(app, variant, path):
    headers = {"Accept": "text/html"}
    found = await ask(app, f"/new/{path}", headers=headers)
    assert (found.status, b"<form" in found.body) == ((406, False) if variant == "own" else (200, True))


@pytest.mark.parametrize("kind", ["drf", "404", "http"])
async def test_exceptions_go_to_the_projects_handler(app, kind):
    old, new = await both(app, f"failing/{kind}/")
    assert new == old


@pytest.mark.parametrize(
    ("status", "detail", "answered", "said"),
    [
        (400, "No.", 400, "No."),
        (401, "", 403, "Authentication credentials were not provided."),
        (403, "", 403, "You do not have permission to perform this action."),
        (404, "", 404, "Not found."),
        (404, "No such thing.", 404, "No such thing."),
        (406, "", 406, "Could not satisfy the request Accept header."),
        (410, "", 410, "Gone"),
        (429, "", 429, "Request was throttled. Expected available in 7 seconds."),
        (499, "Odd.", 499, "Odd."),
    ],
)
async def test_an_http_exception_is_drfs(app, variant, status, detail, answered, said):
    found = await ask(app, f"/new/status/{status}/?detail={quote(detail)}" if detail else f"/new/status/{status}/")
    if variant == "own" and status == 401:  # BasicAuthentication comes first there
        answered = 401
    assert (found.status, _wrong(found, variant)) == (answered, {"detail": said})
    assert (found["x-own"], found["allow"]) == (None if status == 401 else "kept", "GET, HEAD, OPTIONS")


async def test_a_bug_is_djangos_500(app, caplog):
    old, new = await both(app, "failing/bug/")
    assert (new, new[0]) == (old, 500)
    assert [record.name for record in caplog.records] == ["django.request", "django.request"]


async def test_a_path_nobody_has_is_djangos_404(app):
    old, new = await both(app, "nowhere/")
    assert (new[0], new[1].replace(b"/new/", b"/old/")) == (old[0], old[1])


async def test_a_file_is_djangos(app, variant):
    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    for name in ("a.txt", "much-too-long.txt"):
        body = f'--B\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n12345\r\n--B--\r\n'
        old, new = await both(app, "upload/", "POST", body=body.encode(), headers=headers)
        assert new == old
        assert new[0] == (415 if variant == "own" else 200 if name == "a.txt" else 400)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{}", JSON),
        (b'{"beta": "on"}', JSON),
        (b'{"mail": "x"}', JSON),
        (b"mail=a@example.com", FORM),
        (b"", FORM),
        (b"", {}),
    ],
)
async def test_a_patch_is_partial(app, body, headers):
    old, new = await both(app, "settings/", "PATCH", body=body, headers=headers)
    assert new == old


async def test_what_is_half_moved_still_names_all_methods(variant, gateway):
    services = {"moved": {"app": "tests.project.drf:app", "answers": "drf"}}
    routes = [{"name": "new", "prefix": "/new", "service": "moved"}]
    async with running(gateway(services=services, routes=routes)) as app:
        old, new = await both(app, "half/")
        put = await ask(app, "/new/half/", "PUT")
    assert new == old
    assert put["x-served-by"] == "legacy"


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("things/", "GET"),
        ("things/", "POST"),
        ("things/", "PUT"),
        ("things/", "OPTIONS"),
        ("things/7/", "GET"),
        ("things/7/", "HEAD"),
        ("things/7/", "PATCH"),
    ],
)
async def test_actions_of_a_viewset_keep_what_is_its_own(app, path, method):
    old, new = await both(app, path, method)
    if (path, method) == ("things/7/", "PATCH"):  # DELETE isn't moved, and the service has the whole path here
        assert new[2].pop("allow") == "GET, HEAD, OPTIONS"
        assert old[2].pop("allow") == "GET, DELETE, HEAD, OPTIONS"
    assert new == old


async def test_plain_types_in_a_model_are_written_as_serializer_fields(app, variant):
    found = (await ask(app, "/new/report/")).json()[0]
    assert found["price"] == (1.5 if variant == "own" else "1.5")
    assert found["lasts"] == "1 02:00:00"
    assert found["when"] == json.loads((await ask(app, "/old/items/")).body)[0]["when"]


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("", {"page": ["This field is required."]}),
        ("page=x", {"page": ["A valid integer is required."]}),
        ("page=1&name=%20", {"name": ["This field may not be blank."]}),
        ("page=1&name=abcdef", {"name": ["Ensure this field has no more than 5 characters."]}),
        ("page=x&since=x", {"page": ["A valid integer is required."], "since": [""]}),
    ],
)
async def test_a_bad_query_is_a_400_in_drfs_words(app, variant, query, wrong):
    found = await ask(app, f"/new/query/?{query}")
    errors = found.json()["errors"] if variant == "own" else found.json()
    assert (found.status, errors.keys()) == (400, wrong.keys())
    assert [errors[name] for name in wrong if name != "since"] == [wrong[name] for name in wrong if name != "since"]
    assert "since" not in wrong or errors["since"][0].startswith("Datetime has wrong format.")


async def test_a_query_is_read_by_the_projects_fields(app, variant):
    found = (await ask(app, "/new/query/?page=2&name=%20ab%20&since=2026-01-01")).json()
    assert (found["page"], found["name"]) == (2, "ab")
    assert found["since"] == {"naive": "2026-01-01T00:00:00"}.get(
        variant, f"2026-01-01T00:00:00+0{9 if variant == 'own' else 2}:00"
    )


async def test_a_path_that_is_no_number_is_a_404(app):
    found = await ask(app, "/new/numbered/x/")
    assert (found.status, b"Not found." in found.body) == (404, True)


async def test_a_response_of_the_services_own_stays_as_it_is(app):
    found = await ask(app, "/new/own/")
    assert (found.text, found["content-type"], found["allow"]) == (
        "own",
        "text/plain; charset=utf-8",
        "GET, HEAD, OPTIONS",
    )


async def test_a_page_and_a_stream_stay_what_they_are(app):
    assert (await ask(app, "/new/page/")).text == "<p>page</p>"
    found = await ask(app, "/new/parts/")
    assert (found.text, found["allow"]) == ("first second", "GET, HEAD, OPTIONS")


async def test_a_response_of_drfs_or_djangos_is_taken(app):
    found = await ask(app, "/new/rest/")
    assert (found.status, found.body) == (202, JSONRenderer().render({"price": Decimal("1.5")}))
    assert (found["x-own"], found["allow"]) == ("kept", "GET, HEAD, OPTIONS")
    found = await ask(app, "/new/django/")
    assert (found.body, found["content-type"], found["set-cookie"]) == (b"plain", "text/plain", "a=1; Path=/")


async def test_a_background_task_runs_after_the_answer(app):
    project_drf.done.clear()
    assert (await ask(app, "/new/later/")).json() == {"ok": True}
    assert project_drf.done == ["later"]


async def test_a_socket_is_opened(app):
    messages = await open_socket(app, "/new/socket/")
    assert [message.get("text") for message in messages][:2] == [None, "open"]


async def test_without_the_gateway_the_application_answers_with_json():
    found = await ask(project_drf.app, "/new/report/")
    assert (found.status, found["content-type"]) == (200, "application/json")
    assert found.json()[0]["lasts"] == "1 02:00:00"


def _wrong(found, variant):
    return found.json()["errors"] if variant == "own" else found.json()


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        ("numbers/", [1, "2"], [1, 2]),
        ("odd/", {"colour": "blue", "either": ["a"], "many": {"a": "1.5"}, "from": "x"}, None),
        ("odd/", {"inner": {"above": 2}}, {"inner": {"above": 2}}),
        ("optional/", None, True),
        ("optional/", {"width": 1}, False),
        ("two/", {"box": {"width": "3"}, "number": "4"}, [3, 4]),
    ],
)
async def test_every_kind_of_body_is_read(app, path, body, answer):
    content = b"" if body is None else json.dumps(body).encode()
    found = await ask(app, f"/new/{path}", "POST", body=content, headers=JSON | {"Content-Length": str(len(content))})
    assert found.status == 200
    if answer is not None:
        assert found.json() == answer


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("numbers/", [1, 10], {"1": ["Ensure this value is less than or equal to 9."]}),
        ("numbers/", {}, {"all": ['Expected a list of items but got type "dict".']}),
        ("odd/", {"colour": "green"}, {"colour": ['"green" is not a valid choice.']}),
        ("odd/", {"rank": "high"}, {"rank": ["Not so high."]}),
        ("odd/", {"above": 0}, {"above": ["Input should be greater than 0"]}),
        ("odd/", {"many": {"a": "x"}}, {"many": {"a": ["A valid number is required."]}}),
        ("odd/", {"inner": {"above": "x"}}, {"inner": {"above": ["A valid integer is required."]}}),
        ("two/", {"box": {}}, {"box": {"width": ["This field is required."]}, "number": ["This field is required."]}),
    ],
)
async def test_what_is_wrong_with_any_kind_of_body_has_drfs_form(app, variant, path, body, wrong):
    content = json.dumps(body).encode()
    found = await ask(app, f"/new/{path}", "POST", body=content, headers=JSON | {"Content-Length": str(len(content))})
    if wrong.keys() == {"all"}:
        wrong = wrong["all"]
    assert (found.status, _wrong(found, variant)) == (400, wrong)


async def test_form_parameters_are_fastapis(app, variant):
    headers = FORM | {"Content-Length": "8"}
    found = await ask(app, "/new/form/", "POST", body=b"number=3", headers=headers)
    assert (found.status, found.body) == ((415, found.body) if variant == "own" else (200, b"3"))


async def test_an_endpoint_can_read_the_bytes_for_itself(app):
    found = await ask(
        app, "/new/raw/", "POST", body=b"a,b", headers={"Content-Type": "text/csv", "Content-Length": "3"}
    )
    assert found.json() == ["text/csv", "a,b"]


# -- who may call --------------------------------------------------------------------------------


@pytest.fixture
def closed(project, variant, monkeypatch):
    monkeypatch.setattr(APIView, "permission_classes", [IsAuthenticated])


async def test_an_endpoint_nobody_annotated_is_protected(closed, app, variant):
    old, new = await both(app, "plain/")
    assert (new, new[0]) == (old, 401 if variant == "own" else 403)


async def test_fastapis_documentation_stays_its_own(closed, gateway):
    services = {"moved": {"app": "tests.project.drf:app", "answers": "drf"}}
    routes = [{"name": "new", "prefix": "/openapi.json", "service": "moved"}]
    async with running(gateway(services=services, routes=routes)) as app:
        found = await ask(app, "/openapi.json")
    assert (found.status, found.json()["openapi"][0], found["allow"]) == (200, "3", None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("token", [None, "a" * 32])
async def test_a_session_needs_a_csrf_token(closed, app, token):
    cookies = f"sessionid={await sync_to_async(_session, thread_sensitive=False)()}"
    headers = {"Cookie": cookies, **JSON}
    if token is not None:
        headers |= {"Cookie": f"{cookies}; csrftoken={token}", "X-CSRFToken": token}
    body = json.dumps(GOOD).encode()
    old, new = await both(app, "items/", "POST", body=body, headers=headers)
    assert (new, new[0]) == (old, 403 if token is None else 201)
    assert (b"CSRF Failed" in new[1]) == (token is None)


@pytest.mark.django_db(transaction=True)
async def test_the_user_is_the_same_for_everybody(app):
    cookies = f"sessionid={await sync_to_async(_session, thread_sensitive=False)()}; csrftoken={'a' * 32}"
    found = await ask(app, "/new/who/", "POST", headers={"Cookie": cookies, "X-CSRFToken": "a" * 32})
    assert (found.status, found.json()) == (200, ["ada", "ada"])
    assert (await ask(app, "/new/who/", "POST", headers={"Cookie": cookies})).status == 403


def _session():
    client = Client()
    client.force_login(User.objects.create_user("ada", "ada@example.com", "ada"))
    connections.close_all()  # the thread ends with the event loop, and does not close them
    return client.cookies["sessionid"].value


# -- transactions --------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("how", "kept"), [("raises", 0), ("returns", 1)])
async def test_what_is_raised_is_rolled_back_and_what_is_returned_is_kept(variant, gateway, monkeypatch, how, kept):
    if variant != "defaults":
        return
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    services = {"moved": {"app": "tests.project.drf:accounts", "answers": "drf"}}
    routes = [{"name": "new", "prefix": "/new", "service": "moved", "claim": "all"}]
    async with running(gateway(services=services, routes=routes)) as app:
        counts = []
        for side in ("old", "new"):
            assert (await ask(app, f"/{side}/accounts/{how}/", "POST")).status == 400
            counts.append(await User.objects.filter(username=how).acount())
            await User.objects.filter(username=how).adelete()
    await sync_to_async(connections.close_all)()  # on asgiref's own thread, which other tests use too
    assert counts == [kept, kept]


# -- what is refused before anything is served ---------------------------------------------------


def test_a_body_that_no_serializer_can_read_is_refused(gateway):
    services = {"unread": {"app": "tests.project.drf:unread", "answers": "drf"}}
    with pytest.raises(ConfigError, match=r"POST /new/unread/: its body has no serializer: name 'Nowhere'"):
        gateway(services=services)


@pytest.mark.parametrize(("answers", "kind"), [("drf", "DRFRoute"), ("django", "DjangoRoute")])
def test_a_plain_route_could_not_answer_so(gateway, answers, kind):
    services = {"b": {"app": "tests.project.bridged:app", "answers": answers}}
    with pytest.raises(
        ConfigError, match=rf"GET /b/plain/: is a plain APIRoute; write APIRouter\(route_class={kind}\)"
    ):
        gateway(services=services)


def test_without_drf_the_style_is_a_problem(gateway, monkeypatch):
    monkeypatch.setitem(sys.modules, "gateway.bridge.drf.dispatching_view", None)
    services = {"moved": {"app": "tests.project.drf:app", "answers": "drf"}}
    with pytest.raises(ConfigError, match=r"services\.moved\.answers = 'drf': Django REST framework: pip install"):
        gateway(services=services)


# -- the document --------------------------------------------------------------------------------


def test_the_document_says_400_and_not_422():
    document = project_drf.app.openapi()
    answers = document["paths"]["/new/items/"]["post"]["responses"]
    assert answers.keys() == {"201", "400", "default"}
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_the_document_describes_the_fields():
    fields = project_drf.app.openapi()["components"]["schemas"]["Item"]["properties"]
    assert fields["price"] == {"type": "string", "format": "decimal", "title": "Price"}
    assert (fields["name"]["type"], fields["name"]["maxLength"]) == ("string", 12)
    assert fields["kind"]["enum"] == ["a", "b"]


# -- anything at all -----------------------------------------------------------------------------

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**8), 10**8),
    st.floats(),
    st.text(max_size=14),
    st.sampled_from(
        ["1.50", "1e3", "NaN", "true", "null", "P1D", "1 02:00", "2026-01-01T00:00Z", "12345.6", "a", "x\0"]
    ),
)
KEYS = st.sampled_from(["width", "label"])
INNER = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(KEYS, SCALARS)
VALUES = SCALARS | st.lists(INNER, max_size=3) | st.dictionaries(KEYS, INNER)
FIELDS = ("name", "price", "count", "when", "lasts", "active", "kind", "tags", "box", "boxes")
OBJECTS = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=5)
NEARLY = OBJECTS.map(lambda more: GOOD | dict(list(more.items())[:2]))
BODIES = st.one_of(
    NEARLY.map(lambda value: json.dumps(value).encode()),
    st.one_of(OBJECTS, VALUES).map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=8)).map(lambda form: urlencode(GOOD | form).encode()),
    st.binary(max_size=20),
)
KINDS = st.sampled_from(
    ["application/json", "application/json", "application/json; charset=utf-8", FORM["Content-Type"], "text/plain", ""]
)
ACCEPTS = st.sampled_from(["", "*/*", "application/json", "application/json; indent=2", "text/html", "application/xml"])
METHODS = st.sampled_from(["POST", "POST", "POST", "POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"])


@settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@pytest.mark.slow
@given(method=METHODS, body=BODIES, kind=KINDS, accept=ACCEPTS, language=st.sampled_from(["en", "de", "el"]))
async def test_any_request_has_the_same_answer(app, method, body, kind, accept, language):
    headers = {"Content-Type": kind, "Accept": accept, "Accept-Language": language}
    headers = {name: value for name, value in headers.items() if value}
    old, new = await both(app, "items/", method, body=body, headers=headers)
    if accept == "text/html":  # the browsable API shows the URL, and may have a form for each
        old, new = ((status, b"", {**more, "content-length": ""}) for status, _, more in (old, new))
    assert new == old


# -- the manual ----------------------------------------------------------------------------------


@pytest.fixture
def manual(project, gateway, monkeypatch):
    """The view of docs/drf.md at /old/, and what becomes of it."""
    names = {name: getattr(project_drf, name) for name in ("Annotated", "APIRouter", "APIView", "BaseModel", "Depends")}
    names |= {name: getattr(project_drf, name) for name in ("Decimal", "datetime", "serializers", "IsAuthenticated")}
    module = types.ModuleType("tests.project.manual")
    placed = []
    names |= {"Response": project_drf.DRFResponse, "place": lambda user, **order: placed.append((user, order))}
    vars(module).update(names)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    text = (Path(__file__).parents[2] / "docs" / "drf.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    for code in (one for one in blocks if "class Orders(APIView)" in one or "def place_order" in one):
        exec(compile(code, "docs/drf.md", "exec", dont_inherit=True), vars(module))  # noqa: S102 - it is our own
    module.app = FastAPI()
    module.app.include_router(module.router)
    module.urlpatterns = [path("old/", module.Orders.as_view())]
    project.ROOT_URLCONF = "tests.project.manual"
    project.REST_FRAMEWORK = {}
    monkeypatch.setattr(APIView, "throttle_classes", [])
    services = {"manual": {"app": "tests.project.manual:app", "answers": "drf"}}
    return gateway(services=services, routes=[{"name": "m", "prefix": "/api", "service": "manual"}]), placed


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("body", [{"name": " a ", "price": "1.5"}, {"due": None}, {"due": "2026-01-01"}, []])
async def test_the_example_of_the_manual_answers_like_its_view(manual, body):
    gateway, placed = manual
    cookies = f"sessionid={await sync_to_async(_session, thread_sensitive=False)()}; csrftoken={'a' * 32}"
    content = json.dumps(body).encode()
    headers = {"Cookie": cookies, "X-CSRFToken": "a" * 32, "Content-Length": str(len(content)), **JSON}
    async with running(gateway) as app:
        old = await ask(app, "/old/", "POST", body=content, headers=headers)
        new = await ask(app, "/api/orders/", "POST", body=content, headers=headers)
        assert (await ask(app, "/api/orders/", "POST", body=content)).status == 403
    assert (new.status, new.body) == (old.status, old.body)
    assert [order for _, order in placed] == [{"name": "a", "price": Decimal("1.50")}] * 2 * (old.status == 201)
