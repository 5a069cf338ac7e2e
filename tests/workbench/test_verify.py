"""`gateway verify`: one verdict of what every other command finds out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from gateway.parity.severity import Severity
from gateway.workbench.replay.result import Outcome, ReplayResult
from gateway.workbench.verify import StepVerdict, Verification, VerifyStep
from gateway.workbench.verify.typing import check_types
from tests.workbench.reports.results import case, finding
from tests.workbench.reports.results import result as replayed

DEMO = Path(__file__).parents[2] / "gateway.toml"
PASSED, FAILED, UNKNOWN = StepVerdict.PASSED, StepVerdict.FAILED, StepVerdict.UNKNOWN


def verification(*steps: VerifyStep) -> Verification:
    return Verification("catalog", steps)


# -- what follows from the steps --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        ([VerifyStep("contract", PASSED, ""), VerifyStep("replay", PASSED, "", proves=True)], PASSED),
        ([VerifyStep("contract", PASSED, ""), VerifyStep("replay", UNKNOWN, "")], UNKNOWN),  # nothing was asked of both
        ([VerifyStep("types", UNKNOWN, ""), VerifyStep("replay", PASSED, "", proves=True)], PASSED),
        ([VerifyStep("contract", FAILED, ""), VerifyStep("replay", PASSED, "", proves=True)], FAILED),
        ([], UNKNOWN),
    ],
)
def test_it_passes_where_both_sides_were_found_to_be_equal_and_nothing_failed(steps, verdict):
    assert verification(*steps).verdict is verdict


def test_next_is_what_the_first_failure_asks_for_then_what_is_not_known_then_the_promotion():
    failed, unknown = VerifyStep("contract", FAILED, "", "mend"), VerifyStep("types", UNKNOWN, "", "install")
    last = VerifyStep("traffic", PASSED, "", "promote", proves=True)
    assert verification(unknown, failed, last).next == "mend"
    assert verification(unknown, last).next == "install"
    assert verification(last).next == "promote"


# -- types ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "holds"), [("x: int = 1\n", True), ("x: int = 'text'\n", False)])
@pytest.mark.slow
def test_the_project_s_type_checker_says_whether_types_hold(tmp_path, code, holds):
    file = tmp_path / "moved.py"
    file.write_text(code)
    found, who, lines = check_types([file], tmp_path)
    assert (found, who) == (holds, "mypy")
    assert [line.partition(": error")[0] for line in lines] == ([] if holds else ["moved.py:1"])


@pytest.mark.slow
def test_that_a_library_has_no_types_is_no_error_of_the_code(tmp_path):
    file = tmp_path / "moved.py"
    file.write_text("from django_filters import FilterSet\n\n__all__ = ['FilterSet']\n")
    assert check_types([file], tmp_path) == (True, "mypy", [])


def test_without_a_checker_nobody_can_tell(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.workbench.verify.typing.CHECKERS", ("no_such_checker",))
    assert check_types([tmp_path / "moved.py"], tmp_path)[0] is None


def test_a_service_without_files_of_its_own_has_no_types(tmp_path):
    assert check_types([], tmp_path) == (None, "the service has no file", [])


def test_a_checker_that_can_not_run_is_no_error_of_the_code(tmp_path, monkeypatch):
    file = tmp_path / "moved.py"
    file.write_text("def broken(\n")
    monkeypatch.setattr("gateway.workbench.verify.typing.CHECKERS", {"py_compile": ()})
    found, who, lines = check_types([file], tmp_path)
    assert (found, who) == (None, "py_compile finds errors elsewhere, or could not run")
    assert any("was never closed" in line for line in lines)


def test_a_checker_has_its_time(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.workbench.verify.typing.CHECKERS", {"py_compile": ()})
    monkeypatch.setattr("gateway.workbench.verify.typing.LONGEST", 0)
    assert check_types([tmp_path / "moved.py"], tmp_path) == (None, "py_compile took longer than 0 seconds", [])


# -- the command ------------------------------------------------------------------------------------


def test_every_step_says_what_it_found_and_the_last_line_what_to_do(invoke, rollout, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("gateway.workbench.verify.typing.CHECKERS", ())  # which would read the whole service
    rollout()
    broken = tmp_path / "broken.jsonl"
    broken.write_text("nonsense\n")
    result = invoke("verify", "catalog", "--corpus", str(broken))
    found = {line.split()[0]: line.split()[1] for line in result.stdout.splitlines()[1:6]}
    assert result.exit_code == 1
    assert found == {
        "check": "passed",
        "contract": "failed",  # the tests' own service answers nothing like the shop
        "types": "unknown",
        "replay": "unknown",
        "traffic": "unknown",
    }
    assert str(broken) in result.stdout
    assert result.stdout.rstrip().endswith("Next: gateway contract catalog")


PRICING = """
[legacy]
settings = "legacy.settings"

[services.pricing]
url = "http://127.0.0.1:9"

