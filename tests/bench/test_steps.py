"""`python -m bench --steps`: what a step is, and the same numbers every time."""

import json
import subprocess
import sys
import threading
from dis import get_instructions
from pathlib import Path

import pytest

from bench.step_count import Steps
from bench.steps import Steps as Counted
from bench.steps import StepsReport

ROOT = Path(__file__).parents[2]


@pytest.fixture
def steps():
    yield (counting := Steps())
    counting.remove()


def short():
    pass


def long():
    first = 1
    second = first
    third = second  # noqa: F841 - it is there to be counted


def taken_on_a_thread(steps, function):
    before = steps.taken
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()
    return steps.taken - before


def instructions(function):
    return sum(instruction.opname != "CACHE" for instruction in get_instructions(function))


def test_a_step_is_one_instruction_on_whichever_thread(steps):
    steps.install()
    more = taken_on_a_thread(steps, long) - taken_on_a_thread(steps, short)
    assert more == instructions(long) - instructions(short) > 0


def test_once_removed_nothing_is_counted(steps):
    steps.install()
    steps.remove()
    assert taken_on_a_thread(steps, long) == 0


@pytest.mark.slow
@pytest.mark.proof
def test_two_runs_count_the_same():
    first, second = bench("--only", "json"), bench("--only", "json")
    assert [row["steps"] for row in first] == [row["steps"] for row in second]
    assert [row["name"] for row in first] == ["django-json", "uvicorn", "json"]
    assert all(row["agreeing"] == row["requests"] for row in first)


def bench(*arguments):
    command = [sys.executable, "-m", "bench", "--steps", "--json", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["rows"]


def test_the_table_has_each_row_beside_its_parts_and_the_earlier_commit():
    counted = {"django-json": Counted(5000, 5, 5), "uvicorn": Counted(1000, 5, 5), "json": Counted(9000, 4, 5)}
    report = StepsReport(
        "2024-01-01", {}, {"commit": "new", "dirty": False}, counted, "old", {"json": Counted(10_000, 5, 5)}
    )
    assert "| legacy JSON view | 9,000 | django-json + uvicorn | 6,000 | 1.50 | 10,000 | 0.900 |" in report.markdown()
    assert report.notes() == ["json: 4 of 5 requests took as many steps"]
