"""`gateway verify`: one verdict of what every other command finds out."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.workbench.verify import StepVerdict, Verification, VerifyStep
from gateway.workbench.verify.typing import check_types

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