[[routes]]
name = "price"
path = "/api/products/{id}/"
service = "pricing"
claim = "all"
"""


@pytest.fixture
def verified(invoke, here) -> Callable[..., dict[str, dict[str, Any]]]:
    """The steps for a route whose service is at a URL, in `stage` and with these lines, by their names."""

    def steps(*arguments: str, stage: str = "legacy", lines: str = "") -> dict[str, dict[str, Any]]:
        (here / "gateway.toml").write_text(f'{PRICING}stage = "{stage}"\n{lines}')
        found = invoke("verify", "price", "--json", *arguments)
        return {step["step"]: step for step in json.loads(found.stdout)["steps"]}

    return steps


def test_of_a_service_at_a_url_nothing_is_known_but_what_its_callers_see(verified):
    steps = verified()
    assert {name: step["verdict"] for name, step in steps.items()} == {
        "check": "passed",
        "contract": "unknown",
        "types": "unknown",
        "replay": "unknown",
        "traffic": "passed",
    }
    assert steps["contract"]["summary"] == "the service is at a URL, and can't be asked what it declares"
    assert steps["types"]["summary"] == "the service is at a URL; its code is not here"
    assert steps["replay"]["next"] == "gateway verify price --generate"


def test_problems_of_the_configuration_fail_with_what_is_expected(verified):
    lapsed = '[[routes.compare.accepted]]\npath = "/a"\nreason = "r"\nowner = "ada"\nexpires = 2026-01-31\n'
    step = verified(lines=lapsed)["check"]
    assert (step["verdict"], step["summary"]) == ("failed", "1 problem in the configuration")
    (line,) = step["details"]
    assert line.endswith("accepted difference that has expired: ada accepted it until 2026-01-31")


def test_without_hypothesis_the_contract_is_not_known(verified, monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    step = verified()["contract"]
    assert (step["verdict"], step["summary"]) == ("unknown", "hypothesis is not installed")
    assert step["next"] == 'pip install "django-fastapi-gateway[workbench]"'


@pytest.mark.long
def test_a_moved_endpoint_of_the_demo_keeps_its_contract_and_its_types(invoke, monkeypatch):
    monkeypatch.setattr("gateway.workbench.verify.typing.CHECKERS", {"tabnanny": ()})  # which is quick
    found = json.loads(invoke("verify", "quotes", "--config", str(DEMO), "--json").stdout)
    steps = {step["step"]: step for step in found["steps"]}
    assert steps["contract"]["verdict"] == steps["types"]["verdict"] == "passed"
    assert steps["contract"]["summary"].startswith("holds for 1 endpoint, ")
    assert steps["types"]["summary"].startswith("tabnanny finds nothing in ")


NOTED = finding("the order", severity=Severity.NOTE)
REPLAYS: list[tuple[ReplayResult, str, str, str | None, list[str]]] = [
    (replayed(case(1), case(2, NOTED, outcome=Outcome.EQUAL)), "passed", "2 cases answered alike", None, []),
    (
        replayed(case(1), case(2, finding("price changed"))),
        "failed",
        "1 breaking difference",
        "gateway replay shop.jsonl --route price",
        ["GET /api/products/7/ as staff: value drift: price changed"],
    ),
    (
        replayed(case(1, finding()), corpus=None),
        "failed",
        "1 breaking difference",
        "gateway replay --generate --route price",
        ["price changed"],
    ),
    (
        replayed(case(1, outcome=Outcome.SKIPPED, reason="a file")),
        "unknown",
        "nothing could be compared",
        None,
        ["1 case: a file"],
    ),
]


@pytest.mark.parametrize(("result", "verdict", "summary", "then", "details"), REPLAYS)
def test_a_replay_proves_or_says_what_differs(verified, monkeypatch, result, verdict, summary, then, details):
    monkeypatch.setattr("gateway.workbench.replay.running.replay", lambda *arguments: result)  # with two processes
    step = verified("--generate")["replay"]
    assert (step["verdict"], step["summary"], step["next"]) == (verdict, summary, then)
    assert [one.endswith(end) for one, end in zip(step["details"], details, strict=True)] == [True] * len(details)


def test_at_the_last_stage_nothing_is_left_to_prove(verified):
    step = verified(stage="retired")["traffic"]
    assert (step["verdict"], step["summary"]) == ("passed", "it is retired, the last stage")


def test_without_its_own_app_nothing_is_counted(verified, settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "gateway.control"]
    step = verified()["traffic"]
    assert (step["verdict"], step["summary"].endswith("so nothing is counted")) == ("unknown", True)


def test_a_database_that_is_away_is_no_traceback(verified, monkeypatch):
    def gone(*arguments: Any) -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr("gateway.control.evidence_queries.collect_evidence", gone)
    step = verified()["traffic"]
    assert (step["verdict"], step["next"]) == ("unknown", "fix the database")
    assert step["summary"].startswith("the database refused (gone)")
