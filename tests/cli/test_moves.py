"""`gateway promote`, `rollback`, `pause`, `resume` and `clear`."""

import getpass
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from gateway.control import moves, reports
from gateway.rollout.guard import Judgement, Verdict
from tests.support.server import environment

CANARY_30 = "canary at 30 %"


@pytest.fixture
def move(invoke: Callable[..., Any], rollout: Callable[..., Path]) -> Callable[..., Any]:
    """Run a verb on the route "catalog", which the file has in canary at 30 %."""
    rollout()
    return lambda verb, *arguments: invoke(verb, "catalog", *arguments)


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


def test_says_how_soon_workers_follow(move):
    assert "Every worker follows within a second; they look every 0.25 s." in move("rollback").stdout


@pytest.mark.parametrize(
    ("verb", "arguments", "follows"),
    [
        ("rollback", [], "Next: `gateway promote catalog` goes to shadow."),
        ("rollback", ["--to", "shadow"], "goes to canary at 1 %; see `gateway diffs catalog` first."),
        ("promote", [], "goes to canary at 100 %; `gateway rollback catalog` goes back at once."),
        ("promote", ["--to", "live"], "goes to retired, from which there is no way back without --force; `gateway"),
        ("promote", ["--to", "retired"], "Next: `gateway check` says which views can be deleted; back only by"),
        (
            "pause",
            [],
            "Next: `gateway resume catalog` lets it go on by itself; `gateway promote catalog` goes to canary",
        ),
    ],
)
def test_says_what_is_next(move, verb, arguments, follows):
    assert follows in move(verb, *arguments).stdout


def test_says_what_comes_by_itself(invoke, rollout):
    rollout("interval = 600")
    stdout = invoke("promote", "catalog").stdout
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
    result = move("clear")
    assert f"catalog: legacy → {CANARY_30}, as the file declares (revision " in result.stdout


def test_json_has_everything(move):
    move("rollback", "--why", "too slow", "--who", "ada")
    document = json.loads(move("promote", "--who", "grace", "--json").stdout)
    assert document.pop("revision") > 0
    assert document == {
        "route": "catalog",
        "from": {"stage": "legacy", "weight": None, "paused": False},
        "to": {"stage": "shadow", "weight": None, "paused": False},
        "who": "grace",
        "why": "",
        "next": "canary at 1 %",
    }


# -- who and why --------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["promote", "rollback", "pause"])
def test_keeps_who_and_why(move, verb):
    move(verb, "--who", "ada", "--why", "sale on Friday")
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


def test_promoting_what_fails_is_done_and_warned_of(move, monkeypatch):
    reason = "parity 0.0 % over 390 compared answers in 60 s; required 99 %"

    def failing(routes: Any, now: Any) -> list[Any]:
        found = status(routes, now)
        return [replace(one, verdict=Judgement(Verdict.FAILING, (reason,))) for one in found]

    status = reports.status
    monkeypatch.setattr(reports, "status", failing)
    result = move("promote")
    assert (result.exit_code, result.stderr) == (0, f"Warning: catalog was failing: {reason}\n")
    assert standing() == "canary at 50 %"


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
