"""`gateway history`."""

import json

import pytest


@pytest.fixture
def history(invoke, rollout):
    """Run `gateway history …` after two changes."""
    rollout()
    invoke("rollback", "catalog", "--why", "too slow", "--who", "ada")
    invoke("promote", "catalog", "--who", "grace")
    return lambda *arguments: invoke("history", *arguments)


def test_lists_changes_newest_first(history):
    lines = [line.split() for line in history().stdout.splitlines()]
    assert lines[0] == ["revision", "at", "who", "route", "move", "why"]
    assert lines[1][3:] == ["grace", "catalog", "promote:", "legacy", "→", "shadow"]
    assert lines[2][3:] == ["ada", "catalog", "rollback:", "canary", "at", "30", "%", "→", "legacy", "too", "slow"]


def test_json_has_the_same(history):
    changes = json.loads(history("catalog", "--json").stdout)["changes"]
    assert [(change["who"], change["verb"], change["why"]) for change in changes] == [
        ("grace", "promote", ""),
        ("ada", "rollback", "too slow"),
    ]
    assert changes[1]["before"] == {"stage": "canary", "weight_percent": 30.0, "paused": False}


def test_limit_leaves_out_the_oldest(history):
    assert len(json.loads(history("--limit", "1", "--json").stdout)["changes"]) == 1


def test_of_a_route_that_was_never_moved_there_is_none(invoke, rollout):
    rollout()
    assert invoke("history", "catalog").stdout == "catalog was never moved: what the file says holds.\n"


def test_a_route_that_there_never_was_is_status_2(history):
    result = history("price")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no route 'price'" in result.stderr


def test_says_that_there_is_none(invoke, rollout):
    rollout()
    assert invoke("history").stdout == "No route was moved: what the file says holds.\n"
