"""Requests that nobody recorded: made of the services' API documents, and compared like any other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.commands import Commands
from tests.workbench.replay.site import PlantedSite

pytestmark = [pytest.mark.proof]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> PlantedSite:
    """A shop without a bug, and some with one."""
    return PlantedSite(tmp_path_factory.mktemp("site"), ["none", "type", "wrong-error", "no-error"])


@pytest.fixture(scope="module")
def gateway(site: PlantedSite) -> Iterator[Commands]:
    with site.commands as commands:
        yield commands


@pytest.fixture(scope="module")
def generated(gateway: Commands) -> dict[str, Any]:
    """A replay of nothing but generated requests."""
    document: dict[str, Any] = gateway("replay", "--generate", "--jobs", "2", "--examples", "8", "--json").json()
    return document


def found(document: dict[str, Any], route: str) -> Counter[str]:
    return Counter(
        one["message"].partition(":")[0].partition(" (at")[0]
        for case in document["cases"]
        if case["route"] == route
        for one in case["findings"]
        if one["severity"] != "note"
    )


def test_without_a_bug_both_sides_are_equal_for_valid_and_invalid_requests(generated):
    assert found(generated, "none") == Counter()
    assert generated["skipped"] == []
    assert generated["counts"]["equal"] > 30


def test_valid_requests_find_rows_that_are_there(generated):
    assert "type of /price changed, string → number" in found(generated, "type")


@pytest.mark.parametrize("bug", ["wrong-error", "no-error"])
def test_invalid_requests_find_other_errors(generated, bug):
    assert any("status changed" in message for message in found(generated, bug))


def test_one_route_can_be_asked_alone(gateway):
    result = gateway("replay", "--generate", "--examples", "2", "--route", "none", "--json")
    assert (result.exit_code, {*result.json()["releases"]}) == (0, {"none"})


def test_there_is_no_recorded_answer_to_compare_one_side_with(gateway):
    assert gateway("replay", "--generate", "--side", "service").exit_code == 2
