"""docs/control.md says what holds."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps

from gateway.config.rollout import RolloutSettings
from gateway.control import database, retention, store
from gateway.control import guarding as guard_loop
from gateway.control import transitions as moves
from gateway.control import worker as sync
from gateway.mirroring import difference_log
from gateway.stats.counters import KEPT
from gateway.stats.tally import COUNTER_WINDOW

PAGE = (Path(__file__).parents[2] / "docs" / "control.md").read_text()
MODELS = [model.__name__ for model in apps.get_app_config("gateway_control").get_models() if model._meta.managed]
PAUSES = sum(database.FIRST_PAUSE * 2**attempt for attempt in range(database.ATTEMPTS - 1))


@pytest.mark.parametrize("name", MODELS)
def test_each_table_is_there(name):
    assert f"\n| `{name}` | " in PAGE


@pytest.mark.parametrize("setting", ["poll", "flush"])
def test_each_setting_is_there_with_its_default(setting):
    assert f"| `{setting}` | `{getattr(RolloutSettings(), setting)}` |" in PAGE


@pytest.mark.parametrize("verb", ["promote", "pause", "resume", "rollback", "clear"])
def test_each_verb_is_there(verb):
    assert f"`{'gateway ' if verb == 'promote' else ''}{verb}`" in PAGE
    assert callable(getattr(moves, verb))


@pytest.mark.parametrize(
    ("words", "value", "expected"),
    [
        (r"A route has at most (\d+) groups", store.MOST_GROUPS, 200),
        (r"the (\d) latest examples", store.MOST_EXAMPLES, 3),
        (r"in (\d+) seconds \| 2 hours", COUNTER_WINDOW, 10),
        (r"\| (\d) hours, then folded", retention.COUNTER_WINDOWS, timedelta(hours=2)),
        (r"in an hour \| (\d+) days", retention.HOURS, timedelta(days=90)),
        (r"redacted \| (\d+) days after", retention.GROUPS, timedelta(days=30)),
        (r"not seen for a day makes room()", store.STALE, timedelta(days=1)),
        (r"up to (\d) times, with pauses", database.ATTEMPTS, 8),
        (r"the start up for (\d) seconds", sync.FIRST, 5),
        (r"stored, for which there are (\d) seconds", sync.END, 5),
        (r"(\d+) times in the window", guard_loop.OFTEN, 30),
        (r"are kept for ten minutes()", KEPT * COUNTER_WINDOW, 600),
        (r"up to (\d+) groups are kept by each worker", difference_log.MOST_GROUPS, 500),
    ],
)
def test_each_number_is_the_one_in_force(words, value, expected):
    (found,) = re.findall(words, PAGE)
    assert value == expected
    assert not found or int(found) in (expected, getattr(expected, "days", None)) or expected == timedelta(hours=2)


def test_the_pauses_are_as_long_as_it_says():
    assert "pauses of 2.5 to 5 seconds together" in PAGE
    assert (round(PAUSES / 2, 1), round(PAUSES)) == (2.5, 5)


def test_both_threads_are_there():
    source = Path(sync.__file__).read_text()
    assert set(re.findall(r'"(gateway-\w+)"', source)) == set(re.findall(r"\| `(gateway-\w+)` \|", PAGE))
