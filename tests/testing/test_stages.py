"""At which stages a test run finds the routes, and what it says at the end."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from gateway.rollout.stage import State
from gateway.testing import tally
from gateway.testing.stages import RequestedStages, parsed
from gateway.testing.suite import Suite, states_of

ROUTES = ["catalog", "orders"]
LIVE, LEGACY = State("live"), State("legacy")
IN_DATABASE = {"catalog": LIVE, "gone": LIVE}
# Options, and the stages of the two routes; None: as the file has it.
CHOICES = [
    ([], (None, None)),
    (["file"], (None, None)),
    (["live"], (LIVE, LIVE)),
    (["canary"], (State("canary", 50.0),) * 2),
    (["canary:25"], (State("canary", 25.0),) * 2),
    (["catalog=live"], (LIVE, None)),
    (["live", "orders=legacy"], (LIVE, LEGACY)),
    (["orders=legacy", "live"], (LIVE, LIVE)),
    (["live", "orders=file"], (LIVE, None)),
    (["database"], (LIVE, None)),
    (["legacy", "database"], (LIVE, None)),
    (["legacy", "catalog=database"], (LIVE, LEGACY)),
]


@pytest.mark.parametrize(("texts", "expected"), CHOICES)
def test_the_last_option_that_concerns_a_route_counts(texts, expected):
    states = RequestedStages(texts).states(ROUTES, IN_DATABASE)
    assert tuple(states.get(name) for name in ROUTES) == expected


@pytest.mark.parametrize("text", ["lve", "canary:", "canary:many", "canary:101", "live:5", "catalog=", "=", ""])
def test_what_is_no_stage_is_told_with_what_is_expected(text):
    with pytest.raises(ValueError, match=r'is none of "file", "database", a stage'):
        parsed(text)


def test_a_route_that_there_is_not_is_told():
    with pytest.raises(ValueError, match="there is no route 'order'; there are: catalog, orders"):
        RequestedStages(["order=live"]).states(ROUTES, {})


def test_the_database_is_only_asked_where_it_matters():
    assert [RequestedStages(texts).asks_the_database for texts in (["live"], ["database"], ["a=database"])] == [
        False,
        True,
        True,
    ]


def test_stages_of_a_mapping_are_chosen_too():
    tables = {
        "legacy": {},
        "services": {"new": {"url": "http://127.0.0.1:1"}},
        "routes": [{"name": "catalog", "prefix": "/api", "service": "new", "claim": "all"}],
    }
    assert states_of(tables, ["legacy"]) == {"catalog": LEGACY}
    assert states_of(tables, []) == states_of(None, ["legacy"]) == {}


# -- what is said --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({}, "No request went through the gateway."),
        ({"legacy": 1}, "1 request went through the gateway: legacy answered 1."),
        (
            {"legacy": 1200, "new": 3, "nobody": 2},
            "1,205 requests went through the gateway: legacy answered 1,200, new answered 3, the gateway refused 2.",
        ),
    ],
)
def test_a_run_says_who_answered_how_many(found, said):
    assert tally.said(found) == said


@pytest.fixture
def nothing_counted(monkeypatch):
    monkeypatch.setattr(tally, "_tally", Counter())


@pytest.fixture
def suite(tmp_path, nothing_counted):
    def made(**options):
        found = Suite(folder=tmp_path, **options)
        found._folder, found._lookup, found._used = tmp_path, None, {}
        return found

    return made


@pytest.mark.parametrize(
    ("options", "ran", "failed"), [({}, True, True), ({"allow_none": True}, True, False), ({}, False, False)]
)
def test_a_run_without_a_request_has_failed(suite, options, ran, failed):
    assert suite(**options).report(ran=ran).failed is failed


def test_a_run_with_a_request_has_not_failed(suite):
    made = suite()
    tally.count("legacy")
    assert made.report().failed is False


def test_what_other_processes_count_is_gathered_once(tmp_path, nothing_counted):
    tally.count("legacy")
    tally.hand_in(tmp_path)
    (tmp_path / "1").write_text(json.dumps({"legacy": 2, "catalog": 1}))
    assert tally.gathered(tmp_path) == {"legacy": 3, "catalog": 1}
