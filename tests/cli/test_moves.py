"""`gateway promote`, `rollback`, `pause`, `resume` and `clear`."""

import getpass
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from gateway.cli.moves import _followers
from gateway.control import reports
from gateway.control import transitions as moves
from tests.support.server import environment

CANARY_30 = "canary at 30 %"


@pytest.fixture
def move(invoke: Callable[..., Any], rollout: Callable[..., Path]) -> Callable[..., Any]:
    """Run a verb on the route "catalog", which the file has in canary at 30 %."""
    rollout()

    def run(verb: str, *arguments: str) -> Any:
        unproved = ("--anyway", "--why", "tested") if verb == "promote" and "--why" not in arguments else ()
        return invoke(verb, "catalog", *arguments, *unproved)

    return run


def standing() -> str:
    """Where the audit log says that the route went last."""
    (change,) = reports.changes("catalog", 1)
    return str(change.after)


@pytest.mark.parametrize(
    ("arguments", "after"),
    [
        ([], "canary at 50 %"),
        (["--weight", "40"], "canary at 40 %"),
        (["--to", "live"], "live"),
        (["--to", "retired"], "retired"),
    ],
)
def test_promote_goes_up(move, arguments, after):
    result = move("promote", *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"catalog: {CANARY_30} → {after} (revision ")
    assert standing() == after


@pytest.mark.parametrize(
    ("arguments", "after"),
    [
        ([], "legacy"),
        (["--to", "shadow"], "shadow"),
        (["--to", "canary", "--weight", "5"], "canary at 5 %"),
    ],
)
def test_rollback_goes_down(move, arguments, after):
    result = move("rollback", *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"catalog: {CANARY_30} → {after} (revision ")
    assert standing() == after


def test_one_move_follows_the_other(move):
    move("promote")
    assert move("promote").stdout.startswith("catalog: canary at 50 % → canary at 100 % (revision ")


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "No worker serves now; the next to start goes by it."),
        (1, "1 worker follows within a second."),
        (2, "2 workers follow within a second."),
    ],
)
def test_says_who_follows_and_how_soon(move, monkeypatch, count, said):
    monkeypatch.setattr(reports, "workers", lambda now: [object()] * count)
    assert said in move("rollback").stdout.splitlines()


def test_a_poll_that_takes_longer_is_said(monkeypatch):
    monkeypatch.setattr(reports, "workers", lambda now: [object()])
    assert _followers(5.0) == "1 worker follows within 5 s."


WRITES = 'methods = ["POST"]'
ANYWAY = ("--anyway", "--why", "tested")


@pytest.mark.parametrize(
    ("keys", "verb", "said"),
    [
        (WRITES, ["rollback", "catalog"], "--to canary --anyway --why '…'` goes to canary at"),
        (WRITES, ["rollback", "catalog", "--to", "shadow"], "; nothing of it is compared at shadow."),
        ("interval = 600\nguard = false", ["promote", "catalog", *ANYWAY], "Next: `gateway promote catalog` goes to"),
        ("", ["pause", "catalog"], "Next: `gateway promote catalog` goes to"),
    ],
)
def test_gives_no_advice_that_does_not_apply(invoke, rollout, keys, verb, said):
    rollout(keys)
    stdout = invoke(*verb).stdout
    assert (said in stdout, "diffs" in stdout, "by itself;" in stdout) == (True, False, False)


@pytest.mark.parametrize(
    ("verb", "arguments", "follows"),
    [
        ("rollback", [], "Next: `gateway promote catalog` goes to shadow."),
        ("rollback", ["--to", "shadow"], "goes to canary at 1 %; see `gateway diffs catalog` first."),
        ("promote", [], "goes to canary at 100 %; `gateway rollback catalog` goes back at once."),
        ("promote", ["--to", "live"], "goes to retired, from which there is no way back without --force; `gateway"),
        ("promote", ["--to", "retired"], "Next: `gateway check` says which views can be deleted; back only by"),
        ("pause", [], "Next: `gateway promote catalog` goes to canary"),
    ],
)
def test_says_what_is_next(move, verb, arguments, follows):
    assert follows in move(verb, *arguments).stdout


