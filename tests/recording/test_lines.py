"""Lines tell requests apart: by sys.monitoring where there is one, else by a trace function."""

import json
import sys
import threading

import pytest

from gateway.context.recording import Recorder, recorder
from gateway.recording import lines
from gateway.recording.lines import MonitoringTracer, TraceFunctions, is_of_project
from gateway.threads import Threads
from tests.recording.test_recordings import plan, recorded
from tests.support.asgi import ask, running


def test_what_is_of_the_project():
    assert is_of_project(__file__)
    assert not any(map(is_of_project, (json.__file__, pytest.__file__, lines.__file__, "<frozen abc>", "<string>")))


def view(number):
    if number > 5:
        return "large"
    return "small"


def on_a_thread(work):
    """Run it on a thread of a pool, as a request's."""
    threads, done = Threads(1, name="t"), threading.Event()
    found = []

    def job():
        found.append(work())
        done.set()

    threads.submit(job)
    assert done.wait(10)
    threads.close()
    return found[0]


def traced(tracer, *numbers):
    """The lines of `view` that run, by their numbers in it, for one request each."""

    def work():
        found = []
        for number in numbers:
            current = Recorder()
            current.lines = set() if tracer.chooses() else None
            token = recorder.set(current)
            if current.lines is not None:
                tracer.begin(current)
            view(number)
            recorder.reset(token)
            first = view.__code__.co_firstlineno
            found.append(None if current.lines is None else {line - first for _, line in current.lines})
        return found

    return on_a_thread(work)


@pytest.fixture
def tracer(monkeypatch):
    monkeypatch.setattr(sys, "gettrace", lambda: None)  # a coverage tool may be there
    made = TraceFunctions()
    made.start()
    yield made
    made.stop()


def test_a_trace_function_notes_the_lines_of_one_request_of_ten(tracer):
    found = traced(tracer, *[1] * 10, 9)
    assert [one is not None for one in found] == [True, *[False] * 9, True]
    assert {1, 3} <= found[0]
    assert {1, 2} <= found[10]
    assert 2 not in found[0]


def test_it_does_not_outlive_its_request(tracer):
    def work():
        traced_by = []
        current = Recorder()
        current.lines = set()
        token = recorder.set(current)
        tracer.begin(current)
        recorder.reset(token)
        view(1)  # another request's
        traced_by.append(len(current.lines))
        return traced_by

    assert on_a_thread(work) == [0]


def test_nothing_is_traced_beside_a_debugger_on_an_event_loop_or_after_the_end(monkeypatch):
    tracer = TraceFunctions()
    tracer.start()
    current = Recorder()
    current.lines = set()
    tracer.begin(current)  # this thread is none of the gateway's
    assert current.lines is None
    monkeypatch.setattr(sys, "gettrace", lambda: print)
    assert traced(TraceFunctions(), 1) == [None]
    tracer.stop()
    assert traced(tracer, 1) == [None]


class Events:
    PY_START, LINE = 1, 32


class Monitoring:
    """What `sys.monitoring` does with what it is told, as far as that can be seen."""

    events = Events
    DISABLE = object()

    def __init__(self, taken=()):
        self.tools = dict.fromkeys(taken, "another")
        self.callbacks = {}
        self.local = {}

    def get_tool(self, tool):
        return self.tools.get(tool)

    def use_tool_id(self, tool, name):
        self.tools[tool] = name

    def free_tool_id(self, tool):
        del self.tools[tool]

    def register_callback(self, tool, event, callback):
        self.callbacks[tool, event] = callback

    def set_events(self, tool, events):
        self.events_of_tool = events

    def set_local_events(self, tool, code, events):
        self.local[code] = events

    def restart_events(self):
        pass


def test_monitoring_asks_for_the_lines_of_the_projects_functions_alone():
    monitoring = Monitoring(taken=(3,))
    tracer = MonitoringTracer(monitoring)
    tracer.start()
    tracer.start()
    called, ran = monitoring.callbacks[4, 1], monitoring.callbacks[4, 32]
    assert called(view.__code__, 0) is called(json.loads.__code__, 0) is monitoring.DISABLE
    assert monitoring.local == {view.__code__: 32}
    current = Recorder()
    current.lines = set()
    tracer.begin(current)
    ran(view.__code__, 7)  # for nobody's request
    token = recorder.set(current)
    ran(view.__code__, 8)
    recorder.reset(token)
    assert current.lines == {(__file__, 8)}
    tracer.stop()
    tracer.stop()
    assert (monitoring.tools, monitoring.local) == ({3: "another"}, {view.__code__: 0})


def test_where_other_tools_have_all_places_nothing_is_traced():
    monitoring = Monitoring(taken=(3, 4))
    tracer = MonitoringTracer(monitoring)
    tracer.start()
    current = Recorder()
    current.lines = set()
    tracer.begin(current)
    assert current.lines is None
    tracer.stop()


@pytest.mark.anyio
async def test_a_recording_tells_requests_apart_by_them(gateway, monkeypatch):
    monkeypatch.setattr(lines, "TRACED", 1)
    monkeypatch.setattr(sys, "gettrace", lambda: None)
    async with running(gateway()) as app:
        app.recordings.follow([plan(lines=True)])
        for path in ("/echo/", "/echo/", "/json/"):
            await ask(app, path)
        found, _ = await recorded(app)
        app.recordings.follow([])
    assert sorted((case.path, count) for case, count in found.items()) == [("/echo/", 2), ("/json/", 1)]
    assert all(case.reached for case in found)


@pytest.mark.anyio
async def test_nothing_is_kept_of_requests_that_are_not_chosen(gateway, monkeypatch):
    monkeypatch.setattr(lines.line_tracer, "chooses", iter([True, False, False]).__next__)
    monkeypatch.setattr(sys, "gettrace", lambda: None)
    async with running(gateway()) as app:
        app.recordings.follow([plan(lines=True)])
        for path in ("/echo/", "/json/", "/json/"):
            await ask(app, path)
        found, batch = await recorded(app)
        (session,) = app.recordings._sessions
        app.recordings.follow([])
    assert [case.path for case in found] == ["/echo/"]
    assert (batch.skipped, session.pending) == ({"untraced": 2}, 1)


@pytest.mark.anyio
async def test_what_was_not_traced_is_left_out(gateway, monkeypatch):
    monkeypatch.setattr(lines.line_tracer, "begin", lambda current: setattr(current, "lines", None))
    async with running(gateway()) as app:
        app.recordings.follow([plan(lines=True)])
        await ask(app, "/json/")
        found, batch = await recorded(app)
        app.recordings.follow([])
    assert (found, batch.skipped) == ({}, {"untraced": 1})
