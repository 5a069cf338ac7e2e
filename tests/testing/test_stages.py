"""At which stages a test run finds the routes, and what it says at the end."""

from __future__ import annotations

import json
import sys
from collections import Counter

import pytest

from gateway.rollout.stage import State
from gateway.testing import tally
from gateway.testing.stages import Lookup, RequestedStages, parsed
from gateway.testing.suite import Suite, states_of

ROUTE = '[[routes]]\nname = "orders"\nprefix = "/orders"\nservice = "new"\nclaim = "all"\n'
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


def test_the_stages_are_said_as_they_were_asked_for():
    asked = RequestedStages(["live", "orders=canary:5", "catalog=database"])
    assert str(asked) == "live, orders=canary at 5 %, catalog=database"
    assert repr(RequestedStages(["orders=file"])) == "RequestedStages([('orders', 'file')])"
    assert str(RequestedStages()) == "file"


# -- those in the database, which a process beside the tests looks up ------------------------------

STATUS = {"control": True, "routes": [{"route": "orders", "effective": {"stage": "canary", "weight_percent": 5.0}}]}


@pytest.fixture
def lookup(tmp_path, monkeypatch):
    """Looks up the stages by this shell script instead of `gateway status`."""
    begun: list[Lookup] = []

    def look_up(script: str) -> Lookup:
        program = tmp_path / "program"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(program))
        begun.append(Lookup(tmp_path / "gateway.toml"))
        return begun[-1]

    yield look_up
    for one in begun:
        one.close()


def test_they_are_asked_for_once(lookup):
    found = lookup(f"echo '{json.dumps(STATUS)}'")
    assert found.states() == found.states() == {"orders": State("canary", 5.0)}


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (f"echo '{json.dumps(STATUS | {'control': False})}'", '"gateway.control" is not in INSTALLED_APPS'),
        ("""echo '{"error": {"message": "no such table"}}'; exit 1""", "^no such table$"),
        ("echo Traceback; echo 'no such module' >&2; exit 1", "^no such module$"),
        ("echo '{}'; exit 3", "`gateway status` ended with 3"),
        ("exec sleep 60", "the database did not answer in 0.05 s"),
    ],
)
def test_why_they_are_not_known_is_said(lookup, script, said):
    with pytest.raises(LookupError, match=said):
        lookup(script).states(patience=0.05 if "sleep" in script else 20)


def test_a_gateway_of_a_test_run_has_those_of_the_database(tmp_path, monkeypatch):
    program, file = tmp_path / "program", tmp_path / "gateway.toml"
    file.write_text('[legacy]\n[services.new]\nurl = "http://127.0.0.1:1"\n' + ROUTE)
    program.write_text(f"#!/bin/sh\necho '{json.dumps(STATUS)}'\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    assert states_of(file, ["database"]) == {"orders": State("canary", 5.0)}


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


def test_a_run_without_a_file_says_that_django_answered(suite):
    tally.count("legacy")
    said = suite().report().lines
    assert said[-1] == "There is no gateway.toml here, so Django answered everything."


def test_a_run_with_a_request_has_not_failed(suite):
    made = suite()
    tally.count("legacy")
    assert made.report().failed is False


def test_what_other_processes_count_is_gathered_once(tmp_path, nothing_counted):
    tally.count("legacy")
    tally.hand_in(tmp_path)
    (tmp_path / "1").write_text(json.dumps({"legacy": 2, "catalog": 1}))
    assert tally.gathered(tmp_path) == {"legacy": 3, "catalog": 1}
