"""Every text of the pages can be translated, and is there in the demo's second language; times are the user's."""

import ast
import gettext
import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone, translation
from django.utils.translation.template import templatize

import gateway.control
from gateway.admin.project import project
from gateway.control.templatetags.gateway_admin import day, duration, moment, percent, quoted, short, translated
from gateway.control.transitions import pause
from gateway.rollout.stage import State
from gateway.wording import joined, message, plural_message
from tests.admin.conftest import counted, difference, serving

CONTROL = Path(gateway.control.__file__).parent
ADMIN = CONTROL.parent / "admin"
FUNCTIONS = {"_": 1, "gettext": 1, "gettext_lazy": 1, "ngettext": 2}
MARKERS = {"message": 1, "plural_message": 2}  # of gateway/wording.py
URL = "/admin/gateway_control/route/"


def in_python(text: str, functions: dict[str, int]) -> Iterator[tuple[str, ...]]:
    """The messages of a module: the first arguments of `functions`, which must be literals."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
            yield tuple(ast.literal_eval(argument) for argument in node.args[: functions[node.func.id]])


def in_template(text: str) -> Iterator[tuple[str, ...]]:
    """The messages of a template, from what Django makes of it for xgettext."""
    made = templatize(text)
    string = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    for call in re.finditer(rf"\b(_|gettext|ngettext)\({string}(?:,\s*{string})?", made):
        yield tuple(ast.literal_eval(part) for part in call.groups()[1:] if part is not None)


def messages() -> set[tuple[str, ...]]:
    modules = [found for path in ADMIN.glob("*.py") for found in in_python(path.read_text(), FUNCTIONS)]
    templates = [found for path in CONTROL.glob("templates/**/*.html") for found in in_template(path.read_text())]
    return {*modules, *templates, *marked()}


def marked() -> set[tuple[str, ...]]:
    """The messages of all other modules, which don't know Django's translations."""
    texts = [path.read_text() for path in CONTROL.parent.rglob("*.py")]
    return {found for text in texts if "message(" in text for found in in_python(text, MARKERS)}


@pytest.fixture(scope="module")
def greek() -> gettext.GNUTranslations:
    with (CONTROL / "locale/el/LC_MESSAGES/django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def letters(template: str) -> str:
    """What is to be translated of a template: all but its fields, units and code."""
    return re.sub(r"{.*?}|`.*?`|\bm?s\b|\W", "", template)


def test_every_message_is_in_greek(greek):
    found = messages()
    assert len(found) > 250
    untranslated = {
        one
        for one in found
        if letters(one[0]) and greek.gettext(one[0]) == one[0] and greek.ngettext(one[0], one[-1], 2) == one[-1]
    }
    assert untranslated == set()


def fields(template: str) -> set[tuple[str | None, str | None]]:
    return {(name, spec) for _, name, spec, _ in Formatter().parse(template) if name is not None}


def test_a_message_in_greek_has_the_same_values(greek):
    """A name that isn't there would be an error of the page."""
    wrong = {
        one
        for one in marked()
        for number in (1, 2)
        if fields(greek.ngettext(one[0], one[-1], number)) != fields(one[0]) or fields(one[0]) != fields(one[-1])
    }
    assert wrong == set()


@pytest.mark.django_db
def test_a_page_is_in_the_users_language(admin_client, toml):
    page = admin_client.get(URL, headers={"Accept-Language": "el"}).content.decode()
    assert "Περιμένουν κάποιον" in page
    assert "Waits for somebody" not in page


# -- messages that were made elsewhere -------------------------------------------------------------

NEEDED = "{count} request in {window:g} s, {minimum} are needed"
NEEDED_MANY = "{count} requests in {window:g} s, {minimum} are needed"


@pytest.mark.parametrize(
    ("made", "english", "greek"),
    [
        (
            plural_message(NEEDED, NEEDED_MANY, 1, window=60.0, minimum=1500),
            "1 request in 60 s, 1500 are needed",
            "1 αίτημα σε 60 s, χρειάζονται 1500",
        ),
        (
            plural_message(NEEDED, NEEDED_MANY, 3, window=2.5, minimum=5),
            "3 requests in 2.5 s, 5 are needed",
            "3 αιτήματα σε 2,5 s, χρειάζονται 5",
        ),
        (
            joined([message("no steps are declared"), "a {word} of theirs"]),
            "no steps are declared; a {word} of theirs",
            "δεν έχουν δηλωθεί βήματα; a {word} of theirs",
        ),
        (
            message("is held: {why}", why=message("no request")),
            "is held: no request",
            "είναι σε αναμονή: κανένα αίτημα",
        ),
        (State("canary", 12.5, paused=True), "canary at 12.5 %, paused", "canary στο 12,5 %, σε παύση"),
        (State("live"), "live", "live"),
        (str(message("no request")), "no request", "no request"),
    ],
)
def test_a_message_is_said_in_the_language_of_the_page(made, english, greek):
    """Its parts and numbers too; what operators wrote, and texts without their template, as they are."""
    with translation.override("en"):
        assert translated(made) == str(made) == english
    with translation.override("el"):
        assert translated(made) == greek
        assert str(made) == english


