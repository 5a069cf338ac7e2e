"""The supervisor's decisions, with workers that only seem to be."""

import signal
from pathlib import Path
from unittest.mock import Mock

import pytest

from gateway.server.backoff import SETTLED
from gateway.server.supervisor import Supervisor
from gateway.server.worker import Order
from gateway.server.worker_place import HANGS
from gateway.testing import FrozenClock

GRACE = 1.0


class FakeWorker:
    """A worker as the tests want it."""

    def __init__(self, number, since):
        self.number = number
        self.since = since
        self.alive, self.ready, self.leaves, self.changed = True, False, False, False
        self.problem, self.end = "", "was ended by SIGKILL"
        self.silent = 0.0
        self.asked = self.hurried = self.killed = False
        self.waitables = []

    def __repr__(self):
        return f"worker {self.number}"

    def silence(self, now):
        return self.silent

    def terminate(self):
        self.asked = True

    def hurry(self):
        self.hurried = True

    def kill(self):
        self.killed, self.alive = True, False

    def fail(self, problem):
        self.problem, self.alive = problem, False


class Machine:
    """Starts workers: `made` has all of them, the last one last. `meanwhile` is what happens when one is to start."""

    def __init__(self):
        self.clock = FrozenClock()
        self.made = []
        self.meanwhile = lambda: None

    def start(self, order, sockets, clock):
        self.meanwhile()
        self.made.append(FakeWorker(len(self.made) + 1, clock.monotonic()))
        return self.made[-1]


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def made(machine):
    """The workers that were started."""
    return machine.made


@pytest.fixture
def supervise(machine, tmp_path, caplog):
    """A supervisor of so many workers, which serve unless the test says otherwise."""

    started = []

    def start(number=2, *, ready=True, **more):
        path = tmp_path / "gateway.toml"
        path.touch()
        supervisor = Supervisor(
            Order(path, True, GRACE, {}), [], number, patience=60, start=machine.start, clock=machine.clock, **more
        )
        supervisor.machine = machine
        started.append(supervisor)
        supervisor.tick()
        if ready:
            serve(supervisor)
        return supervisor

    with caplog.at_level("INFO", "uvicorn.error"):
        yield start
    for supervisor in started:
        supervisor.close()


def serve(supervisor):
    """Every worker that was started is ready."""
    for worker in supervisor.machine.made:
        worker.ready = True
    return supervisor.tick()


def later(supervisor, seconds):
    supervisor.machine.clock.advance(seconds)
    return supervisor.tick()


def running(made):
    return [worker.number for worker in made if worker.alive and not worker.asked]


# -- a worker dies ------------------------------------------------------------------------------------


def test_who_dies_is_replaced(supervise, made, caplog):
    supervisor = supervise()
    later(supervisor, SETTLED)
    made[0].alive = False
    supervisor.tick()
    assert running(made) == [2, 3]
    assert "worker 1 was ended by SIGKILL" in caplog.text
    assert serve(supervisor)
    assert "All 2 workers serve again" in caplog.text


def test_who_does_not_start_is_tried_again_less_and_less_often(supervise, machine, made, caplog):
    supervisor = supervise()
    later(supervisor, SETTLED)
    made[0].alive = False
    pauses, since = [], machine.clock.time()
    for _ in range(2000):
        later(supervisor, 0.125)
        if made[-1].alive and made[-1].number > 2:
            pauses.append(machine.clock.time() - since)
            since = machine.clock.time()
            made[-1].fail(f"no disk at 0x7f{len(made)}")
    assert [round(pause, 1) for pause in pauses[1:9]] == [0.6, 1.1, 2.1, 4.1, 8.1, 16.1, 30.1, 30.1]
    assert running(made) == [2]
    assert caplog.text.count("no disk") == 1


def test_a_machine_without_room_for_one_more_process_is_tried_again(supervise, machine, made, caplog):
    supervisor = supervise()
    later(supervisor, SETTLED)
    made[0].alive = False
    machine.meanwhile = Mock(side_effect=[BlockingIOError("no process is left"), None])
    supervisor.tick()
    assert running(made) == [2]
    assert "no process is left" in caplog.text
    later(supervisor, 1.0)
    assert running(made) == [2, 3]


def test_a_signal_amid_a_turn_stops_in_the_next_one(supervise, machine, made):
    supervisor = supervise()
    later(supervisor, SETTLED)
    made[0].alive = False

    machine.meanwhile = supervisor.ask_to_stop
    supervisor.tick()
    assert [worker.asked for worker in made[1:]] == [False, False]
    supervisor.tick()
    assert [worker.asked for worker in made[1:]] == [True, True]