def test_says_what_comes_by_itself(invoke, rollout):
    rollout("interval = 600")
    stdout = invoke("promote", "catalog", "--anyway", "--why", "tested").stdout
    assert "Next: after 600 s, while it is healthy, it goes to canary at 100 % by itself;" in stdout


def test_pause_and_resume(move):
    assert f"{CANARY_30} → {CANARY_30}, paused (revision" in move("pause").stdout
    assert f"{CANARY_30}, paused → {CANARY_30} (revision" in move("resume").stdout


def test_pausing_what_takes_no_step_says_so(invoke, rollout):
    rollout()
    assert invoke("pause", "catalog").stdout.endswith(
        "catalog has no `interval`, and takes no step by itself anyway.\n"
    )
    invoke("resume", "catalog")
    rollout("interval = 600")
    assert "no `interval`" not in invoke("pause", "catalog").stdout


def test_clear_goes_to_what_the_file_declares(move):
    move("rollback")
    result = move("clear", "--anyway", "--why", "by mistake")
    assert f"catalog: legacy → {CANARY_30}, as the file declares (revision " in result.stdout


def test_clear_says_which_evidence_is_missing_and_how_to_do_without(move):
    move("rollback")
    result = move("clear")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nothing was compared" in result.stderr
    assert "`gateway clear catalog --anyway --why '…'`" in result.stderr


def test_json_has_everything(move):
    move("rollback", "--why", "too slow", "--who", "ada")
    document = json.loads(move("promote", "--who", "grace", "--json").stdout)
    assert (document["command"], document["next"], document["workers"]) == ("promote", "canary at 1 %", 0)
    change = document["change"]
    assert change.pop("revision") > 0
    assert datetime.fromisoformat(change.pop("at")).tzinfo is not None
    assert change == {
        "route": "catalog",
        "verb": "promote",
        "before": {"stage": "legacy", "weight_percent": None, "paused": False},
        "after": {"stage": "shadow", "weight_percent": None, "paused": False},
        "who": "grace",
        "why": "tested",
        "anyway": False,
    }


# -- who and why --------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["promote", "rollback", "pause"])
def test_keeps_who_and_why(move, verb):
    move(verb, "--who", "ada", "--why", "sale on Friday", *(["--anyway"] if verb == "promote" else []))
    (change,) = reports.changes("catalog", 1)
    assert (change.verb, change.who, change.why) == (verb, "ada", "sale on Friday")


def test_who_is_the_operating_systems_user(move):
    move("rollback")
    assert reports.changes("catalog", 1)[0].who == getpass.getuser()


def test_a_user_without_a_name_is_unknown(move, monkeypatch):
    def nameless() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nameless)
    move("rollback")
    assert reports.changes("catalog", 1)[0].who == "unknown"


