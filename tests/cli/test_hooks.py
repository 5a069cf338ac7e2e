"""`gateway hooks`, and what commands do with hooks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import utc_now
from gateway.control.database import DatabaseBusy
from gateway.control.hooks import delivery
from gateway.control.models import HookDelivery, Worker
from tests.support.receiver import Answer, receiver

__all__ = ["receiver"]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WHY = ["--anyway", "--why", "tested"]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def hooked(rollout: Callable[..., Path], receiver: Any) -> Any:
    """A gateway.toml with a hook that is told and one that is asked."""
    rollout(
        "[hooks.chat]",
        f'url = "{receiver.url}/key"\nsecret = "{SECRET}"',
        "[hooks.freeze]",
        f'url = "{receiver.url}/freeze"\nevents = ["before_promote"]\ntimeout = 2',
    )
    return receiver


def test_a_change_is_told_by_the_command_where_no_process_serves(hooked, invoke):
    assert invoke("rollback", "catalog").exit_code == 0
    assert hooked.types() == ["rollback"]
    assert HookDelivery.objects.get().state == "delivered"


def test_if_that_fails_the_change_is_made_and_the_hook_is_told_later(hooked, invoke, monkeypatch):
    def away(*_: Any) -> None:
        raise DatabaseBusy("locked")

    monkeypatch.setattr(delivery, "deliver_now", away)
    result = invoke("rollback", "catalog")
    assert (result.exit_code, "Hooks are told later: locked." in result.stderr) == (0, True)
    assert HookDelivery.objects.get().state == "waiting"


def test_else_by_a_process_that_serves(hooked, invoke):
    Worker.objects.create(id="a", host="h", pid=1, started=utc_now(), seen=utc_now())
    assert invoke("rollback", "catalog").exit_code == 0
    assert (hooked.types(), HookDelivery.objects.get().state) == ([], "waiting")


def test_a_refusal_names_the_hook_the_reason_and_the_way_on(hooked, invoke):
    hooked.answer = lambda _: Answer(403, b'{"reason": "change freeze"}')
    Worker.objects.create(id="a", host="h", pid=1, started=utc_now(), seen=utc_now())
    invoke("rollback", "catalog")
    result = invoke("promote", "catalog")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "catalog can't go to shadow:",
        "  - hook 'freeze' refuses: change freeze",
        "To do it all the same: `gateway promote catalog --anyway --why '…'`.",
    ]
    assert invoke("promote", "catalog", *WHY).exit_code == 0
    assert "promote anyway" in (shown := invoke("history").stdout)
    assert "tested (hook 'freeze' refused: change freeze)" in shown


def test_a_refusal_is_an_error_for_programs(hooked, invoke):
    hooked.answer = lambda _: Answer(403, b'{"reason": "change freeze"}')
    invoke("rollback", "catalog")
    error = json.loads(invoke("promote", "catalog", "--json").stdout)["error"]
    assert error["code"] == "refused"
    assert error["refusals"] == [{"hook": "freeze", "reason": "change freeze", "failed": False}]


def test_hooks_are_listed_without_their_keys(hooked, invoke):
    invoke("rollback", "catalog")
    shown = invoke("hooks").stdout
    assert f"{hooked.url}/…" in shown
    assert "rollback at" in shown
    assert "/key" not in shown + invoke("hooks", "--json").stdout
    assert SECRET not in shown + invoke("hooks", "--json").stdout


def test_what_fails_is_listed_with_the_problem(hooked, invoke):
    hooked.answer = lambda _: Answer(500, b"down")
    invoke("rollback", "catalog")
    assert "answered 500: down (1 attempt, again at " in invoke("hooks").stdout
    chat, freeze = json.loads(invoke("hooks", "--json").stdout)["hooks"]
    assert (chat["waiting"], chat["last"]["problem"], chat["signed"]) == (1, "answered 500: down", True)
    assert (freeze["waiting"], freeze["last"], freeze["events"]) == (0, None, ["before_promote"])


def test_a_test_event_is_sent_at_once(hooked, invoke):
    result = invoke("hooks", "test", "chat")
    assert (result.exit_code, hooked.types()) == (0, ["test"])
    assert result.stdout.startswith(f"chat: {hooked.url}/… answered 200 after 0.")
    assert hooked.got[0].headers["webhook-signature"].startswith("v1,")
    assert not HookDelivery.objects.exists()


def test_a_test_that_fails_says_so_with_status_1(hooked, invoke):
    hooked.answer = lambda _: Answer(404, b"no such hook")
    result = invoke("hooks", "test", "chat")
    assert (result.exit_code, "answered 404: no such hook" in result.stderr) == (1, True)
    document = json.loads(invoke("hooks", "test", "chat", "--json").stdout)
    assert (document["delivered"], document["status"]) == (False, 404)


@pytest.mark.parametrize("arguments", [["test"], ["test", "nothing"], ["send", "chat"]])
def test_wrong_usage_ends_with_status_2(hooked, invoke, arguments):
    assert invoke("hooks", *arguments).exit_code == 2


def test_without_hooks_it_says_where_they_would_be(rollout, invoke):
    rollout()
    assert "has no table [hooks.NAME]" in invoke("hooks").stdout


# -- what `gateway check` says of them ---------------------------------------------------------------


def notes(invoke: Any) -> list[str]:
    found: list[str] = json.loads(invoke("check", "--json").stdout)["notes"]
    return [note for note in found if "hook" in note]


def test_check_says_what_hooks_there_are_and_what_is_wrong_with_them(rollout, invoke, monkeypatch):
    monkeypatch.setenv("GATEWAY_HOOK_CHAT_URL", "https://hooks.example/T0/B0/key")
    rollout(
        "[hooks.chat]\nformat = 'slack'\nroutes = ['cat*']\nevents = ['promote', 'rollback']",
        "[hooks.far]\nurl = 'http://ci.example/key'\nevents = ['hold']",
        f"[hooks.near]\nurl = 'http://127.0.0.1/key'\nsecret = '{SECRET}'",
        "events = ['before_promote']\non_error = 'allow'",
        "[hooks.freeze]\ncall = 'tests.cli.services:frozen'\nevents = ['before_promote']",
    )
    assert notes(invoke) == [
        "hook 'chat' calls https://hooks.example/… for promote, rollback of cat*",
        "hook 'far' calls http://ci.example/… for hold",
        "hook 'near' calls http://127.0.0.1/… for before_promote",
        "hook 'freeze' calls tests.cli.services:frozen for before_promote",
        "hook 'far' is asked over http: whoever is between can read its events, and answer for it",
        "hook 'far' has no secret: what it gets is not signed, and anybody could have sent it",
        "hook 'near' has the secret of the documentation, which everybody knows",
        "hook 'near' lets promotions pass while it doesn't answer (on_error)",
    ]


def test_check_says_what_could_not_be_delivered(hooked, invoke):
    hooked.answer = lambda _: Answer(500, b"down")
    invoke("rollback", "catalog")
    invoke("promote", "catalog", *WHY)
    HookDelivery.objects.filter(event=HookDelivery.objects.order_by("pk").first().event).update(state="failed")
    assert notes(invoke)[-2:] == [
        "hook 'chat': 1 event can't be delivered now: it answered 500: down",
        "hook 'chat' was not told of 1 event in the last 30 days",
    ]
