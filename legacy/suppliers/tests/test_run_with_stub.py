"""`python -m legacy.suppliers.run_with_stub COMMAND`: the suppliers live as long as the command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.long

FETCH = (
    "import os, urllib.request\n"
    "print(urllib.request.urlopen(os.environ['SUPPLIERS_URL'] + '/suppliers/acme/quotes/A-1').status)"
)
WAIT = "import time\nprint('waiting', flush=True)\ntime.sleep(60)"


def start(script: str, **variables: str) -> subprocess.Popen[str]:
    """Run a Python script beside the suppliers."""
    kept = {name: value for name, value in os.environ.items() if name != "SUPPLIERS_URL"}
    command = [sys.executable, "-m", "legacy.suppliers.run_with_stub", sys.executable, "-c", script]
    return subprocess.Popen(command, env=kept | variables, stdout=subprocess.PIPE, text=True)


def test_the_command_finds_suppliers_that_answer() -> None:
    assert start(FETCH).communicate(timeout=30)[0] == "200\n"


def test_suppliers_that_are_named_already_are_left_alone() -> None:
    output = start("import os\nprint(os.environ['SUPPLIERS_URL'])", SUPPLIERS_URL="http://elsewhere").communicate()[0]
    assert output == "http://elsewhere\n"


def test_the_commands_exit_status_is_handed_on() -> None:
    with start("raise SystemExit(3)") as process:
        assert process.wait(30) == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command_too(number: signal.Signals) -> None:
    with start(WAIT) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        assert process.wait(30) == 128 + number
