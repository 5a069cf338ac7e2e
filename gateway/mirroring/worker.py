"""Schedules mirrors: waiting copies are mirrored one after another when no request has arrived for a moment."""

from __future__ import annotations

import asyncio
import logging

from gateway.clock import Clock
from gateway.config.rollout import MirrorSettings
from gateway.mirroring.copy import Copy
from gateway.mirroring.limits import MirrorLimits
from gateway.mirroring.maker import MirrorMaker
from gateway.mirroring.queue import MirrorQueue
from gateway.mirroring.sender import Sender
from gateway.mirroring.stalls import StallTimer
from gateway.stats.counters import Counters

__all__ = ["MirrorWorker"]

logger = logging.getLogger("gateway.parity")

PATIENCE = 0.25  # longest time in seconds that a mirror waits for a quiet moment
PAUSE = 0.002  # seconds between two checks


class MirrorWorker:
    """Processes the `queue`, in as many tasks at once as the settings allow. With a `sender`, it sends the copies."""

    def __init__(
        self,
        settings: MirrorSettings,
        queue: MirrorQueue,
        maker: MirrorMaker,
        limits: MirrorLimits,
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
        self._due: asyncio.TimerHandle | None = None  # timer for the collected copies

    def schedule(self) -> None:
        """Start after `delay` seconds, if copies wait and another task may run."""
        if self._due is not None or not self._queue or len(self.running) >= self._settings.concurrency:
            return
        due = self._clock.monotonic() + self._settings.delay
        self._due = asyncio.get_running_loop().call_later(self._settings.delay, self._begin, due)

    def _begin(self, due: float) -> None:
        """Mirror the collected copies one after another; another task starts if one takes so long that more are due."""
        now = self._clock.monotonic()
        self._due = None
        self._limits.look(now, now - due)
        if self._queue:
            task = asyncio.get_running_loop().create_task(self._work())
            self.running.add(task)
            task.add_done_callback(self.running.discard)
            self.schedule()

    async def stop(self) -> None:
        """Start no more mirrors, and cancel running ones."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        running = [*self.running]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def drop(self, copy: Copy, reason: str) -> None:
        """Drop a copy; `reason` is a word."""
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
        """Whether the moment is quiet, or mirrors have waited for so long, or are so many, that they would be lost."""
        if self._limits.busy:
            return False
        overdue = now - self._queue.first.until >= PATIENCE or self._queue.half_full
        return overdue or self._limits.quiet(now)

    async def _pause(self, seconds: float) -> None:
        """Let other tasks run, and measure the delay."""
        since = self._clock.monotonic()
        await asyncio.sleep(seconds)
        now = self._clock.monotonic()
        self._limits.look(now, now - since - seconds)

    async def _mirror(self, copy: Copy) -> None:
        """Make a mirror, or send the copy; errors are logged."""
        try:
            if self.sender is None:
                await self._make(copy)
            elif reason := self.sender.send(copy, self._clock.monotonic()):
                self._counters.drop(copy.policy.route, reason)
        except asyncio.CancelledError:  # cancelled by `shutdown`
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
