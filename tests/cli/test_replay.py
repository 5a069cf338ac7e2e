"""`gateway replay`: what it prints of a result. tests/workbench/replay has whole replays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.parity.severity import Severity
from gateway.workbench.corpus import Case, Corpus, write_corpus
from gateway.workbench.replay.result import Outcome, ReplayResult
from gateway.workbench.replay.running import CantReplay, Options
from tests.workbench.reports.results import case, finding, result

NOTE = {"severity": Severity.NOTE, "pointer": "/note"}


@pytest.fixture
def replay(invoke: Callable[..., Any], catalog: object, here: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command, with a given result of the processes, or what they raise."""
    write_corpus(Corpus((Case("/api/products/", "GET", "/api/products/"),)), here / "shop.jsonl")

    def replayed(found: ReplayResult | Exception, *arguments: str) -> Any:
        def play(_tasks: object, _config: object, _path: object, options: Options) -> ReplayResult:
            if isinstance(found, Exception):
                raise found
            options.total(len(found.cases))
            for one in found.cases:
                options.tell(one)
            return found

        monkeypatch.setattr("gateway.workbench.replay.running.replay", play)
        return invoke("replay", "shop.jsonl", *arguments)

    return replayed


def test_findings_that_are_alike_are_one_and_notes_none(replay):
    found = result(case(1, finding()), case(2, finding(), finding("a note", **NOTE)))
    ended = replay(found)
    assert ended.exit_code == 1
    assert ended.stdout.splitlines()[:2] == [
        "breaking value drift  GET /api/products/{pk}/  price changed, 2 cases",
        "    GET /api/products/7/ as staff",
    ]
    assert "a note" not in ended.stdout
    assert "note value drift  GET /api/products/{pk}/  a note" in replay(found, "--verbose").stdout


def test_so_many_are_shown_unless_all_are_asked_for(replay):
    found = result(case(1, *(finding(f"{name} changed", pointer=f"/{name}") for name in map(name_of, range(60)))))
    lines = replay(found).stdout.splitlines()
    (more,) = [line for line in lines if line.startswith("…")]
    shown = sum(line.startswith("breaking") for line in lines)
    assert more == f"… and {60 - shown} more: --verbose shows them all"
    assert shown < 60
    assert sum(line.startswith("breaking") for line in replay(found, "--verbose").stdout.splitlines()) == 60


def name_of(number: int) -> str:
    """A name that is no identifier."""
    return "field" + chr(ord("a") + number // 10) + chr(ord("a") + number % 10)


def test_the_summary_says_what_it_rests_on(replay):
    fine = case(1)
    assert fine.legacy is not None
    broken = case(2, legacy=replace(fine.legacy, status=500), service=replace(fine.legacy, status=500))
    skipped = case(3, outcome=Outcome.SKIPPED, reason="no route claims it", legacy=None, service=None)
    otherwise = "500 and not 200: rows or credentials may be missing here"
    lines = replay(result(fine, broken, skipped, releases={})).stdout.splitlines()
    assert lines == [
        "2 cases in 1.5 s, 1 a second: 2 equal, 0 different",
        "1 are errors (500 and above) in legacy too: see whether the copied database has the rows",
        "1 not compared: no route claims it",
        f"1 are answered otherwise by legacy than they were recorded, {otherwise}",
        "This is no evidence for `gateway promote`: nothing was compared",
    ]


def test_what_can_not_be_replayed_is_said(replay):
    ended = replay(CantReplay("the service does not start"))
    assert (ended.exit_code, ended.stdout, ended.stderr) == (3, "", "Error: the service does not start\n")


def test_on_a_terminal_it_shows_how_far_it_is(replay, monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setattr("gateway.cli.replay.sys", SimpleNamespace(stderr=SimpleNamespace(isatty=lambda: True)))
    ended = replay(result(case(1), case(2, finding())))
    assert "2/2" in ended.stderr
    assert "1 differ" in ended.stderr
    assert "2/2" not in ended.stdout


def test_clean_says_what_was_left_behind(invoke, catalog, monkeypatch):
    monkeypatch.setattr("gateway.workbench.replay.scratch.clean", lambda: ["gateway_replay_1"])
    assert invoke("replay", "--clean").stdout == "removed gateway_replay_1\n"
    monkeypatch.setattr("gateway.workbench.replay.scratch.clean", list)
    assert invoke("replay", "--clean").stdout == "Nothing was left behind.\n"
