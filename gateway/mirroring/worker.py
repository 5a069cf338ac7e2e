"""When mirrors are made: those that wait, one after another, whenever no request has come for a moment."""

from __future__ import annotations

import asyncio
import logging

from gateway.clock import Clock
from gateway.config.rollout import MirrorSettings
from gateway.mirroring.copy import Copy
from gateway.mirroring.limits import Limits
from gateway.mirroring.maker import MirrorMaker
from gateway.mirroring.queue import MirrorQueue
from gateway.mirroring.sender import Sender
from gateway.mirroring.stalls import StallTimer
from gateway.stats.counters import Counters

__all__ = ["MirrorWorker"]

logger = logging.getLogger("gateway.parity")

PATIENCE = 0.25  # seconds that a mirror waits for a quiet moment, where there is none
PAUSE = 0.002  # seconds between two looks for one


class MirrorWorker:
    """Works off the `queue`, in as many tasks at once as the settings allow. With a `sender`, it sends the copies."""

    def __init__(
        self,
        settings: MirrorSettings,
        queue: MirrorQueue,
        maker: MirrorMaker,
        limits: Limits,
        counters: Counters,
        clock: Clock,
        sender: Sender | None,
    ) -> None:
        self._settings = settings
        self._queue = queue
        self._maker = maker
        self._limits = limits
        self._counters = counters
        self._clock = clock
        self.sender = sender
        self.running: set[asyncio.Task[None]] = set()
        self._due: asyncio.TimerHandle | None = None  # when those that were gathered are made

    def schedule(self) -> None:
        """Make what waits after `delay`, if something does and more may run."""
        if self._due is not None or not self._queue or len(self.running) >= self._settings.concurrency:
            return
        due = self._clock.monotonic() + self._settings.delay
        self._due = asyncio.get_running_loop().call_later(self._settings.delay, self._begin, due)

    def _begin(self, due: float) -> None:
        """Make those that were gathered: one after another, unless one takes so long that others are due."""
        now = self._clock.monotonic()
        self._due = None
        self._limits.look(now, now - due)
        if self._queue:
            task = asyncio.get_running_loop().create_task(self._work())
            self.running.add(task)
            task.add_done_callback(self.running.discard)
            self.schedule()

    async def stop(self) -> None:
        """Begin no more, and cancel what runs."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        running = [*self.running]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def drop(self, copy: Copy, reason: str) -> None:
        """Let this one not be mirrored, for `reason`: a word."""
        self._counters.drop(copy.policy.route, reason)
        if copy.done is not None:
            copy.done()

    async def _work(self) -> None:
        while self._queue:
            now, first = self._clock.monotonic(), self._queue.first
            reason = self._limits.pressed(first.policy.route, first.match.template, now)
            if reason is None and not self._may_begin(now):
                await self._pause(PAUSE)
                continue
            copy = self._queue.pop()
            if reason is not None:
                self.drop(copy, reason)
                continue
            await self._mirror(copy)
            await self._pause(0)

    def _may_begin(self, now: float) -> bool:
        """Whether the moment is quiet; or there is none, for so long or so many that mirrors would be lost."""
        if self._limits.busy:
            return False
        overdue = now - self._queue.first.until >= PATIENCE or self._queue.half_full
        return overdue or self._limits.quiet(now)

    async def _pause(self, seconds: float) -> None:
        """Let others run, and see how long they do."""
        since = self._clock.monotonic()
        await asyncio.sleep(seconds)
        now = self._clock.monotonic()
        self._limits.look(now, now - since - seconds)

    async def _mirror(self, copy: Copy) -> None:
        """Make a mirror, or have it made, whatever comes of it."""
        try:
            if self.sender is None:
                await self._make(copy)
            elif reason := self.sender.send(copy, self._clock.monotonic()):
                self._counters.drop(copy.policy.route, reason)
        except asyncio.CancelledError:  # by `shutdown`
            self._counters.drop(copy.policy.route, "stopped")
            raise
        except Exception:
            logger.exception("route %r: a mirror failed", copy.policy.route)
            if self.sender is None:
                self._counters.uncompared(copy.policy.route)
            else:
                self._counters.drop(copy.policy.route, "refused")
        finally:
            if copy.done is not None:
                copy.done()

    async def _make(self, copy: Copy) -> None:
        with StallTimer(self._clock) as timer:
            refusal = await self._maker.make(copy)
        now = self._clock.monotonic()
        self._limits.note_stall(copy, timer.longest, now)
        if refusal is not None:
            self._counters.drop(copy.policy.route, "unshielded")
            self._limits.refuse(copy, refusal, now)
