"""`gateway check`."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.config.files import load
from gateway.control import reports
from gateway.control.models import AcceptedMatch
from tests.cli.test_status import NOTHING, QUIET

pytestmark = pytest.mark.long

BROKEN = """
[legacy]
settings = "legacy.settings"
threads = 0

[services.gone]
app = "tests.cli.nowhere:app"
middleware = "none"

[[routes]]
name = "lost"
prefix = "/api"
service = "unknown"
stagee = "live"

[[routes]]
name = "elsewhere"
prefix = "/api"
service = "unknown"
"""


def test_says_that_the_configuration_holds(invoke, catalog):
    result = invoke("check")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{catalog} holds.\n")


@pytest.mark.parametrize(
    "line",
    [
        "legacy      Django, legacy.settings, 4 threads",
        "services    catalog: tests.cli.services:catalog, 3 endpoints",
        "            pricing: http://127.0.0.1:9, can't be asked for its endpoints",
        "routes      price: path /api/prices/{sku}, every method → pricing, everything, legacy",
        "            catalog: prefix /api, GET WEBSOCKET → catalog, 3 endpoints, live",
    ],
)
def test_sums_up_what_it_found(invoke, catalog, line):
    assert line in invoke("check").stdout.splitlines()


@pytest.mark.parametrize(
    "note",
    [
        "static files are served at /static/",
        "1 asynchronous view runs on Django's own ASGI handler, all others on threads",
        "the project's MIDDLEWARE does not run around catalog: no sessions, no CSRF, no users",
        "Django answers what price would claim: stage legacy",
    ],
)
def test_notes_what_is_worth_knowing(invoke, catalog, note):
    assert note in json.loads(invoke("check", "--json").stdout)["notes"]


@pytest.fixture
def with_notes(catalog, settings):
    """A service inside a middleware that keeps the request on its thread."""
    settings.MIDDLEWARE = ["tests.project.notes.in_the_context", "tests.project.notes.taken_back"]
    catalog.write_text(catalog.read_text().replace('middleware = "none"', "# of the default"))
    return catalog


@pytest.mark.django_db(transaction=True)
def test_names_middleware_that_leaves_something_on_its_thread(invoke, with_notes):
    lines = invoke("check").stdout.splitlines()
    assert "middleware  catalog: applied tests.project.notes.in_the_context" in lines
    assert (
        "            catalog: half applied tests.project.notes.taken_back (it leaves a threading.local of "
        "tests.project.notes for the view, on another thread than the service: write one_thread = true in "
        "[services.catalog])"
    ) in lines


@pytest.mark.django_db(transaction=True)
def test_says_nothing_of_it_with_one_thread(invoke, with_notes):
    with_notes.write_text(with_notes.read_text().replace("# of the default", "one_thread = true"))
    report = json.loads(invoke("check", "--json").stdout)
    assert [entry["needs"] for entry in report["middleware"]["catalog"]] == [None, None]


def test_notes_a_service_without_route(invoke, here):
    text = '[legacy]\nsettings = "legacy.settings"\n[services.idle]\nurl = "http://127.0.0.1:9"\n'
    (here / "gateway.toml").write_text(text)
    assert "no route uses idle" in invoke("check").stdout


def test_notes_that_static_files_are_off(invoke, here):
    (here / "gateway.toml").write_text('[legacy]\nsettings = "legacy.settings"\nstatic = false\n')
    assert "static files are not served: [legacy] static = false" in invoke("check").stdout


def test_notes_a_project_that_answers_no_host(invoke, catalog, settings):
    settings.DEBUG, settings.ALLOWED_HOSTS = False, []
    result = invoke("check")
    assert "every request will be answered 400" in result.stdout, result.stderr


@pytest.mark.parametrize(
    ("text", "stage"), [("stage = 'canary'\nweight = 10", "canary 10 %"), ("stage = 'retired'", "retired")]
)
def test_a_route_has_its_stage(invoke, catalog, text, stage):
    catalog.write_text(catalog.read_text().replace('stage = "legacy"', text))
    assert f"            price: path /api/prices/{{sku}}, every method → pricing, everything, {stage}" in (
        invoke("check").stdout.replace("routes      price", "            price").splitlines()
    )


def test_notes_that_legacy_has_no_answer_where_it_has_no_such_path(invoke, catalog):
    catalog.write_text(catalog.read_text().replace('stage = "legacy"', 'stage = "live"'))
    note = "the project has no path of price, and so no answer there when the service fails"
    assert note in json.loads(invoke("check", "--json").stdout)["notes"]


def test_notes_which_paths_legacy_does_not_have(invoke, rollout):
    path = rollout()
    path.write_text(path.read_text().replace("services:catalog", "services:mixed"))
    note = "route 'catalog': the project has no /api/news/, and so no answer there when catalog fails"
    assert note in json.loads(invoke("check", "--json").stdout)["notes"]


@pytest.mark.parametrize("more", ["stage = 'shadow'", "stage = 'retired'", "fallback = false"])
def test_notes_nothing_of_the_kind_where_legacy_never_answers_for_the_service(invoke, catalog, more):
    catalog.write_text(catalog.read_text().replace('stage = "legacy"', more))
    assert "no answer there" not in invoke("check").stdout


@pytest.mark.parametrize(
    ("common", "key", "instead"),
    [
        ("", "user", "the Authorization header, else by the client's address"),
        ('cookie = "gateway"', "user", "the Authorization header, else by the gateway's cookie"),
        ("", "session", "the client's address"),
    ],
)
def test_notes_a_canary_by_user_without_sessions(invoke, rollout, settings, common, key, instead):
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
    rollout(f'key = "{key}"', common=common)
    note = f"route 'catalog': the project's MIDDLEWARE has no sessions, so callers are told apart by {instead}"
    assert note in json.loads(invoke("check", "--json").stdout)["notes"]


def test_a_canary_by_user_with_sessions_is_no_note(invoke, rollout):
    rollout()
    assert "has no sessions" not in invoke("check").stdout


ACCEPTED = """
[[routes.compare.accepted]]
path = "/price"
reason = "clients read both"
owner = "ada"
expires = %s
"""


def test_an_accepted_difference_that_has_expired_is_a_problem(invoke, rollout):
    rollout(ACCEPTED % "2026-01-31")
    result = invoke("check")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "routes[catalog].compare.accepted = '/price'" in result.stderr
    assert "ada accepted it until 2026-01-31" in result.stderr


def test_an_accepted_difference_that_has_expired_is_told_beside_other_problems(invoke, rollout):
    rollout(ACCEPTED % "2026-01-31" + "\n[routes.guard]\nwindows = 5\n")
    said = invoke("check").stderr
    assert (
        "ada accepted it until 2026-01-31" in said,
        "guard.windows = 5: unknown key" in said,
        "2 problems" in said,
    ) == (True, True, True)


def test_an_accepted_difference_holds_until_its_last_day_is_over(invoke, rollout):
    rollout(ACCEPTED % datetime.now(UTC).date())
    assert invoke("check").exit_code == 0


@pytest.fixture
def compared(monkeypatch):
    """So many comparisons in the last hour."""

    def report(count: int) -> None:
        hour = replace(NOTHING, mirrors=replace(NOTHING.mirrors, compared=count))
        monkeypatch.setattr(reports, "status", lambda routes, now: [replace(QUIET, hour=hour) for _ in routes])

    return report


def test_an_accepted_difference_that_never_occurs_is_a_problem(invoke, rollout, compared):
    rollout(ACCEPTED % "2099-12-31")
    compared(1000)
    result = invoke("check")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "routes[catalog].compare.accepted = '/price': a difference that occurs: this one never did" in result.stderr


def test_one_that_has_occurred_is_none(invoke, rollout, compared):
    (accepted,) = load(rollout(ACCEPTED % "2099-12-31")).routes[0].compare.accepted
    AcceptedMatch.objects.create(route="catalog", key=accepted.compiled().key, count=1, last_seen=datetime.now(UTC))
    compared(1000)
    assert invoke("check").exit_code == 0


def test_nor_is_one_where_too_little_was_compared_to_tell(invoke, rollout, compared):
    rollout(ACCEPTED % "2099-12-31")
    compared(49)
    assert invoke("check").exit_code == 0


@pytest.mark.server
def test_steps_by_themselves_need_a_place_to_be_kept(gateway, project):
    service = '[services.s]\nurl = "http://127.0.0.1:9"\n'
    route = '[[routes]]\nname = "r"\npath = "/"\nservice = "s"\nclaim = "all"\nstage = "canary"\n'
    (project / "gateway.toml").write_text(f'[legacy]\nsettings = "mysite.settings"\n{service}{route}')
    assert "nothing rolls r back by itself" in gateway("check").stdout
    (project / "gateway.toml").write_text((project / "gateway.toml").read_text() + "interval = 60.0\n")
    result = gateway("check")
    assert (result.returncode, result.stdout) == (3, "")
    assert 'routes[r].interval = 60.0: none, or "gateway.control" in INSTALLED_APPS' in result.stderr


def test_json_has_the_whole_configuration(invoke, catalog):
    report = json.loads(invoke("check", "--json").stdout)
    assert list(report) == [
        *("version", "command", "at", "ok", "config", "problems", "legacy", "services"),
        *("middleware", "routes", "stages", "retired", "baseline", "notes"),
    ]
    assert (report["ok"], report["config"], report["problems"]) == (True, str(catalog), [])
    lines = {"threads": 4, "reserve": 2, "queue": 1000, "queue_timeout_seconds": 30.0}
    assert report["legacy"] == {"settings": "legacy.settings", "asgi": None, "wsgi": None} | lines
    assert report["services"][1] == {
        "service": "pricing",
        "app": None,
        "url": "http://127.0.0.1:9",
        "middleware": None,
        "endpoints": None,
    }


def test_reports_every_problem_at_once(invoke, here):
    (here / "gateway.toml").write_text(BROKEN)
    result = invoke("check")
    assert (result.exit_code, result.stdout) == (3, "")
    lines = [line for line in result.stderr.splitlines() if line.startswith("  - ")]
    assert [line.split(" = ")[0].split(": ")[0] for line in lines] == [
        "  - legacy.threads",
        "  - routes[lost].stagee",
        "  - routes[lost].service",
        "  - routes[elsewhere].service",
        "  - services.gone.app",
    ]


def test_a_problem_has_key_value_and_expectation(invoke, here):
    (here / "gateway.toml").write_text(BROKEN)
    result = invoke("check", "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["ok"]) == (3, False)
    assert {
        "key": "services.gone.app",
        "value": "tests.cli.nowhere:app",
        "expected": "an importable ASGI application: there is no module 'tests.cli.nowhere'",
    } in report["problems"]


def test_json_of_values_that_json_does_not_have(invoke, here):
    (here / "gateway.toml").write_text("[legacy]\nsettings = 2026-01-01\n")
    assert json.loads(invoke("check", "--json").stdout)["problems"][0]["value"] == "2026-01-01"


def test_what_the_project_prints_stays_out_of_the_json(invoke, here, monkeypatch):
    (here / "chatty_service.py").write_text("print('hello')\nfrom tests.cli.services import catalog\n")
    service = '[services.chatty]\napp = "chatty_service:catalog"\nmiddleware = "none"\n'
    (here / "gateway.toml").write_text('[legacy]\nsettings = "legacy.settings"\n' + service)
    result = invoke("check", "--json")
    assert json.loads(result.stdout)["ok"]
    assert "hello" in result.stderr


@pytest.mark.server
def test_a_wsgi_application(gateway, project):
    (project / "gateway.toml").write_text('[legacy]\nwsgi = "plain:app"\n')
    (project / "plain.py").write_text("def app(environ, start_response): ...\n")
    assert "legacy      plain:app, 40 threads" in gateway("check").stdout


@pytest.mark.server
def test_settings_that_do_not_load_are_no_traceback(gateway, project):
    (project / "gateway.toml").write_text('[legacy]\nsettings = "mysite.settings"\n')
    (project / "mysite" / "settings.py").write_text("1 / 0\n")
    result = gateway("check")
    assert result.returncode == 3
    assert "a project that can be set up: ZeroDivisionError: division by zero" in result.stderr
    assert "Traceback" not in result.stderr


# -- the API document ---------------------------------------------------------------------------


def notes_with(invoke, catalog, line: str) -> list[str]:
    catalog.write_text(f"[gateway]\n{line}\n{catalog.read_text()}")
    return json.loads(invoke("check", "--json").stdout)["notes"]


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("", "the API document is at /openapi.json, /docs, /redoc, for staff"),
        ('docs = "public"\nredoc_path = false', "the API document is at /openapi.json, /docs, for everybody"),
        (
            'docs_path = "/products"',
            "no API document at /products: the project has that path; [gateway] can name another path",
        ),
        (
            'docs_path = "/api/products/"',
            "no API document at /api/products/: route 'catalog' has that path; [gateway] can name another path",
        ),
    ],
)
def test_notes_where_the_api_document_is_and_who_has_its_path(invoke, catalog, line, note):
    assert note in notes_with(invoke, catalog, line)


def test_notes_nothing_of_an_api_document_that_is_turned_off(invoke, catalog):
    assert not any("API document" in note for note in notes_with(invoke, catalog, "docs = false"))


def test_notes_that_the_pages_lack_their_assets(invoke, catalog, monkeypatch):
    monkeypatch.setattr("gateway.workbench.pages.asset", lambda _: None)
    note = 'the pages of the API document need Swagger UI and Redoc: pip install "django-fastapi-gateway[docs]"'
    assert note in notes_with(invoke, catalog, "")


def test_notes_that_another_method_s_route_has_the_path_of_a_page(invoke, rollout):
    path = rollout()
    text = path.read_text().replace("services:catalog", "services:writing")
    path.write_text(f'[gateway]\ndocs_path = "/api/cart/items/"\n{text}')
    note = "no API document at /api/cart/items/: a route has that path; [gateway] can name another path"
    assert note in json.loads(invoke("check", "--json").stdout)["notes"]


@pytest.mark.django_db(transaction=True)
def test_names_middleware_that_no_request_reaches(invoke, with_notes, settings):
    settings.MIDDLEWARE = ["tests.project.notes.answering", "tests.project.notes.taken_back"]
    report = json.loads(invoke("check", "--json").stdout)
    why = "not tried: what comes before it answers by itself"
    assert [entry["why"] for entry in report["middleware"]["catalog"]] == [why, why]


def test_notes_that_static_files_are_elsewhere(invoke, catalog, settings):
    settings.STATIC_URL = "https://cdn.example.com/static/"
    assert "static files are served by the project's own middleware, or elsewhere" in invoke("check").stdout


def test_notes_a_variable_that_only_a_web_server_sets(invoke, catalog, settings):
    settings.ASGI_APPLICATION = None
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.RemoteUserMiddleware"]
    found = json.loads(invoke("check", "--json").stdout)["notes"]
    (note,) = [note for note in found if "META" in note]
    assert 'reads META["REMOTE_USER"], which no proxy can set, so nobody is logged in by it' in note


def test_notes_that_an_asgi_application_gets_what_django_answers(invoke, here):
    (here / "gateway.toml").write_text('[legacy]\nsettings = "legacy.settings"\nasgi = "legacy.asgi:application"\n')
    note = "legacy.asgi:application gets every request that Django answers, WebSockets included"
    assert note in json.loads(invoke("check", "--json").stdout)["notes"]
