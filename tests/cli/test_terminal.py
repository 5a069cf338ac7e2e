"""What callers, operators and hooks wrote is shown on a terminal, and not obeyed."""

from __future__ import annotations

import pytest

from gateway.wording import visible
from tests.admin.conftest import difference
from tests.control.conftest import make_route, promote
from tests.support.receiver import Answer, receiver

__all__ = ["receiver"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\rforged\u202e"


@pytest.fixture(autouse=True)
def found(rollout, invoke, receiver):
    """A route that others have moved for reasons of theirs, and a difference with whatever was in a response."""
    receiver.answer = lambda _: Answer(403, b'{"reason": "\\u001b[2Jno"}')
    rollout("[hooks.freeze]", f'url = "{receiver.url}"\nevents = ["before_promote"]')
    invoke("rollback", "catalog", "--why", EVIL)
    promote(make_route(name="catalog"), who=f"a{EVIL}", why=EVIL, to="shadow")
    difference("catalog", pointer=f"/{EVIL}", expected=EVIL, actual="x", target=f"/{EVIL}", summary=EVIL)


@pytest.mark.parametrize(
    "command",
    [
        ["history"],
        ["status"],
        ["status", "catalog"],
        ["diffs", "catalog"],
        ["diffs", "catalog", "--all"],
        ["diffs", "resolve", "f" * 8, "--why", EVIL],
        ["promote", "catalog", "--why", EVIL],
        ["promote", "catalog", "--why", EVIL, "--expect", "1"],
        ["rollback", "catalog", "--why", EVIL],
        ["hooks"],
        ["explain", "GET", f"/{EVIL}"],
    ],
)
@pytest.mark.parametrize("colour", ["1", ""])
def test_no_command_obeys_it(invoke, command, colour, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", colour)
    result = invoke(*command)
    for character in ("\x1b[2J", "\x1b]", "\x07", "\x9b", "\r", "\u202e"):
        assert character not in result.stdout + result.stderr


def test_it_can_be_read(invoke):
    assert invoke("history").stdout.count(r"\x1b[2J\x1b]0;owned\x9b31mforged\u202e") == 3


def test_lines_and_columns_stay():
    assert visible("a\tb\nc é 🙂") == "a\tb\nc é 🙂"