def test_another_problem_is_told_too(supervise, made, caplog):
    supervisor = supervise()
    made[0].alive = False
    for problem in ("no disk", "no disk", "no network"):
        later(supervisor, 60)
        made[-1].fail(problem)
    supervisor.tick()
    assert (caplog.text.count("no disk"), caplog.text.count("no network")) == (1, 1)


def test_a_mended_file_is_tried_at_once(supervise, made, tmp_path):
    supervisor = supervise()
    made[0].alive = False
    for _ in range(8):
        later(supervisor, 60)
        made[-1].fail("broken")
    supervisor.tick()
    before = len(made)
    (tmp_path / "gateway.toml").write_text("mended")
    supervisor.tick()
    assert len(made) == before + 1


def test_so_is_one_that_was_gone_and_is_there_again(supervise, made, tmp_path):
    supervisor = supervise()
    (tmp_path / "gateway.toml").unlink()
    made[0].alive = False
    for _ in range(8):
        later(supervisor, 60)
        made[-1].fail("there is no gateway.toml")
    supervisor.tick()
    before = len(made)
    (tmp_path / "gateway.toml").touch()
    supervisor.tick()
    assert len(made) == before + 1


def test_who_dies_again_and_again_is_started_less_and_less_often(supervise, made):
    supervisor = supervise(1)
    for _ in range(100):
        made[-1].ready = True
        supervisor.tick()
        made[-1].alive = False
        later(supervisor, 1)
    assert len(made) < 12


@pytest.mark.parametrize(("patient", "starts"), [(59, 1), (61, 2)])
def test_who_hangs_at_start_is_replaced(supervise, made, patient, starts):
    supervisor = supervise(1)
    later(supervisor, SETTLED)
    made[0].alive = False
    supervisor.tick()
    later(supervisor, patient)
    later(supervisor, 1)
    assert made[1].killed is (starts == 2)
    assert len(made) == 1 + starts


def test_who_hangs_later_is_replaced(supervise, made, caplog):
    supervisor = supervise()
    made[0].silent = HANGS + 1
    supervisor.tick()
    later(supervisor, 1)
    assert made[0].killed
    assert running(made) == [2, 3]
    assert f"worker 1 did not answer for {HANGS:g} seconds" in caplog.text


def test_who_is_asked_to_end_by_somebody_else_is_replaced_at_once(supervise, made):
    supervisor = supervise()
    made[0].leaves = True
    supervisor.tick()
    supervisor.tick()
    assert running(made) == [2, 3]


# -- nobody starts ------------------------------------------------------------------------------------


def test_it_ends_when_nobody_ever_starts(supervise, made, caplog):
    supervisor = supervise(ready=False)
    made[0].fail("no disk")
    supervisor.tick()
    made[1].fail("no network")
    later(supervisor, 0.1)
    assert supervisor.run() == 3
    assert "no disk" in caplog.text
    assert "no network" in caplog.text


def test_one_that_starts_is_enough(supervise, made):
    supervisor = supervise(ready=False)
    made[0].fail("no disk")
    supervisor.tick()
    made[1].ready = True
    supervisor.tick()
    later(supervisor, 1)
    assert running(made) == [2, 3]


def test_nobody_gives_up_later(supervise, made):
    supervisor = supervise()
    for _ in range(5):
        for worker in made:
            worker.fail("no disk")
        later(supervisor, 1)
        later(supervisor, 31)
    assert len(running(made)) == 2


# -- reload -------------------------------------------------------------------------------------------


def test_a_reload_replaces_one_after_the_other(supervise, made):
    supervisor = supervise()
    supervisor.reload()
    seen = [running(made)]
    for _ in range(3):
        supervisor.tick()
        seen.append(running(made))
        serve(supervisor)
    supervisor.tick()
    assert seen == [[1, 2], [1, 2, 3], [2, 3, 4], [3, 4]]


def test_a_reload_that_fails_at_once_is_given_up(supervise, made, caplog):
    supervisor = supervise()
    supervisor.reload()
    supervisor.tick()
    made[2].fail("broken")
    supervisor.tick()
    assert later(supervisor, 600)
    assert running(made) == [1, 2]
    assert "Not reloaded; everything goes on as it was: broken" in caplog.text


def test_a_reload_that_fails_half_way_is_completed(supervise, made):
    supervisor = supervise()
    supervisor.reload()
    supervisor.tick()
    serve(supervisor)
    supervisor.tick()
    made[3].fail("no disk")
    supervisor.tick()
    assert running(made) == [2, 3]
    later(supervisor, 1)
    assert serve(supervisor)
    assert running(made) == [3, 5]


def test_a_reload_may_take_as_long_as_a_start(supervise, made):
    supervisor = supervise(1)
    supervisor.reload()
    supervisor.tick()
    later(supervisor, 59)
    assert serve(supervisor)
    assert running(made) == [2]


