"""What threads ask an event loop to do."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

__all__ = ["Handover"]


class Handover:
    """Jobs from any thread for one event loop, which is woken once for all that come before it gets to run.

    While threads compute, the loop waits for the interpreter lock, and a wake-up for every answer would be a system
    call and a handle each. There is no lock: a job is put down before its thread looks whether the loop has been
    woken, and the loop forgets that it was before it looks for jobs. So each is seen, and at worst it is woken twice.
    """

    __slots__ = ("_jobs", "_woken", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._jobs: deque[Callable[[], object]] = deque()
        self._woken = False

    def put(self, job: Callable[[], object]) -> None:
        """Let the loop call `job` soon, after those put before. Raises RuntimeError when the loop is closed."""
        self._jobs.append(job)
        if self._woken and not self.loop.is_closed():
            return
        self._woken = True
        self.loop.call_soon_threadsafe(self._run)

    def _run(self) -> None:
        self._woken = False
        for _ in range(len(self._jobs)):  # what comes meanwhile has woken the loop again
            try:
                self._jobs.popleft()()
            except Exception as exc:  # noqa: BLE001 - the others are other requests'
                self.loop.call_exception_handler({"message": "a job from a thread failed", "exception": exc})
