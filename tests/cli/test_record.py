"""`gateway record`."""

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from gateway.control.models import Recording, Sample, Worker
from gateway.control.recordings import write_batches
from gateway.recording.session import Batch, Found
from gateway.workbench.corpus import read_corpus
from gateway.workbench.record import live
from tests.conftest import project_toml
from tests.project import settings as project_settings
from tests.support.commands import Commands
from tests.support.server import Server, environment, eventually

pytestmark = pytest.mark.long

CASE = {"template": "/api/items/", "method": "GET", "path": "/api/items/"}


def write(recording, *, done=True, cases=1, skipped=None):
    """What a process that serves would."""
    now = datetime.now(UTC)
    Worker.objects.update_or_create(id="a", defaults={"host": "h", "pid": 1, "started": now, "seen": now})
    found = {
        str(number): Found(
            "GET /api/items/", 2, json.dumps(CASE | {"answer": {"status": 200 + number}}), now.timestamp()
        )
        for number in range(cases)
    }
    write_batches("a", [Batch(recording, found, 2 * cases, skipped or {}, done)], now)


@pytest.fixture
def detached(invoke, rollout):
    """A recording that runs."""
    rollout()
    result = invoke("record", "catalog", "--detach", "--json", "--who", "ada")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["recording"]


def test_what_was_recorded_is_fetched_written_and_forgotten(invoke, detached, here):
    write(detached, cases=2, skipped={"busy": 3})
    result = invoke("record", "--fetch", detached)
    assert result.exit_code == 0, result.stderr
    assert [line.split() for line in result.stdout.splitlines()[:3]] == [
        ["endpoint", "status", "cases", "requests"],
        ["GET", "/api/items/", "200", "1", "2"],
        ["GET", "/api/items/", "201", "1", "2"],
    ]
    assert "Left out: 3 times a server paused for a second" in result.stdout
    assert result.stdout.endswith("2 cases of 4 requests in recording.jsonl\n")
    corpus = read_corpus(here / "recording.jsonl")
    assert [(case.path, case.seen) for case in corpus] == [("/api/items/", 2)] * 2
    assert (corpus.about.who, corpus.about.routes, corpus.about.redacted) == ("ada", ("catalog",), True)
    assert not Recording.objects.exists()
    assert not Sample.objects.exists()
    assert invoke("record", "--fetch", detached, "-o", "again.jsonl").exit_code == 1


def test_a_recording_without_cases_says_so_by_its_status(invoke, detached, monkeypatch):
    monkeypatch.setattr(live, "LAST", 0.0)
    result = invoke("record", "--fetch", detached)
    assert result.exit_code == 1
    assert result.stdout == "0 cases of 0 requests in recording.jsonl\n"


def test_json_names_the_file_and_what_is_in_it(invoke, detached):
    write(detached)
    found = json.loads(invoke("record", "--fetch", detached, "--json").stdout)
    assert found["file"] == "recording.jsonl"
    assert found["endpoints"] == [{"endpoint": "GET /api/items/", "status": 200, "cases": 1, "requests": 2}]


def test_a_file_that_is_there_is_not_written_over(invoke, rollout, here):
    rollout()
    (here / "catalog.jsonl").write_text("precious")
    result = invoke("record", "catalog", "--for", "1s")
    assert (result.exit_code, not Recording.objects.exists()) == (2, True)
    assert "catalog.jsonl is there already: name another file by --output, or write over it by --force" in result.stderr


