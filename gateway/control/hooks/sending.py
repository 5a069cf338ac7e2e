"""One call of a hook, limited in time, on a thread of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from gateway.clock import SYSTEM, Clock
from gateway.config.hooks import BEFORE, Hook
from gateway.control.database import let_go
from gateway.control.hooks.outcome import CallResult, readable
from gateway.control.hooks.webhook import posted
from gateway.upstreams.importing import ImportStringError, import_from_string

__all__ = ["HookCall", "Refuse"]

PATIENCE = 0.5  # seconds after the time-out until a call is given up
MOST_LEFT = 3  # functions that never end, until a process calls that hook no more


class Refuse(Exception):
    """Raised by a function before a promotion, to refuse it. The message is the reason."""


class HookCall:
    """One call of `hook`, on a thread of its own, begun at once.

    A webhook's call ends with its time-out. A function can't be interrupted: it is left behind. While MOST_LEFT calls
    of a hook are, it isn't called.
    """

    _behind: ClassVar[dict[Hook, list[HookCall]]] = {}  # the calls of this process that still run, or did

    def __init__(self, hook: Hook, payload: Mapping[str, Any], clock: Clock = SYSTEM) -> None:
        self.hook = hook
        self._payload = payload
        self._clock = clock
        self._began = clock.monotonic()
        self._outcome: CallResult | None = None
        # A daemon: a function that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=f"gateway-hook-{hook.name}", daemon=True)
        running = self._behind[hook] = [call for call in self._behind.get(hook, ()) if call.running]
        if sum(call.late for call in running) >= MOST_LEFT:
            self._outcome = CallResult(f"is not called: {MOST_LEFT} of its calls have not ended")
            return
        try:
            self._thread.start()
        except RuntimeError as exc:  # no more threads
            self._outcome = CallResult(f"can't be called: {exc}")
        else:
            running.append(self)

    @property
    def running(self) -> bool:
        """Whether its thread still runs, be it left behind."""
        return self._thread.is_alive()

    @property
    def late(self) -> bool:
        """Whether it has taken so long that it is given up."""
        return self._left() <= 0

    @property
    def outcome(self) -> CallResult | None:
        """What came of it; None while that is not known."""
        if self._outcome is None and self.late:
            self._outcome = CallResult(f"did not answer in {self.hook.timeout:g} s", seconds=self._took())
        return self._outcome

    def wait(self) -> CallResult:
        """Wait for what comes of it."""
        if self._outcome is None:
            self._thread.join(max(0.0, self._left()))
        return self.outcome or CallResult(f"did not answer in {self.hook.timeout:g} s", seconds=self._took())

    def _took(self) -> float:
        return self._clock.monotonic() - self._began

    def _left(self) -> float:
        """Seconds until it is given up."""
        return self.hook.timeout + PATIENCE - self._took()

    def _run(self) -> None:
        try:
            call = posted(self.hook, self._payload, self._clock) if self.hook.url else _called(self.hook, self._payload)
        except BaseException as exc:  # noqa: BLE001 - nobody sees what a thread raises: it is what came of the call
            call = CallResult(f"failed: {type(exc).__name__}")
        if self._outcome is None:  # else it was given up
            self._outcome = replace(call, seconds=self._took())


# -- functions -----------------------------------------------------------------------------------


def _called(hook: Hook, payload: Mapping[str, Any]) -> CallResult:
    # A copy of its own: it may change it.
    event = json.loads(json.dumps(payload))
    try:
        answer = import_from_string(hook.call or "")(event)
    except Refuse as exc:
        return CallResult(reason=readable(str(exc)) or "without a reason")
    except ImportStringError as exc:
        return CallResult(f"can't be imported: {readable(str(exc))}")
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - it may raise whatever it likes
        return CallResult(f"raised {type(exc).__name__}: {readable(str(exc))}")
    finally:
        let_go()  # of connections that it has opened on this thread
    if payload["type"] != BEFORE or answer is None:
        return CallResult()
    if not isinstance(answer, str) or not answer.strip():
        return CallResult(
            f"returned a value of type {type(answer).__name__}: None allows, a text with a reason refuses"
        )
    return CallResult(reason=readable(answer))
