"""What a caller sent is read by the field of DRF that stands for it, wherever that stands."""

from __future__ import annotations

import json

import pytest

from gateway.config.problems import ConfigError
from tests.support.asgi import ask, running

pytestmark = pytest.mark.anyio

LONG = "Ensure this field has no more than 3 characters."
BIG = "Ensure this value is less than or equal to 9."
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


def table(app):
    return {
        "services": {"r": {"app": f"tests.project.read:{app}", "answers": "drf"}},
        "routes": [{"name": "r", "prefix": "/r", "service": "r"}],
    }


@pytest.fixture
async def app(gateway, project):
    project.REST_FRAMEWORK = {}
    project.ROOT_URLCONF = "tests.project.moved"
    async with running(gateway(**table("app"))) as app:
        yield app


async def get(app, target, **headers):
    return await ask(app, f"/r/{target}", headers=headers)


async def post(app, target, body, headers=JSON):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await ask(app, f"/r/{target}", "POST", body=content, headers=headers | {"Content-Length": str(len(content))})


@pytest.mark.parametrize(
    ("target", "headers", "words"),
    [
        ("header/", {"H": "toolong"}, LONG),
        ("headers/", {"H": "toolong"}, LONG),
        ("dependency/", {"H": "toolong"}, LONG),
        ("cookie/", {"Cookie": "c=toolong"}, LONG),
        ("query/?q=toolong", {}, LONG),
        ("query/?q=ok&few=1&few=2&few=3", {}, "no more than 2 elements"),
        ("model/?text=toolong", {}, LONG),
    ],
)
async def test_a_parameter_is_read_by_its_field(app, target, headers, words):
    answer = await get(app, target, **headers)
    assert (answer.status, words in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("target", "headers", "found"),
    [
        ("header/", {"H": " ok "}, "ok"),
        ("headers/", {"H": "ok"}, ["ok"]),
        ("dependency/", {"H": "ok"}, "ok"),
        ("cookie/", {"Cookie": "c=ok"}, "ok"),
        ("query/?q=7", {}, [7, None]),
        ("query/?q=77", {}, ["77", None]),
        ("query/?q=ok&few=1&few=2", {}, ["ok", ["1", "2"]]),
        ("model/?text=ok", {}, {"text": "ok"}),
        ("path/7/ok/", {}, [7, "ok"]),
        ("default/", {}, "longer than that"),
    ],
)
async def test_and_what_it_gives_is_handed_on(app, target, headers, found):
    assert (await get(app, target, **headers)).json() == found


@pytest.mark.parametrize("target", ["path/10/ok/", "path/7/toolong/"])
async def test_a_parameter_of_the_path_that_its_field_refuses_is_no_path(app, target):
    assert (await get(app, target)).status == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"text=toolong&few=a", 400),
        (b"text=ok&few=toolong", 400),
        (b"text=ok&few=a&few=b", 200),
    ],
)
async def test_a_form_is_read_by_its_fields(app, body, status):
    assert (await post(app, "form/", body, FORM)).status == status


@pytest.mark.parametrize(("body", "status"), [(b"text=toolong", 400), (b"text=ok", 200)])
async def test_a_forms_model_is_read_by_its_fields(app, body, status):
    assert (await post(app, "form-model/", body, FORM)).status == status


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"text": "toolong"}, LONG),
        ({"union": "toolong"}, LONG),
        ({"union": 10000}, LONG),
        ({"unions": [10]}, BIG),
        ({"unions": ["c"]}, "not a valid choice"),
        ({"kind": "c"}, "not a valid choice"),
        ({"mail": "no"}, "valid email"),
        ({"mail": 10}, BIG),
        ({"few": ["a", "b", "c"]}, "no more than 2 elements"),
        ({"by_name": {"a": "toolong"}}, LONG),
        ({"names": {"toolong": 1}}, LONG),
        ({"pair": ["toolong", 1]}, LONG),
        ({"pair": ["ok", 10]}, BIG),
        ({"inner": {"text": "ok", "inner": {"text": "toolong"}}}, LONG),
        ({"inner": {"text": "ok", "more": [{"text": "ok", "more": [{"text": "toolong"}]}]}}, LONG),
        ({"either": {"text": "toolong"}}, LONG),
        ({"several": ["toolong"]}, LONG),
    ],
    ids=json.dumps,
)
async def test_a_body_is_read_by_its_fields(app, body, words):
    answer = await post(app, "body/", body)
    assert (answer.status, words in answer.text) == (400, True)


