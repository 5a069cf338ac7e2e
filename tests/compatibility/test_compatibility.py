"""What people run beside Django, through the gateway: docs/compatibility.md is what these tests see."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.compatibility.row import KINDS
from tests.compatibility.rows import ROWS
from tests.compatibility.table import PAGE, Shown, cell, page, try_all

pytestmark = [pytest.mark.thirdparty, pytest.mark.slow, pytest.mark.proof]


@pytest.fixture(scope="module")
def shown() -> Mapping[str, Shown]:
    """What every row shows, by name."""
    return try_all()


@pytest.mark.parametrize("name", ROWS)
def test_django_alone_shows_what_is_expected(shown: Mapping[str, Shown], name: str) -> None:
    assert shown[name]["alone"]["legacy"] == ROWS[name].expected


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, row in ROWS.items() for kind in row.kinds])
def test_so_does_the_gateway_or_the_row_says_why_not(shown: Mapping[str, Shown], name: str, kind: str) -> None:
    assert cell(ROWS[name], kind, shown[name])


@pytest.mark.parametrize("name", ROWS)
def test_a_view_is_as_it_was(shown: Mapping[str, Shown], name: str) -> None:
    assert cell(ROWS[name], "legacy", shown[name]) == "✓"


# What each of them keeps on its thread or connection is what silences its row without `one_thread`.
ON_THE_THREAD = {
    "crum": "crum.CurrentRequestUserMiddleware",
    "pghistory": "pghistory.middleware.HistoryMiddleware",
    "reversion": "reversion.middleware.RevisionMiddleware",
    "silk": "silk.middleware.SilkyMiddleware",
    "toolbar": "debug_toolbar.middleware.DebugToolbarMiddleware",
}


@pytest.mark.parametrize("name", ROWS)
def test_what_needs_one_thread_is_what_gateway_check_finds(shown: Mapping[str, Shown], name: str) -> None:
    needs = "✓ `one_thread`" in {cell(ROWS[name], kind, shown[name]) for kind in KINDS}
    assert needs == (name in ON_THE_THREAD)
    alike = {entry for other, entry in ON_THE_THREAD.items() if ROWS[other].group == ROWS[name].group}
    assert {*shown[name]["left"]} == alike


def test_the_page_is_what_these_tests_see(shown: Mapping[str, Shown]) -> None:
    assert PAGE.read_text() == page(shown), "python -m tests.compatibility.table writes it again"


def test_every_row_of_the_page_has_every_kind() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    assert {line.count(" | ") for line in lines} == {len(KINDS) + 1}