def test_a_second_reload_reads_everything_again(supervise, made):
    supervisor = supervise(1)
    supervisor.reload()
    supervisor.tick()
    supervisor.reload()
    supervisor.tick()
    assert running(made) == [1, 3]


def test_a_process_alone_hands_over_once_another_serves(supervise, made):
    supervisor = supervise(0)
    supervisor.reload()
    assert not supervisor.tick()
    assert serve(supervisor)
    assert running(made) == [1]


def test_a_process_alone_goes_on_when_no_other_starts(supervise, made):
    supervisor = supervise(0)
    supervisor.reload()
    supervisor.tick()
    made[0].fail("broken")
    assert not later(supervisor, 1)
    assert not later(supervisor, 600)
    assert len(made) == 1
    supervisor.reload()
    supervisor.tick()
    assert serve(supervisor)


def test_after_a_process_alone_has_handed_over_a_reload_that_fails_leaves_its_successor_in_place(supervise, made):
    supervisor = supervise(0)
    supervisor.reload()
    supervisor.tick()
    serve(supervisor)
    supervisor.reload()
    supervisor.tick()
    made[1].fail("broken")
    assert later(supervisor, 1)
    supervisor.stop()
    assert made[0].asked


def test_a_reload_reaches_the_process_that_mirrors(supervise, made):
    mirrors = Mock()
    supervise(mirrors=mirrors).reload()
    mirrors.reload.assert_called_once_with()


# -- stop ---------------------------------------------------------------------------------------------


def test_stopping_asks_everybody(supervise, made):
    supervisor = supervise()
    made[0].leaves = True
    supervisor.tick()
    supervisor.reload()
    supervisor.tick()
    supervisor.stop()
    assert not running(made)
    supervisor.stop()
    assert all(worker.hurried for worker in made)


def test_a_third_signal_kills_who_has_not_ended(supervise, made):
    supervisor = supervise()
    supervisor.stop()
    supervisor.stop()
    later(supervisor, 1)
    assert not any(worker.killed for worker in made)
    supervisor.stop()
    supervisor.tick()
    assert all(worker.killed for worker in made)


def test_who_does_not_end_is_killed(supervise, made):
    supervisor = supervise(1)
    supervisor.stop()
    later(supervisor, GRACE + 60)
    assert made[0].killed
    assert supervisor.run() == 0


@pytest.mark.parametrize("command", [Supervisor.reload, Supervisor.restart])
def test_nothing_is_started_after_it_was_asked_to_stop(supervise, made, command):
    supervisor = supervise()
    supervisor.stop()
    command(supervisor)
    for worker in made:
        worker.alive = False
    later(supervisor, 60)
    assert len(made) == 2


@pytest.mark.skipif(not hasattr(signal, "SIGTTIN"), reason="no such signals")
def test_signals_add_and_remove_a_worker(supervise, made):
    supervisor = supervise()
    with supervisor.handlers():
        signal.raise_signal(signal.SIGTTIN)
        supervisor.tick()
        serve(supervisor)
        assert running(made) == [1, 2, 3]
        signal.raise_signal(signal.SIGTTOU)
        supervisor.tick()
    assert running(made) == [1, 2]


@pytest.mark.skipif(not hasattr(signal, "SIGTTIN"), reason="no such signals")
def test_the_last_worker_is_never_removed(supervise, made):
    supervisor = supervise(1)
    with supervisor.handlers():
        signal.raise_signal(signal.SIGTTOU)
        supervisor.tick()
    assert running(made) == [1]


# -- for developers -----------------------------------------------------------------------------------


def test_a_change_restarts_at_once(supervise, made):
    changes = []
    supervisor = supervise(1, restarts=True, changes=lambda: changes)
    changes.append(Path("views.py"))
    supervisor.tick()
    changes.clear()
    assert running(made) == [2]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no such signal")
def test_so_does_a_hangup(supervise, made):
    supervisor = supervise(1, restarts=True)
    with supervisor.handlers():
        signal.raise_signal(signal.SIGHUP)
        supervisor.tick()
    assert running(made) == [2]


def test_a_file_that_django_watches_restarts_at_once_too(supervise, made):
    supervisor = supervise(1, restarts=True)
    made[0].changed = True
    supervisor.tick()
    assert running(made) == [2]


def test_what_does_not_start_waits_for_the_next_change(supervise, made):
    changes = []
    supervisor = supervise(1, ready=False, restarts=True, changes=lambda: changes)
    made[0].fail("broken")
    supervisor.tick()
    later(supervisor, 600)
    assert len(made) == 1
    changes.append(Path("views.py"))
    supervisor.tick()
    assert len(made) == 2
