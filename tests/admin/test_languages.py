"""Every text of the pages can be translated, and is there in the demo's second language; times are the user's."""

import ast
import gettext
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils import timezone
from django.utils.translation.template import templatize

import gateway.control
from gateway.control.templatetags.gateway_admin import day, duration, moment, percent, quoted, short

CONTROL = Path(gateway.control.__file__).parent
ADMIN = CONTROL.parent / "admin"
FUNCTIONS = {"_": 1, "gettext": 1, "gettext_lazy": 1, "ngettext": 2}
URL = "/admin/gateway_control/route/"


def in_python(text: str) -> Iterator[tuple[str, ...]]:
    """The messages of a module."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
            yield tuple(ast.literal_eval(argument) for argument in node.args[: FUNCTIONS[node.func.id]])


def in_template(text: str) -> Iterator[tuple[str, ...]]:
    """The messages of a template, from what Django makes of it for xgettext."""
    made = templatize(text)
    string = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    for call in re.finditer(rf"\b(_|gettext|ngettext)\({string}(?:,\s*{string})?", made):
        yield tuple(ast.literal_eval(part) for part in call.groups()[1:] if part is not None)


def messages() -> set[tuple[str, ...]]:
    modules = [message for path in ADMIN.glob("*.py") for message in in_python(path.read_text())]
    templates = [message for path in CONTROL.glob("templates/**/*.html") for message in in_template(path.read_text())]
    return {*modules, *templates}


def test_every_message_is_in_greek():
    with (CONTROL / "locale/el/LC_MESSAGES/django.mo").open("rb") as file:
        greek = gettext.GNUTranslations(file)
    assert len(messages()) > 150
    untranslated = {
        message
        for message in messages()
        if greek.gettext(message[0]) == message[0] and greek.ngettext(message[0], message[-1], 2) == message[-1]
    }
    assert untranslated == set()


@pytest.mark.django_db
def test_a_page_is_in_the_users_language(admin_client, toml):
    page = admin_client.get(URL, headers={"Accept-Language": "el"}).content.decode()
    assert "Περιμένουν κάποιον" in page
    assert "Waits for somebody" not in page


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
