"""The processes of a replay: one that dies costs a case, and what can't begin is said."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.config.parse import parse
from gateway.workbench.corpus import Case
from gateway.workbench.replay import running
from gateway.workbench.replay.generation import Generation
from gateway.workbench.replay.result import ReplayResult
from gateway.workbench.replay.running import CantReplay, Options, replay
from gateway.workbench.replay.task import tasks_of
from tests.workbench.replay import jobs

pytestmark = [pytest.mark.django_db, pytest.mark.long]  # each test starts a process


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., ReplayResult]:
    """Have processes that do `job` play requests for these paths."""
    config, problems = parse(
        {
            "legacy": {},
            "services": {"items": {"url": "http://127.0.0.1:9"}},
            "routes": [{"name": "items", "prefix": "/", "service": "items", "claim": "all"}],
        }
    )
    assert problems == []

    def done(job: Callable[..., None], *paths: str, **options: Any) -> ReplayResult:
        monkeypatch.setattr(running, "run", job)
        tasks = tasks_of(Case(path, "GET", path, route="items") for path in paths)
        return replay(tasks, config, tmp_path / "gateway.toml", Options(in_place=True, **options))

    return done


def test_a_process_that_dies_is_replaced_and_only_its_case_is_not_compared(played):
    paths = [f"/{number}/" for number in range(20)]
    seen: list[int] = []
    found = played(jobs.survives, *paths[:5], "/dies/", *paths[5:], tell=lambda result: seen.append(result.number))
    reasons = {case.case.path: case.reason for case in found.cases}
    assert reasons.pop("/dies/") == "the process that asked it ended with 3"
    assert reasons == dict.fromkeys(paths, "it was asked")
    assert [case.number for case in found.cases] == sorted(seen) == [*range(1, 22)]


@pytest.mark.parametrize(
    ("job", "options", "said"),
    [
        (jobs.refuses, {}, "ImproperlyConfigured: SECRET_KEY is empty"),
        (jobs.ends_at_once, {}, "a process of the replay ended with 4 before it could begin"),
        (jobs.refuses, {"generation": Generation()}, "ImproperlyConfigured: SECRET_KEY is empty"),
        (jobs.refuses_to_generate, {"generation": Generation()}, "--generate needs schemathesis"),
        (
            jobs.ends_when_asked_to_generate,
            {"generation": Generation()},
            "a process of the replay ended before it had made any request",
        ),
    ],
)
def test_what_can_not_be_replayed_is_said_in_the_words_of_the_process(played, job, options, said):
    with pytest.raises(CantReplay) as raised:
        played(job, "/1/", **options)
    assert str(raised.value) == said


def test_a_process_that_does_not_end_is_killed(played, monkeypatch):
    monkeypatch.setattr(running, "ENDS", 0.1)
    assert [case.reason for case in played(jobs.is_deaf, "/1/").cases] == ["it was asked"]
    assert multiprocessing.active_children() == []
