"""Records which lines of the project run for a request: `gateway record --lines` distinguishes requests by them.

From Python 3.12 on, `sys.monitoring` reports each line of a function once until it is reset, on every thread and task.
Under Python 3.11, a trace function (`sys.settrace`) runs for one request of ten, on the thread that answers it: not for
code on the event loop, nor together with a debugger or a coverage tool.
"""

from __future__ import annotations

import sys
import sysconfig
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Protocol

from gateway.context.recording import Recorder, recorder
from gateway.threads import current_thread

__all__ = ["LineTracer", "line_tracer"]

NAME = "gateway record"
PLACES = (3, 4)  # tool IDs of sys.monitoring without a conventional owner
TRACED = 10  # one request of this many is traced, since tracing slows each call and line


_PATHS = sysconfig.get_paths()
_INSTALLED = (
    *{_PATHS[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")},
    str(Path(__file__).parents[1]),
    "<",
)


class LineTracer(Protocol):
    """Adds lines to `Recorder.lines` of the running request, between `start` and `stop`, on any thread."""

    def start(self) -> None:
        """Start. A second call has no effect."""

    def stop(self) -> None:
        """Stop."""

    def chooses(self) -> bool:
        """Whether the next request is to be traced. Called on the event loop, once for each."""

    def begin(self, current: Recorder) -> None:
        """A request that was chosen begins on this thread. `lines` is None afterwards if it can't be traced."""


@lru_cache(maxsize=10_000)
def is_of_project(file: str) -> bool:
    """Whether a file belongs to the project: not to Python, an installed package, or this one."""
    return not file.startswith(_INSTALLED) and "site-packages" not in file


class MonitoringTracer:
    """Uses `sys.monitoring`, passed as `monitoring`. If other tools use both tool IDs, nothing is traced."""

    def __init__(self, monitoring: Any) -> None:
        self._monitoring = monitoring
        self._tool: int | None = None
        self._codes: list[CodeType] = []
        self._lock = threading.Lock()

    def start(self) -> None:
        with self._lock:
            monitoring = self._monitoring
            free = [tool for tool in PLACES if monitoring.get_tool(tool) is None]
            if self._tool is not None or not free:
                return
            self._tool = free[0]
            monitoring.use_tool_id(self._tool, NAME)
            monitoring.register_callback(self._tool, monitoring.events.PY_START, self._called)
            monitoring.register_callback(self._tool, monitoring.events.LINE, self._ran)
            monitoring.set_events(self._tool, monitoring.events.PY_START)
            monitoring.restart_events()

    def stop(self) -> None:
        with self._lock:
            if self._tool is None:
                return
            monitoring, tool, self._tool = self._monitoring, self._tool, None
            monitoring.set_events(tool, 0)
            for code in self._codes:
                monitoring.set_local_events(tool, code, 0)
            self._codes.clear()
            for event in (monitoring.events.PY_START, monitoring.events.LINE):
                monitoring.register_callback(tool, event, None)
            monitoring.free_tool_id(tool)

    def chooses(self) -> bool:
        return True

    def begin(self, current: Recorder) -> None:
        if self._tool is None:
            current.lines = None

    def _called(self, code: CodeType, _offset: int) -> object:
        """A function is called for the first time: if it is the project's, enable line events for it."""
        tool = self._tool
        if tool is not None and is_of_project(code.co_filename):
            self._monitoring.set_local_events(tool, code, self._monitoring.events.LINE)
            self._codes.append(code)
        return self._monitoring.DISABLE

    def _ran(self, code: CodeType, line: int) -> None:
        current = recorder.get()
        if current is not None and current.lines is not None:
            current.traced += 1
            current.lines.add((code.co_filename, line))


class TraceFunctions:
    """Uses `sys.settrace`, for one request of TRACED."""

    def __init__(self) -> None:
        self._active = False
        self._count = -1

    def start(self) -> None:
        self._active = True

    def stop(self) -> None:
        self._active = False

    def chooses(self) -> bool:
        self._count += 1
        return self._count % TRACED == 0

    def begin(self, current: Recorder) -> None:
        lines = current.lines
        if not self._active or current_thread() is None or sys.gettrace() is not None:
            current.lines = None
        elif lines is not None:
            sys.settrace(_tracing(current, lines))


def _tracing(current: Recorder, lines: set[tuple[str, int]]) -> Callable[..., Any]:
    """A trace function for one request. It removes itself at the first call for another request on its thread."""

    def called(frame: FrameType, _event: str, _arg: object) -> Any:
        if recorder.get() is not current:
            sys.settrace(None)
            return None
        current.traced += 1
        return ran if is_of_project(frame.f_code.co_filename) else None

    def ran(frame: FrameType, event: str, _arg: object) -> Any:
        current.traced += 1
        if event == "line":
            lines.add((frame.f_code.co_filename, frame.f_lineno))
        return ran

    return called


def _made() -> LineTracer:
    monitoring = getattr(sys, "monitoring", None)
    return TraceFunctions() if monitoring is None else MonitoringTracer(monitoring)


line_tracer = _made()
