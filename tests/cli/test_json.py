"""What `--json` prints: one documented shape for each command, whatever comes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import typer.main
from django.db import OperationalError

from gateway.cli.app import app
from gateway.control import reports
from gateway.control.models import Worker
from gateway.control.store import Origin, write_counts, write_found
from gateway.control.timestamps import NEVER
from gateway.mirroring.difference_log import Example, FoundGroup
from gateway.stats.tally import COUNTER_WINDOW, Mirrored
from gateway.workbench.shapes import SHAPES, ErrorDocument
from tests.control.conftest import tally
from tests.support.shapes import MARK, PAGE, numbers, written

pytestmark = pytest.mark.long

KEY = "a1b2c3d4e5f60718"
WHY = ["--why", "tested"]
MOVED = ["rollback", "catalog"], ["promote", "catalog", *WHY]
# Each document with a command that prints it, and what is to be done before.
PRINTED: list[tuple[str, list[str], list[list[str]]]] = [
    ("check", [], []),
    ("routes", [], []),
    ("brief", ["GET /api/products/{id}/"], []),
    ("contract", [], []),
    ("openapi", [], []),
    ("verify", ["catalog"], []),
    ("scaffold", ["/api/categories/", "--service", "categories", "--dry-run"], []),
    ("explain", ["GET", "/api/products/"], []),
    ("explain", ["DELETE", "/nowhere/", "--host", "evil.example"], []),
    ("status", [], []),
    ("status", ["catalog"], [*MOVED]),
    ("status", [], [["rollback", "former"]]),
    ("promote", ["catalog", "--anyway", *WHY], []),
    ("promote", ["catalog", "--to", "retired", "--anyway", *WHY], []),
    ("rollback", ["catalog"], []),
    ("pause", ["catalog"], []),
    ("resume", ["catalog"], [["pause", "catalog"]]),
    ("clear", ["catalog", "--anyway", *WHY], [*MOVED]),
    ("diffs", [], []),
    ("diffs", ["catalog"], [["diffs", "resolve", KEY, *WHY]]),
    ("diffs resolve", [KEY, *WHY], []),
    ("diffs accept", [KEY, "--until", "2999-12-31", *WHY], []),
    ("record", ["catalog", "--detach"], []),
    ("history", [], [*MOVED]),
    ("history", [], [["record", "catalog", "--detach"]]),
    ("history", [], []),
    ("hooks", [], [*MOVED]),
    ("hooks test", ["here"], []),
    ("sign", ["catalog", "--side", "service"], []),
    ("inventory", ["/api/"], []),
    ("inventory", ["--all", "--sort", "requests"], []),
    ("check", ["--baseline", "baseline.txt"], [["check", "--baseline", "baseline.txt", "--update"]]),
]
# Those that find something here, and end with another status than 0.
FOUND = {"contract": 1, "verify": 1}
ELSEWHERE = {"replay", "replay clean", "retire"}  # tests/workbench/replay, tests/cli/test_retire.py
# What goes wrong, with its exit status and its code.
FAILED: list[tuple[list[str], int, str]] = [
    (["promote", "catalog"], 1, "unproved"),
    (["resume", "catalog"], 1, "illegal_move"),
    (["promote", "frozen"], 1, "refused"),
    (["hooks", "test", "nowhere"], 2, "usage"),
    (["diffs", "resolve", "ffff", *WHY], 1, "no_such_difference"),
    (["record", "--fetch", "00"], 1, "no_such_recording"),
    (["record", "--har", "gateway.toml"], 1, "unreadable"),
    (["record"], 2, "usage"),
    (["record", "/nowhere/"], 2, "usage"),
    (["record", "catalog", "--for", "ages"], 2, "usage"),
    (["promote", "nothing"], 2, "usage"),
    (["contract", "nothing"], 2, "usage"),
    (["openapi", "nothing"], 2, "usage"),
    (["verify", "nothing"], 2, "usage"),
    (["brief", "GET /nowhere/"], 1, "no_such_endpoint"),
    (["brief", "GET /api/products/", "--corpus", "missing.jsonl"], 2, "corpus"),
    (["scaffold", "/nowhere/", "--service", "catalog", "--dry-run"], 1, "no_such_endpoint"),
    (["scaffold", "/admin/", "--service", "catalog", "--dry-run"], 1, "not_scaffolded"),
    (["promote", "catalog", "--to", "production"], 2, "usage"),
    (["promote"], 2, "usage"),
    (["explain", "GET", "/", "--header", "nonsense"], 2, "usage"),
    (["sign", "catalog", "--side", "both"], 2, "usage"),
    (["history", "--no-such-option"], 2, "usage"),
    (["inventory", "--sort", "beauty"], 2, "usage"),
    (["inventory", "--corpus", "missing.jsonl"], 2, "corpus"),
    (["check", "--baseline", "missing.txt"], 2, "usage"),
    (["check", "--update"], 2, "usage"),
    (["status", "--config", "missing.toml"], 3, "configuration"),
    (["routes", "--config", "missing.toml"], 3, "configuration"),
]
LISTENS = 'always = ["signed-header"]'
HOOKS = """
[hooks.here]
call = "tests.cli.services:told"

[hooks.freeze]
call = "tests.cli.services:frozen"
events = ["before_promote"]
routes = ["frozen"]