# -- what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "arguments", "said"),
    [
        ("promote", ["--to", "shadow"], "rollback goes down"),
        ("promote", ["--weight", "30"], "the route is at canary at 30 % already"),
        ("rollback", ["--to", "live"], "isn't lower"),
        ("resume", [], "the route is not paused"),
        ("clear", [], ""),
    ],
)
def test_an_illegal_move_is_status_1(move, verb, arguments, said):
    result = move(verb, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("catalog: ")
    assert said in result.stderr
    assert reports.changes("catalog") == []


@pytest.mark.parametrize(
    ("verb", "arguments", "said"),
    [
        ("promote", ["--to", "production"], "it is one of legacy, shadow, canary, live, retired"),
        ("promote", ["--weight", "150"], "--weight is more than 0 and at most 100, not 150"),
        ("rollback", ["--to", "production"], "it is one of legacy, shadow, canary, live, retired"),
        ("rollback", ["--to", "canary"], "--to canary needs a --weight"),
        ("rollback", ["--weight", "5"], "--weight goes with --to canary"),
    ],
)
def test_what_no_route_could_do_is_status_2(move, verb, arguments, said):
    result = move(verb, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert reports.changes("catalog") == []


def test_a_promotion_without_evidence_is_refused_and_says_what_is_missing(invoke, rollout):
    rollout()
    result = invoke("promote", "catalog")
    assert (result.exit_code, result.stdout) == (1, "")
    first, missing, instead = result.stderr.splitlines()
    assert first == "catalog can't go to canary at 50 % yet:"
    assert missing.startswith("  - inconclusive, 0 requests in 7200 s, 50 are needed: wait for more requests")
    assert instead == "Without this evidence: `gateway promote catalog --anyway --why '…'`."
    assert reports.changes("catalog") == []


def test_what_is_missing_as_json(invoke, rollout):
    rollout()
    error = json.loads(invoke("promote", "catalog", "--json").stdout)["error"]
    assert (error["code"], error["route"]) == ("unproved", "catalog")
    assert error["to"] == {"stage": "canary", "weight_percent": 50.0, "paused": False}
    assert len(error["missing"]) == 1
    assert error["hint"] == "Without this evidence: `gateway promote catalog --anyway --why '…'`."


def test_going_on_without_evidence_needs_a_reason(invoke, rollout):
    rollout()
    result = invoke("promote", "catalog", "--anyway")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--anyway needs a reason" in result.stderr


def test_the_history_says_that_evidence_was_missing(invoke, rollout):
    rollout()
    invoke("promote", "catalog", "--anyway", "--why", "the old one is wrong")
    assert reports.changes("catalog", 1)[0].anyway
    assert "promote anyway: canary at 30 % → canary at 50 %" in invoke("history").stdout


def test_retired_goes_back_only_by_force(move):
    move("promote", "--to", "retired")
    refused = move("rollback")
    assert (refused.exit_code, "--force rolls back all the same" in refused.stderr) == (1, True)
    assert "catalog: retired → legacy (revision " in move("rollback", "--force").stdout


def test_a_conflict_is_status_1_and_names_who_was_first(move, monkeypatch):
    move("promote", "--to", "live", "--who", "ada")
    (first,) = reports.changes("catalog", 1)

    def late(*_: Any, **__: Any) -> None:
        raise moves.Conflict("catalog", first)

    monkeypatch.setattr(moves, "promote", late)
    result = move("promote")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "ada" in result.stderr
    assert "live" in result.stderr


@pytest.mark.parametrize("verb", ["promote", "rollback", "pause", "resume", "clear"])
def test_an_unknown_route_is_status_2_and_names_those_there_are(invoke, rollout, verb):
    path = rollout()
    result = invoke(verb, "catalogue")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"Error: there is no route 'catalogue' in {path}; there are catalog\n"


# -- what stands in the way ---------------------------------------------------------------------------


def test_without_the_app_says_how_to_get_it(move, settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "gateway.control"]
    result = move("rollback")
    assert (result.exit_code, result.stdout) == (3, "")
    assert '"gateway.control" is not in INSTALLED_APPS' in result.stderr
    assert "run `python manage.py migrate`" in result.stderr


@pytest.fixture
def unmigrated(transactional_db):
    """Without the tables of `gateway.control`."""
    tables = [name for name in connection.introspection.table_names() if name.startswith("gateway_control_")]
    for table in tables:
        connection.cursor().execute(f"ALTER TABLE {table} RENAME TO gone_{table}")
    yield
    for table in tables:
        connection.cursor().execute(f"ALTER TABLE gone_{table} RENAME TO {table}")


@pytest.mark.long
@pytest.mark.parametrize("command", ["rollback", "status", "diffs", "history"])
def test_without_its_tables_says_to_migrate(invoke, rollout, unmigrated, command):
    rollout()
    result = invoke(command, "catalog")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == "the tables of gateway.control are missing: run `python manage.py migrate`.\n"


def test_a_rollback_does_without_what_is_wrong_elsewhere_in_the_file(move, here):
    path = here / "gateway.toml"
    path.write_text(path.read_text() + '[[routes]]\nname = "half"\n')
    result = move("rollback")
    assert result.exit_code == 0
    assert "Warning: " in result.stderr
    assert "routes[half]" in result.stderr


@pytest.mark.parametrize("verb", ["promote", "resume", "clear"])
def test_going_on_needs_a_faultless_file(move, here, verb):
    path = here / "gateway.toml"
    path.write_text(path.read_text() + '[[routes]]\nname = "half"\n')
    result = move(verb)
    assert (result.exit_code, result.stdout) == (3, "")


def test_a_promotion_that_can_not_tell_what_it_takes_over_is_made_all_the_same(move, here):
    path = here / "gateway.toml"
    path.write_text(path.read_text().replace("tests.cli.services:catalog", "tests.cli.nowhere:catalog"))
    move("rollback")
    result = move("promote", "--to", "canary")
    assert result.exit_code == 0
    assert "Which URLs it takes over can't be told: " in result.stdout


def test_imports_no_service(move, here):
    path = here / "gateway.toml"
    path.write_text(path.read_text().replace("tests.cli.services:catalog", "tests.cli.nowhere:catalog"))
    assert move("rollback").exit_code == 0


@pytest.fixture
def controlled(project: Path) -> Path:
    """A project with "gateway.control" among its apps, and a route."""
    settings = project / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + 'INSTALLED_APPS += ["gateway.control"]\n')
    (project / "gateway.toml").write_text(
        '[legacy]\nsettings = "mysite.settings"\n[services.s]\napp = "nowhere:app"\n'
        '[[routes]]\nname = "r"\nprefix = "/r"\nservice = "s"\n'
    )
    return project


@pytest.fixture
def migrated(controlled: Path) -> Path:
    """The same, with its tables."""
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=controlled, env=environment(), check=True)
    return controlled


