"""docs/hooks.md says what is sent, and its examples work."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer.main

from gateway.cli.app import app
from gateway.clock import SYSTEM
from gateway.config.hooks import AFTER, BEFORE, EVENTS, MOST_SECRETS, NAME, HookConfig, from_environment
from gateway.control.hooks import Refuse, delivery, events, outbox, ramp, sending, watching, webhook
from gateway.control.hooks.events import Event
from gateway.control.hooks.sending import HookCall
from gateway.control.hooks.words import words
from gateway.control.models import HookDelivery
from gateway.control.transitions import promote
from gateway.control.worker import DELIVER
from tests.control.conftest import make_route
from tests.control.hooks.conftest import SECRET, called, calls, make_hook

PAGE = (Path(__file__).parents[3] / "docs" / "hooks.md").read_text()
PAYLOAD, TEXT = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
VERIFICATION, FUNCTION = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
ROWS = dict(re.findall(r"^\| (`\w+`.*?) \| .* \| (.*) \|$", PAGE, re.MULTILINE))


@pytest.mark.django_db
def test_the_payload_is_what_is_sent(receiver, deliver, monkeypatch):
    data = PAYLOAD["data"]
    hook = make_hook(url=receiver.url)
    route = make_route(stage="shadow", service="catalog").with_hooks([hook])
    promote(route, who="ben", to="canary", weight=0.5, anyway=True, why="tested")
    promote(route, who=data["who"], why=data["why"], weight=1.0, anyway=True)
    HookDelivery.objects.update(due=datetime(2026, 1, 1, tzinfo=UTC))
    deliver(hook)
    deliver(hook)
    (sent,) = [request.json for request in receiver.got if request.json["data"]["revision"] == 2]
    assert shape(sent) == shape(PAYLOAD)
    assert sent["data"]["to"] == data["to"]
    assert {key: sent["data"][key] for key in ("route", "who", "why", "revision")} == {
        key: data[key] for key in ("route", "who", "why", "revision")
    }


def shape(value):
    """The keys, with the kinds of values."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return type(value).__name__ if isinstance(value, bool | str) else "number or null"


def test_so_is_the_text():
    assert {"text": words(PAYLOAD)} == TEXT


def test_the_identifier_and_the_time_have_the_form_that_is_shown():
    event = Event("test", {}, datetime(2026, 11, 25, 14, 20, 38, 398000, UTC)).payload()
    assert event["timestamp"] == PAYLOAD["timestamp"]
    assert re.fullmatch(r"[0-9a-f]{32}", event["id"])
    assert re.fullmatch(r"[0-9a-f]{32}", PAYLOAD["id"])


def test_the_verification_accepts_what_is_sent_and_nothing_else(receiver):
    HookCall(make_hook(url=receiver.url, secret=SECRET), PAYLOAD, SYSTEM).wait()
    names: dict = {}
    exec(VERIFICATION, names)  # noqa: S102 - the manual's own
    headers, body = receiver.got[0].headers, receiver.got[0].body
    assert names["verified"](SECRET, headers, body)
    assert not names["verified"](SECRET, headers, body + b" ")
    assert not names["verified"](SECRET, headers | {"webhook-timestamp": "1764080438"}, body)
    assert not names["verified"](f"whsec_{'A' * 32}", headers, body)


def test_the_function_refuses_on_fridays_and_on_no_other_day(monkeypatch):
    names: dict = {}
    exec(FUNCTION, names)  # noqa: S102 - the manual's own
    for day, refuses in ((27, True), (26, False)):
        names["date"] = type(
            "Day", (datetime,), {"today": classmethod(lambda cls, day=day: datetime(2026, 11, day, tzinfo=UTC))}
        )
        if refuses:
            with pytest.raises(Refuse, match="no change on Fridays"):
                names["no_change_on_fridays"]({"type": BEFORE})
        else:
            names["no_change_on_fridays"]({"type": BEFORE})
        names["no_change_on_fridays"]({"type": "promote"})


def test_the_configuration_is_valid():
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    environment = {"GATEWAY_HOOK_CHAT_URL": "https://hooks.slack.com/services/T0/B0/key"}
    for name, table in tomllib.loads(text)["hooks"].items():
        assert NAME.fullmatch(name)
        assert HookConfig.model_validate(from_environment(name, table, environment)).hook(name).events


def test_every_event_is_there():
    assert {name for row in ROWS for name in re.findall(r"`(\w+)`", row)} >= set(EVENTS)
    assert set(AFTER) | {BEFORE} == set(EVENTS)


KEYS = {
    "before_promote": {"route", "service", "from", "to", "who", "why", "revision"},
    "hold": {"route", "service", "from", "to", "reasons"},
    "breaker_open": {"service", "routes", "reason", "host", "pid"},
}


@pytest.mark.parametrize("kind", KEYS)
def test_each_with_its_keys(kind):
    (found,) = [cell for row, cell in ROWS.items() if row.startswith(f"`{kind}`")]
    assert set(re.findall(r"`(\w+)`", found)) == KEYS[kind]


@pytest.mark.parametrize(
    ("said", "value", "expected"),
    [
        ("at most 1000 characters", events.MOST_TEXT, 1000),
        ("at most 20 items", events.MOST_ITEMS, 20),
        ("once in 10 minutes", watching.QUIET.total_seconds(), 600),
        ("64 KiB of a response are read", webhook.MOST_ANSWER, 64 * 1024),
        ("403, 409 or 422", webhook.REFUSALS, {403, 409, 422}),
        ("three of its calls", sending.MOST_LEFT, 3),
        ("asks again each minute", ramp.AGAIN.total_seconds(), 60),
        ("each half second", DELIVER, 0.5),
        ("for up to 3 seconds", delivery.SHORTLY, 3.0),
        ("about 5 seconds", outbox.FIRST_PAUSE.total_seconds(), 5),
        ("for at most an hour", outbox.LONGEST_PAUSE.total_seconds(), 3600),
        ("a list of up to 5", MOST_SECRETS, 5),
        ("up to an hour", outbox.LONGEST_PAUSE.total_seconds(), 3600),
        ("After a day", outbox.GIVEN_UP.total_seconds(), 86400),
        ("`timeout` and 30 seconds", outbox.LEASE.total_seconds(), 30),
        ("Up to 1000 events", outbox.MOST_WAITING, 1000),
        ("deleted after 7 days", outbox.KEPT_DELIVERED.days, 7),
        ("counts it for 30 days", outbox.KEPT_FAILED.days, 30),
    ],
)
def test_each_number_is_the_one_in_force(said, value, expected):
    assert said in " ".join(PAGE.split())
    assert value == expected


@pytest.mark.parametrize("command", re.findall(r"^    \$ gateway (.*)$", PAGE, re.MULTILINE))
def test_the_commands_are_there(command):
    name, *arguments = command.split()
    typer.main.get_command(app).commands[name].make_context(name, arguments)


@pytest.mark.django_db
def test_a_function_gets_the_same_event(deliver):
    hook = called()
    promote(make_route().with_hooks([hook]), who="ana")
    HookDelivery.objects.update(due=datetime(2026, 1, 1, tzinfo=UTC))
    deliver(hook)
    assert calls[0].keys() == PAYLOAD.keys()
