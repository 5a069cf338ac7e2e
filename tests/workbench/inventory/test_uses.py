"""Where a URL is named, and how much of an endpoint the tests run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from coverage import CoverageData

from gateway.workbench.inventory import find
from gateway.workbench.inventory.coverage import coverage_in
from gateway.workbench.inventory.uses import uses


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