def test_a_file_that_cant_be_written_loses_nothing(invoke, detached):
    write(detached)
    result = invoke("record", "--fetch", detached, "-o", "nowhere/x.jsonl")
    assert (result.exit_code, Sample.objects.count()) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "one of the three"),
        (["catalog", "--fetch", "x"], "one of the three"),
        (["catalog", "--for", "ages"], "--for is 90s, 10m, 2h or up to 7d, not 'ages'"),
        (["catalogue"], "gateway.toml: catalog"),
    ],
)
def test_misuse(invoke, rollout, arguments, said):
    rollout()
    result = invoke("record", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_it_says_where_nobody_serves(invoke, rollout, monkeypatch):
    monkeypatch.setattr(live, "LAST", 0.0)
    rollout(common="poll = 0.01\nflush = 0.01")
    result = invoke("record", "catalog", "--for", "1s")
    assert "No process serves now" in result.stderr
    assert result.exit_code == 1


@pytest.mark.django_db(transaction=True)
def test_ctrl_c_ends_it_and_keeps_what_there_is(invoke, rollout, monkeypatch):
    monkeypatch.setattr(live, "LAST", 0.0)
    rollout()
    real = live.progress

    def interrupted(recording):
        write(recording)
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        monkeypatch.setattr(live, "progress", real)
        return real(recording)

    monkeypatch.setattr(live, "progress", interrupted)
    before = signal.getsignal(signal.SIGINT)
    result = invoke("record", "catalog", "--for", "1h")
    assert result.exit_code == 0, result.stderr
    assert "1 case of 2 requests in catalog.jsonl" in result.stdout
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.django_db(transaction=True)
def test_a_second_ctrl_c_ends_the_command(invoke, rollout, monkeypatch):
    """What was recorded stays in the database, to be fetched."""
    rollout()

    def interrupted(recording):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("the second one was not heard")

    monkeypatch.setattr(live, "progress", interrupted)
    before = signal.getsignal(signal.SIGINT)
    result = invoke("record", "catalog", "--for", "1h")
    assert result.exit_code == 130
    assert signal.getsignal(signal.SIGINT) is before


def test_a_har_file_needs_no_server(invoke, rollout, here, django_user_model):
    rollout()
    django_user_model.objects.create_user("ada", "ada@example.org", "x")
    entry = {"request": {"method": "GET", "url": "http://x/api/products/"}, "response": {"status": 200}}
    (here / "shop.har").write_text(json.dumps({"log": {"entries": [entry]}}))
    result = invoke("record", "--har", "shop.har", "--as", "ada")
    assert result.exit_code == 0, result.stderr
    (case,) = read_corpus(here / "shop.jsonl")
    assert (case.user.kind, case.endpoint, case.route) == ("user", "GET /api/products/", "catalog")
    assert invoke("record", "--har", "shop.har", "--as", "eve", "--force").exit_code == 2


@pytest.mark.server
@pytest.mark.slow
def test_real_servers_record_what_they_serve(tmp_path):
    """Two processes: each has its own share of the requests, and what is alike is one case."""
    default = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db.sqlite3")}
    installed = [*project_settings.INSTALLED_APPS, "gateway.control"]
    settings = {"INSTALLED_APPS": installed, "DATABASES": {"default": default}}
    toml = project_toml()
    (tmp_path / "gateway.toml").write_text(toml)
    env = environment(DJANGO_SETTINGS_MODULE="tests.project.settings", PROJECT_SETTINGS=json.dumps(settings))
    subprocess.run([sys.executable, "-m", "django", "migrate", "--verbosity", "0"], env=env, check=True)
    with (
        Server(tmp_path, toml, "--workers", "2", settings=settings) as server,
        Commands(tmp_path / "gateway.toml", settings) as command,
    ):
        assert eventually(lambda: server.log.count("Application startup complete") == 2), server.log
        started = command("record", "/json/", "/orm/", "--detach", "--json")
        assert started.exit_code == 0, started.stderr
        assert eventually(lambda: [one["revision"] for one in command("status", "--json").json()["workers"]] == [2, 2])
        for _ in range(20):
            for path in ("/json/", "/orm/", "/who/"):
                assert server.request(path).status == 200
        done = command("record", "--fetch", started.json()["recording"], "-o", str(tmp_path / "c.jsonl"))
        assert done.exit_code == 0, done.stderr + done.stdout
    corpus = read_corpus(tmp_path / "c.jsonl")
    assert {(case.path, case.seen) for case in corpus} == {("/json/", 20), ("/orm/", 20)}
    assert next(case for case in corpus if case.path == "/orm/").sql.count >= 1