@pytest.mark.server
def test_a_server_follows(gateway, serving, migrated):
    path = migrated / "gateway.toml"
    path.write_text(path.read_text().replace("nowhere:app", "tests.cli.services:news").replace("/r", "/news"))
    path.write_text(path.read_text().replace("[[routes]]", 'middleware = "none"\n[[routes]]'))
    server = serving()
    assert "  routes      r live" in server.log
    assert server.get("/news/")[1]["x-served-by"] == "s"
    gateway("rollback", "r")
    server.wait_for("revision 1 is in force")
    assert server.get("/news/")[1]["x-served-by"] == "legacy"
    assert "  routes      r legacy" in serving().log


@pytest.mark.server
def test_a_new_project_is_told_to_migrate_and_then_it_works(gateway, controlled):
    assert "run `python manage.py migrate`" in gateway("rollback", "r").stderr
    subprocess.run([sys.executable, "manage.py", "migrate"], cwd=controlled, env=environment(), check=True)
    result = gateway("rollback", "r")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("r: live → legacy (revision 1)\n")


@pytest.mark.server
def test_a_database_that_is_away_is_status_3(gateway, controlled):
    settings = controlled / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + 'DATABASES["default"]["NAME"] = "/no/such/folder/db.sqlite3"\n')
    result = gateway("rollback", "r")
    assert (result.returncode, result.stdout) == (3, "")
    assert "the database can't be asked (unable to open database file)" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.server
def test_loads_neither_the_services_nor_what_serves(controlled):
    script = (
        "import sys\n"
        "from gateway.cli.app import app\n"
        "try: app(['rollback', 'r'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'fastapi', 'uvicorn', 'httpx', 'gateway.app', 'mysite.urls', 'rich'} & sys.modules.keys()))\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=controlled, env=environment(), capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
