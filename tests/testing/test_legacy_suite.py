"""The demo's own tests, through the gateway, unchanged (docs/testing.md)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.server import environment

ROOT = Path(__file__).parents[2]

# The service of reviews asks the database by itself, so it doesn't see what a test has not committed.
UNCOMMITTED = "SQLAlchemy's connection is not the test's"
DIFFERENT = {
    "test_a_token_writes_without_a_csrf_token": UNCOMMITTED,
    "test_the_caller_becomes_the_author": UNCOMMITTED,
    "test_everybody_reads_reviews_newest_first": UNCOMMITTED,
    "test_the_reviews_of_one_product_are_found": UNCOMMITTED,
    "test_a_product_is_reviewed_once": UNCOMMITTED,
    "test_suppliers_are_asked_one_after_another": "they are asked at the same time: that is why it was moved",
}


def suite(folder: Path, config: Path, *arguments: str) -> tuple[int, set[str]]:
    """How many of the demo's tests passed, and the names of the others."""
    report = folder / "report.xml"
    options = [
        "--through-gateway",
        f"--gateway-config={config}",
        f"--junitxml={report}",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    subprocess.run(
        [sys.executable, "-m", "pytest", "legacy", *options, *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        check=False,
    )
    cases = list(ET.parse(report).getroot().iter("testcase"))  # noqa: S314 - our own file
    bad = {case.get("name", "") for case in cases if {child.tag for child in case} & {"failure", "error", "skipped"}}
    return len(cases) - len(bad), bad


@pytest.mark.slow
@pytest.mark.proof
@pytest.mark.timeout(300)  # a whole suite, on a machine that may be busy
def test_where_the_project_answers_all_of_them_pass(tmp_path):
    config = tmp_path / "gateway.toml"
    config.write_text((ROOT / "gateway.toml").read_text().replace('stage = "live"', 'stage = "legacy"'))
    passed, bad = suite(tmp_path, config)
    assert (passed > 270, bad) == (True, set())


@pytest.mark.slow
@pytest.mark.timeout(300)  # a whole suite, on a machine that may be busy
def test_with_what_was_moved_they_differ_only_where_that_is_known(tmp_path):
    passed, bad = suite(tmp_path, ROOT / "gateway.toml")
    assert (passed > 265, bad) == (True, set(DIFFERENT))
