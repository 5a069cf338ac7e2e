"""Where a URL is named, and how much of an endpoint the tests run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from coverage import CoverageData
from django.db import connection

from gateway.workbench.inventory import find
from gateway.workbench.inventory.counted import counted_in
from gateway.workbench.inventory.coverage import coverage_in
from gateway.workbench.inventory.documents import project_document
from gateway.workbench.inventory.source import line_with
from gateway.workbench.inventory.uses import MOST_BYTES, uses


@pytest.fixture(scope="module")
def found():
    return uses()


def places(found, name):
    return {(use.kind, Path(use.file).name) for use in found.of(find(name))}


def test_code_templates_and_forms_that_name_a_url(found):
    assert ("template", "base.html") in places(found, "cart")
    assert ("code", "views.py") in places(found, "cart")
    assert places(found, "cart-add") == {("form", "product_detail.html")}


def test_a_setting_that_names_a_url(found):
    assert "setting" in {use.kind for use in found.of(find("login"))}


def test_a_url_that_nobody_names(found):
    assert found.of(find("api-quotes")) == []


@pytest.fixture
def templates(tmp_path, settings):
    """A folder of templates beside the project's."""
    engine, *others = settings.TEMPLATES
    settings.TEMPLATES = [engine | {"DIRS": [tmp_path / "pages", tmp_path / "missing"]}, *others]
    (tmp_path / "pages").mkdir()
    return tmp_path / "pages"


def test_every_kind_of_template_is_looked_at_but_what_is_generated(templates):
    link = '{% url "api-quotes" %}\n'
    (templates / "page.html").write_text("\n" + link)
    (templates / "page.jinja").write_text("{{ url('api-quotes') }}")
    (templates / "page.png").write_text(link)
    (templates / "generated.html").write_text(link + "x" * MOST_BYTES)
    (templates / "node_modules").mkdir()
    (templates / "node_modules" / "page.html").write_text(link)
    found = [(use.kind, Path(use.file).name, use.line) for use in uses().of(find("api-quotes"))]
    assert found == [("template", "page.html", 2), ("template", "page.jinja", 1)]


# -- coverage --------------------------------------------------------------------------------------


def test_without_a_file_nothing_is_known(tmp_path):
    assert coverage_in(tmp_path) is None


def test_lines_of_a_function_that_were_run_from_coverages_own_file(tmp_path):
    endpoint = find("cart")
    data = CoverageData(str(tmp_path / ".coverage"))
    data.add_lines({endpoint.file: range(1, 10_000)})
    data.write()

    assert coverage_in(tmp_path).percent(endpoint) == 100
    assert coverage_in(tmp_path).percent(find("api-quotes")) is None  # of a file that was not measured


def test_lines_of_a_function_that_were_run_from_a_report(tmp_path):
    endpoint = find("legacy.shop.views.cart_add")
    report = {"files": {endpoint.file: {"executed_lines": [endpoint.line]}}}
    (tmp_path / "coverage.json").write_text(json.dumps(report))

    assert coverage_in(tmp_path).percent(endpoint) == 0  # the line of its `def` says only that it was imported


def test_a_file_of_coverages_that_cannot_be_read_says_nothing(tmp_path):
    (tmp_path / ".coverage").write_text("no database")
    assert coverage_in(tmp_path) is None


def test_without_the_library_coverages_own_file_says_nothing(tmp_path, monkeypatch):
    (tmp_path / ".coverage").write_text("")
    monkeypatch.setitem(sys.modules, "coverage", None)
    assert coverage_in(tmp_path) is None
    (tmp_path / "coverage.json").write_text('{"files": {}}')
    assert coverage_in(tmp_path).source == str(tmp_path / "coverage.json")


def test_without_rest_framework_there_is_no_document(settings):
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "rest_framework"]
    assert project_document() is None


@pytest.mark.django_db
def test_counts_that_can_not_be_read_are_said_to_be():
    connection.cursor().execute("ALTER TABLE gateway_control_endpointday RENAME TO gone")
    counted, why = counted_in(7)
    assert counted is None
    assert why.startswith("nothing can be read of what was counted: ")


def test_a_urlconf_without_a_file_has_its_first_line():
    made = ModuleType("made")
    made.__file__ = None
    assert line_with(made, "shop/") == ("", 1)
