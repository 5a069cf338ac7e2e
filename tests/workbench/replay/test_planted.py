"""Each planted bug is found by a replay of a few recorded requests, with a message that names the field or the row."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from tests.planted.services import BUGS, FORMS
from tests.support.commands import Result
from tests.workbench.replay.site import PlantedSite, cases

pytestmark = [pytest.mark.proof]

# Of each bug: what kind of failure it is, how bad, and words of the message.
FOUND: dict[str, tuple[str, str, str]] = {
    "type": ("shape drift", "breaking", "type of /price changed, string → number"),
    "missing-field": ("shape drift", "breaking", "/author is missing"),
    "secret": ("wider access", "critical", "/author_api_key shows a secret"),
    "missing-permission": ("wider access", "critical", "the service answers what legacy refuses: 403 → 200"),
    "lost-row": ("value drift", "breaking", "the body has other items"),
    "n-plus-one": ("regression", "breaking", "a statement is repeated (N+1)"),
    "write-in-get": ("regression", "breaking", "the service writes to planted_visit, legacy doesn't"),
    "exception-for-logged-in": ("regression", "breaking", "status changed, 200 → 500, KeyError"),
    "slower": ("regression", "breaking", "the service is slower"),
    "wrong-error": ("regression", "breaking", "status changed, 400 → 422"),
    "null-for-text": ("shape drift", "breaking", "type of /author changed, string → null"),
    "missing-in-some-rows": ("shape drift", "breaking", "/author is missing"),
    "password-hash": ("wider access", "critical", "/check shows a secret"),
    "logged-in-is-enough": ("wider access", "critical", "the service answers what legacy refuses: 403 → 200"),
    "row-twice": ("value drift", "breaking", "the body has other items"),
    "deferred-column": ("regression", "breaking", "a statement is repeated (N+1)"),
    "raw-write-in-get": ("regression", "breaking", "the service writes to planted_author, legacy doesn't"),
    "exception-for-staff": ("regression", "breaking", "status changed, 200 → 500, KeyError"),
    "exit-for-logged-in": ("regression", "breaking", "status changed, 200 → 500, RuntimeError"),
    "other-error-body": ("shape drift", "breaking", "/said is missing"),
    "no-error": ("regression", "breaking", "status changed, 400 → 201"),
}


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The shop with each bug, and one replay of all that was recorded."""
    bugs = [*BUGS, *FORMS]
    site = PlantedSite(tmp_path_factory.mktemp("replay"), bugs)
    corpus = site.record(*(case for bug in bugs for case in cases(bug)))
    with site.commands as gateway:
        return gateway("replay", corpus, "--jobs", "2", "--json")


@pytest.fixture(scope="module")
def findings(replayed: Result) -> dict[str, list[dict[str, Any]]]:
    """By bug, all but notes."""
    found = defaultdict(list)
    for case in replayed.json()["cases"]:
        found[case["route"]] += [one for one in case["findings"] if one["severity"] != "note"]
    return found


@pytest.mark.parametrize("bug", FOUND)
def test_it_is_found_and_named(findings, bug):
    said = {(one["drift"], one["severity"], one["message"]) for one in findings[bug]}
    drift, severity, words = FOUND[bug]
    assert any((one[0], one[1]) == (drift, severity) and words in one[2] for one in said), said


def test_without_a_bug_nothing_is_found(findings):
    assert findings["none"] == []


def test_every_case_was_compared(replayed):
    assert replayed.json()["skipped"] == []
    assert replayed.exit_code == 1


def test_every_bug_is_in_the_table():
    assert {*FOUND, "none"} == {*BUGS, *FORMS}
