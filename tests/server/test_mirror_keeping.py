"""How the process that mirrors is kept, with a script of the test in its place."""

from __future__ import annotations

import logging
import sys
import tomllib

import pytest

from gateway.config.parse import parse
from gateway.server import backoff, mirror_process
from gateway.server.backoff import SETTLED
from gateway.server.mirror_process import MirrorProcess
from gateway.testing import FrozenClock
from tests.conftest import project_toml
from tests.server.test_mirror_process import APART
from tests.support.server import eventually

RUNS = "while [ ! -e end ]; do sleep 0.01; done; rm end; exit 3"


@pytest.fixture
def kept(tmp_path, monkeypatch, caplog):
    """Have this script kept, which runs in the test's folder."""
    monkeypatch.setattr(backoff, "FIRST_PAUSE", 0.01)
    caplog.set_level(logging.ERROR, "uvicorn.error")
    begun: list[MirrorProcess] = []

    def keep(script: str | None, clock: FrozenClock | None = None) -> MirrorProcess:
        program = tmp_path / "program"
        if script is not None:
            program.write_text(f"#!/bin/sh\ncd {tmp_path}\n{script}\n")
            program.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(program))
        begun.append(MirrorProcess(tmp_path / "gateway.toml", "info", clock or FrozenClock()))
        begun[-1].start()
        return begun[-1]

    yield keep
    for one in begun:
        one.stop()


def pauses(caplog: pytest.LogCaptureFixture) -> list[str]:
    """After which pauses it is said to be started again."""
    return [record.getMessage().rpartition(" in ")[2] for record in caplog.records]


def test_there_is_none_where_the_system_has_no_such_sockets(monkeypatch, tmp_path):
    config, _ = parse(tomllib.loads(project_toml(APART)))
    monkeypatch.delattr("socket.AF_UNIX")
    assert MirrorProcess.wanted(config, tmp_path / "gateway.toml", "info") is None


def test_it_is_told_where_to_listen_and_what_to_read(kept, tmp_path):
    process = kept(f'echo "$@" > arguments; {RUNS}')
    assert eventually((tmp_path / "arguments").exists)
    assert eventually(lambda: (tmp_path / "arguments").read_text() == (
        f"-m gateway mirrors --config {tmp_path / 'gateway.toml'} --for-server {process.socket} --log-level info\n"
    ))  # fmt: skip


def test_one_that_ends_is_started_again_less_and_less_often(kept, caplog):
    kept("exit 3")
    assert eventually(lambda: len(caplog.records) >= 3)
    assert "ended with status 3" in caplog.text
    assert pauses(caplog)[:3] == ["0.01 s", "0.02 s", "0.04 s"]


def test_one_that_has_run_for_long_is_started_again_soon(kept, caplog, tmp_path):
    clock = FrozenClock()
    kept(f"echo >> begun; {RUNS}", clock)
    begun = tmp_path / "begun"
    for number in (1, 2, 3):
        assert eventually(lambda number=number: begun.exists() and begun.stat().st_size == number)
        clock.advance(SETTLED)
        (tmp_path / "end").touch()
    assert eventually(lambda: len(caplog.records) == 3)
    assert pauses(caplog) == ["0.01 s"] * 3


def test_one_that_can_not_be_started_is_tried_again(kept, caplog):
    kept(None)
    assert eventually(lambda: len(caplog.records) >= 2)
    assert "can't be started: [Errno 2]" in caplog.text


def test_a_reload_is_a_hangup_and_no_new_process(kept, tmp_path):
    process = kept(f"trap 'echo >> reloaded' HUP; echo >> begun; {RUNS}")
    assert eventually((tmp_path / "begun").exists)
    process.reload()
    assert eventually((tmp_path / "reloaded").exists)
    assert (tmp_path / "begun").stat().st_size == 1


def test_before_it_is_started_there_is_nothing_to_reload_or_to_stop(tmp_path):
    process = MirrorProcess(tmp_path / "gateway.toml", "info")
    process.reload()
    process.stop()
    assert not process.socket.parent.exists()
    process.start()  # as where a signal comes during the start
    process.stop()


def test_one_that_does_not_end_by_itself_is_killed(kept, monkeypatch, tmp_path):
    monkeypatch.setattr(mirror_process, "ENDS", 0.05)
    process = kept(f"trap '' TERM; echo >> begun; {RUNS}")
    assert eventually((tmp_path / "begun").exists)
    process.stop()
    assert not process.socket.parent.exists()
