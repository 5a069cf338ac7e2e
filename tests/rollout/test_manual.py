"""docs/guard.md names everything there is, and its examples are right."""

from __future__ import annotations

import doctest
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from gateway.config.guard import Guard, GuardConfig
from gateway.config.services import BreakerSettings
from gateway.rollout.guard import Verdict

MANUAL = Path(__file__).parents[2] / "docs" / "guard.md"
PAGE = MANUAL.read_text()


@pytest.mark.parametrize("field", [*fields(Guard), *fields(BreakerSettings)], ids=lambda field: field.name)
def test_each_setting_is_there_with_its_default(field):
    assert f"| `{field.name}` | `{field.default}` |" in PAGE


@pytest.mark.parametrize("verdict", Verdict)
def test_each_verdict_is_there(verdict):
    assert f"\n| {verdict.value} | " in PAGE


def test_the_configuration_is_valid():
    (table,) = re.findall(r"```toml\n\[routes.guard\]\n(.*?)```", PAGE, re.DOTALL)
    guard = GuardConfig.model_validate(tomllib.loads(table)).guard()
    assert guard == Guard(window=600, minimum=20, error_delta=0.005, p95_delta=None)


def test_the_examples_give_what_they_say():
    failed, tried = doctest.testfile(str(MANUAL), module_relative=False)
    assert (failed, tried > 10) == (0, True)