[[routes]]
name = "frozen"
prefix = "/frozen"
service = "catalog"
claim = "all"
stage = "legacy"
"""
FORMER = '[[routes]]\nname = "former"\nprefix = "/former"\nservice = "catalog"\nclaim = "all"\nstage = "live"'


@pytest.fixture
def stored(invoke: Callable[..., Any], rollout: Callable[..., Any]) -> Callable[..., Any]:
    """The command line, where a route has been compared and a process serves."""
    rollout(LISTENS, FORMER, HOOKS)
    now = datetime.now(UTC)
    start = int(now.timestamp()) // COUNTER_WINDOW * COUNTER_WINDOW
    tallies = {("catalog", side, start): tally(*[0.01] * 60, errors=1) for side in ("service", "legacy")}
    mirrored = {("catalog", start): Mirrored(60, equal=50, different=10, dropped={"lag": 2})}
    origin = Origin(now, {"catalog": "r1"})
    write_counts("a", tallies, mirrored, {"catalog": (60, 1)}, origin)
    example = Example("/api/products/", "/price", "20.00", "20", now.timestamp())
    found = FoundGroup(
        "catalog", "GET /api/products/", KEY, "type", "/price", "breaking", "type changed", 10, 0, (example,)
    )
    write_found([found], {}, now, origin)
    Worker.objects.create(
        id="a", host="h", pid=1, started=now, seen=now, resting={"catalog": "rests"}, refused={"503": 1}
    )
    return invoke


def strings(value: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize(("command", "arguments", "before"), PRINTED)
def test_a_command_prints_its_shape_and_all_of_it(stored, rollout, command, arguments, before):
    for done in before:
        assert stored(*done).exit_code == 0
    if ["rollback", "former"] in before:
        rollout(LISTENS)
    result = stored(*command.split(), *arguments, "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["version"], document["command"]) == (FOUND.get(command, 0), 1, command)
    shape = SHAPES[command].model_validate_json(result.stdout, strict=True)
    assert shape.model_dump(mode="json") == document


@pytest.mark.parametrize(("arguments", "status", "code"), FAILED)
def test_what_fails_says_so_in_the_same_envelope_with_the_same_status(stored, arguments, status, code):
    result = stored(*arguments, "--json")
    document = ErrorDocument.model_validate_json(result.stdout, strict=True)
    assert (result.exit_code, document.command, document.error.code) == (status, arguments[0], code)
    assert document.model_dump(mode="json") == json.loads(result.stdout)
    assert stored(*arguments).exit_code == status


def test_a_configuration_that_does_not_hold_is_what_check_prints(invoke, here):
    (here / "gateway.toml").write_text("[legacy]\nsettings = 2026-01-01\n")
    result = invoke("check", "--json")
    document = SHAPES["check"].model_validate_json(result.stdout, strict=True)
    assert (result.exit_code, document.model_dump(mode="json")) == (3, json.loads(result.stdout))


def test_elsewhere_it_is_an_error_with_every_problem(invoke, here):
    (here / "gateway.toml").write_text('[legacy]\nsettings = 2026-01-01\nthread = "x"\n')
    error = json.loads(invoke("status", "--json").stdout)["error"]
    assert (error["code"], error["problems"][0]["value"]) == ("configuration", "2026-01-01")
    assert len(error["problems"]) > 1


def test_a_database_that_is_away_is_an_error(stored, monkeypatch):
    def away(*_: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(reports, "changes", away)
    result = stored("history", "--json")
    assert (result.exit_code, json.loads(result.stdout)["error"]["code"]) == (3, "database")


def test_a_project_without_the_app_is_one_too(invoke, rollout, settings):
    rollout()
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "gateway.control"]
    result = invoke("history", "--json")
    assert (result.exit_code, json.loads(result.stdout)["error"]["code"]) == (3, "control_missing")
    shown = invoke("status", "--json").stdout
    assert SHAPES["status"].model_validate_json(shown, strict=True).model_dump(mode="json") == json.loads(shown)


def test_every_command_with_json_has_a_shape():
    group: Any = typer.main.get_command(app)
    with_json = {name for name, command in group.commands.items() if "as_json" in {p.name for p in command.params}}
    assert with_json | {"diffs resolve", "diffs accept", "hooks test", "replay clean"} == set(SHAPES)
    assert {command for command, _, _ in PRINTED} | ELSEWHERE == set(SHAPES)


@pytest.mark.parametrize("command", ["status", "diffs", "history", "promote", "sign"])
def test_times_are_iso_8601_with_their_offset(stored, command):
    [(_, arguments, before), *_] = [row for row in PRINTED if row[0] == command]
    for done in before:
        stored(*done)
    texts = [*strings(json.loads(stored(*command.split(), *arguments, "--json").stdout))]
    times = [text for text in texts if re.match(r"\d{4}-\d\d-\d\d", text)]
    assert len(times) > 1
    assert all(re.fullmatch(r"[-\d]{10}T[:\d]{8}\.\d{3}\+00:00", time) for time in times)
    assert not any(datetime.fromisoformat(time) == NEVER for time in times)


def test_what_is_no_count_has_its_unit_in_its_name():
    assert [name for _, name in numbers() if not name.endswith(("percent", "seconds"))] == []
    assert len([*numbers()]) > 5


def test_the_manual_has_every_key():
    assert PAGE.read_text().partition(MARK)[2].strip() == written().strip()


def test_the_manual_names_every_code_with_its_status():
    page = PAGE.read_text()
    codes = ErrorDocument.model_fields["error"].annotation.model_fields["code"].annotation.__args__
    assert dict(re.findall(r"^\| `(\w+)` \| (\d) \|", page, re.MULTILINE)).keys() == {*codes}
    for _, status, code in FAILED:
        assert f"| `{code}` | {status} |" in page