# -- whole pages -----------------------------------------------------------------------------------

ROUTES_URL = "/admin/gateway_control/route/"
# What isn't English: names of the demo, stages, settings, libraries and commands, code, units, what operators wrote.
NAMES = {
    "legacy", "shadow", "canary", "live", "retired", "catalog", "orders", "items", "products", "gateway", "admin",
    "ana", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET", "WebSockets", "CSV", "JSON", "URL",
    "URLconf", "SQL", "drf", "django", "ninja", "API", "DRF", "socket", "cookie", "middleware", "serializer",
    "serializers", "Pydantic", "scaffold", "url", "ms", "pip", "install", "ruff",
}  # fmt: skip


def english(page: str) -> set[str]:
    """The Latin words of a page's own section: without tags, code, apps, endpoints, and names of URLs."""
    own = page.partition('<div id="gateway-admin">')[2].partition("</main>")[0]
    said = re.findall(r'data-say="(.*?)"', own)
    text = re.sub(r'<select id="gw-f-app".*?</select>', " ", own)
    text = re.sub(r"<(pre|code|time|svg)\b.*?</\1>", " ", text, flags=re.DOTALL)
    text = html.unescape(re.sub(r"<[^>]*>", " ", " ".join([text, *said])))
    text = re.sub(r"`[^`]*`|\S*[-/_.{}=:]\w\S*|'[^']*'|\[.*?\]", " ", text)
    return {word for word in re.findall(r"[A-Za-z]{2,}", text) if word not in NAMES}


@pytest.fixture
def in_greek(admin_client):
    def get(url: str, **form: str) -> set[str]:
        return english(admin_client.get(url, form, headers={"Accept-Language": "el"}).content.decode())

    return get


@pytest.mark.django_db
def test_the_page_of_a_route_has_no_english_text(in_greek, toml, now):
    serving(now)
    counted(now, "orders", requests=60, errors=30, took=0.5)
    counted(now, "orders", side="legacy", requests=400)
    difference("orders", severity="warning", summary="/price")
    pause(next(route for route in project().routes if route.name == "orders"), who="ana", why="12")
    assert in_greek(f"{ROUTES_URL}orders/change/") == set()
    assert in_greek(f"{ROUTES_URL}cart_5Flines/change/") == set()
    assert in_greek(f"{ROUTES_URL}catalog/change/") == set()


@pytest.mark.django_db
def test_the_overview_has_no_english_text(in_greek, served, now):
    serving(now)
    counted(now, "products", requests=60, errors=30)
    pause(next(route for route in project().routes if route.name == "products"), who="ana", why="12")
    assert in_greek(ROUTES_URL) == set()


@pytest.mark.django_db
def test_what_was_done_and_what_is_missing_have_no_english_text(in_greek, admin_client, toml, now):
    greek = {"Accept-Language": "el"}
    url = f"{ROUTES_URL}cart_5Flines/change/"
    refused = admin_client.post(url, {"verb": "promote", "to": "live", "why": "12"}, headers=greek)
    assert refused.status_code == 409
    assert english(refused.content.decode()) == set()
    admin_client.post(url, {"verb": "pause", "why": "12"}, headers=greek)
    page = admin_client.get(url, headers=greek).content.decode()
    assert "Admin: σε παύση η &#x27;cart_lines&#x27; από shadow σε shadow, σε παύση στις " in page
    assert LogEntry.objects.get().change_message.startswith("admin paused 'cart_lines' from shadow to shadow, paused")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/products/1/", "/api/orders/", "/nowhere/", "/static/none", "/docs"])
@pytest.mark.parametrize("method", ["GET", "POST", "WEBSOCKET"])
def test_an_explanation_has_no_english_text(in_greek, served, method, path):
    assert in_greek(f"{ROUTES_URL}explain/", method=method, path=path) == set()


@pytest.mark.django_db
def test_endpoints_have_no_english_text(in_greek, served):
    assert in_greek(f"{ROUTES_URL}endpoints/", text="/api/products/") == set()
    assert in_greek(f"{ROUTES_URL}endpoints/one/", endpoint="GET /api/products/") == set()


NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("zone", "shown"), [("Europe/Athens", "15:00:00 EEST"), ("America/New_York", "08:00:00 EDT")])
def test_a_time_is_in_the_users_zone(zone, shown):
    with timezone.override(zone):
        assert shown in moment(NOON)
        assert 'datetime="2026-06-01T' in moment(NOON.timestamp())
        assert "data-day" in day(NOON)


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (moment(None), "–"),
        (day(None), "–"),
        (duration(0.0123), "12.3 ms"),
        (duration(0.25), "250 ms"),
        (duration(2.5), "2.5 s"),
        (duration(None), "–"),
        (percent(None), "–"),
        (percent(12.34), "12.3 %"),
        (quoted("cart_lines"), "cart_5Flines"),
    ],
)
def test_numbers_have_their_units(made, text):
    assert made == text


def test_a_file_is_named_below_the_folder_that_it_is_imported_from():
    assert short(__file__) == "tests/admin/test_languages.py"
    assert short(timezone.__file__) == "django/utils/timezone.py"
    assert short("/elsewhere/views.py") == "/elsewhere/views.py"