@pytest.mark.parametrize(
    "body",
    [
        {"union": 7},
        {"union": "ok"},
        {"unions": [7, "a"]},
        {"mail": "a@example.com"},
        {"few": ["a", "b"]},
        {"by_name": {"a": "ok", "b": "7"}},
        {"names": {"ok": 1}},
        {"pair": ["ok", 7]},
        {"inner": {"text": "ok", "inner": {"text": "ok"}, "more": [{"text": "ok"}]}},
        {"either": {"text": "ok"}},
        {"several": ["ok"]},
    ],
    ids=json.dumps,
)
async def test_and_what_they_give_is_in_the_model(app, body):
    answer = await post(app, "body/", body)
    assert (answer.status, answer.json()) == (200, body)


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("one/", "toolong"),
        ("several/", {"text": "toolong", "number": 1}),
        ("several/", {"text": "ok", "number": 12345}),
        ("list/", ["toolong"]),
        ("root/", ["toolong"]),
        ("data/", {"text": "toolong"}),
    ],
)
async def test_a_body_that_is_no_model_is_read_too(app, target, body):
    answer = await post(app, target, body)
    assert (answer.status, LONG in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("target", "body", "found"),
    [("one/", "ok", "ok"), ("several/", {"text": "ok", "number": 7}, ["ok", 7]), ("list/", [7, "ok"], [7, "ok"])],
)
async def test_and_handed_on(app, target, body, found):
    assert (await post(app, target, body)).json() == found


LAZY = [
    f"{place}[…] is only read while the endpoint goes through it; write list[…]"
    for place in (
        "words: what is in Iterable",
        "words_once: what is in Generator",
        "model: what is in Iterable",
        "numbers: what is in Iterable",
    )
]


@pytest.mark.parametrize(
    ("service", "answers", "words"),
    [
        ("unreadable", "drf", ["file: in Form() and File()", "q: what Pydantic reads out of Json", *LAZY]),
        ("outside", "plain", ["parameter body of /r/plain/", "parameter q of /r/socket/"]),
    ],
)
def test_what_no_field_can_read_is_refused_at_start(gateway, service, answers, words):
    tables = table(service)
    tables["services"]["r"]["answers"] = answers
    with pytest.raises(ConfigError) as raised:
        gateway(**tables)
    assert [text for text in words if text not in str(raised.value)] == []


# -- language ------------------------------------------------------------------------------------

LANGUAGES = {
    "en": LONG,
    "de": "Stelle sicher, dass dieses Feld nicht mehr als 3 Zeichen lang ist.",
    "fr": "Assurez-vous que ce champ comporte au plus 3\N{NO-BREAK SPACE}caractères.",
}


@pytest.mark.parametrize("first", LANGUAGES)
@pytest.mark.parametrize("target", ["header/", "query/?q=toolong", "model/?text=toolong", "body/"])
async def test_each_caller_is_answered_in_its_own_language(app, project, first, target):
    project.LANGUAGES = [(code, code) for code in LANGUAGES]
    for language in (first, *LANGUAGES):
        headers = {"Accept-Language": language, "H": "toolong"}
        if target == "body/":
            answer = await post(app, target, {"union": "toolong"}, JSON | headers)
        else:
            answer = await get(app, target, **headers)
        assert LANGUAGES[language] in json.dumps(answer.json(), ensure_ascii=False)


async def test_the_messages_of_a_union_stand_under_its_field(app):
    answer = await post(app, "body/", {"union": "toolong"})
    assert answer.json() == {"union": ["A valid integer is required.", LONG]}


@pytest.mark.parametrize("first", ["en", "de"])
async def test_the_openapi_document_is_in_the_language_of_whoever_asks(app, project, first):
    project.LANGUAGES = [("en", "en"), ("de", "de")]
    for language in (first, "en", "de"):
        found = await get(app, "openapi.json", **{"Accept-Language": language})
        parameter = found.json()["paths"]["/r/default/"]["get"]["parameters"][0]
        assert parameter["schema"]["description"] == {"en": "Yes", "de": "Ja"}[language]


@pytest.mark.parametrize(
    ("target", "body", "words"),
    [
        ("typed/", {"text": "toolong"}, LONG),
        ("open/", {"new": "toolong"}, LONG),
        ("open/", {"inner": {"new": "toolong"}}, LONG),
        ("closed/", {"text": "a", "new": 1}, "Extra inputs are not permitted"),
    ],
)
async def test_what_no_model_declares_by_name_is_read_too(app, target, body, words):
    answer = await post(app, target, body)
    assert (answer.status, words in answer.text) == (400, True)


@pytest.mark.parametrize("body", [{"new": "abc"}, {"inner": {"new": "abc"}}, {}])
async def test_what_a_model_allows_beside_its_fields_is_handed_on(app, body):
    assert (await post(app, "open/", body)).json() == body
