"""Copies of requests, sent to the other upstream once their callers have been answered, and compared.

Mirrors must not slow callers down. They are collected, and sent one after another when no request has arrived for a
moment. The number and size of waiting copies are limited, and while the event loop is late or requests wait for a
thread, mirrors are dropped. Dropped mirrors are counted.
"""

from __future__ import annotations

import asyncio
import contextvars
from functools import partial

from starlette.types import Scope

from gateway.clock import Clock
from gateway.config.rollout import MirrorSettings
from gateway.mirroring.copy import Copy
from gateway.mirroring.limits import MirrorLimits
from gateway.mirroring.maker import MirrorMaker
from gateway.mirroring.queue import MirrorQueue
from gateway.mirroring.sender import Sender
from gateway.mirroring.worker import MirrorWorker
from gateway.rollout.decision import Decision
from gateway.routing.request import RequestInfo
from gateway.routing.table import Match
from gateway.stats.counters import Counters

__all__ = ["Mirrors"]


class Mirrors:
    """The mirrors of one process. Used on its event loop.

    `maker` makes them, within the `limits`. With a `sender`, copies are sent to another process instead, which makes
    the mirrors.
    """

    def __init__(
        self,
        settings: MirrorSettings,
        maker: MirrorMaker,
        limits: MirrorLimits,
        counters: Counters,
        clock: Clock,
        sender: Sender | None = None,
    ) -> None:
        self._limits = limits
        self._counters = counters
        self._clock = clock
        self.queue = MirrorQueue(settings.queue, settings.memory)
        self.worker = MirrorWorker(settings, self.queue, maker, limits, counters, clock, sender)
        self._stopped = False
        self.enabled = True  # false in users' tests: a mirror would not run on the test's thread and connection

    @property
    def sender(self) -> Sender | None:
        """Sends copies to the process that mirrors; None if this process makes the mirrors."""
        return self.worker.sender

    @sender.setter
    def sender(self, sender: Sender | None) -> None:
        self.worker.sender = sender

    def start_copy(self, decision: Decision, match: Match, info: RequestInfo, scope: Scope) -> Copy | None:
        """Begin a copy, to be completed while the caller is answered; None when there is no room for it."""
        policy = decision.policy
        if policy is None or not self.enabled:
            return None
        now = self._clock.monotonic()
        if reason := self._full(policy.route, match.template, now):
            self._counters.drop(policy.route, reason)
            return None
        return Copy(decision.upstream, policy, match, info, scope, now)

    def submit(self, copy: Copy, *, fell_back: bool) -> None:
        """The caller has its response: mirror the copy soon."""
        copy.until = self._clock.monotonic()
        # After this turn of the event loop, in which the server writes the end of the response. In an empty context,
        # without the caller's user, language and connection.
        asyncio.get_running_loop().call_soon(
            partial(self._finish, copy, fell_back=fell_back), context=contextvars.Context()
        )

    def _finish(self, copy: Copy, *, fell_back: bool) -> None:
        if reason := copy.finish(fell_back=fell_back):
            self._counters.drop(copy.policy.route, reason)
        else:
            self.enqueue(copy)

    def enqueue(self, copy: Copy) -> None:
        """Mirror a completed copy, if there is room for it."""
        if reason := self._full(copy.policy.route, copy.match.template, copy.until, copy.size):
            self.worker.drop(copy, reason)
            return
        self.queue.append(copy)
        self.worker.schedule()

    def _full(self, route: str, template: str, now: float, more: int = 0) -> str | None:
        """Why there is no room for another mirror of this endpoint, in a word; None if there is."""
        if self._stopped:
            return "stopped"
        if self._limits.unshielded(route, template, now):
            return "unshielded"
        if reason := self.queue.full(more):
            return reason
        if self.sender is not None and self.sender.away(now):
            return "away"
        return self._limits.pressed(route, template, now)

    def work_for_others(self) -> None:
        """From now on, make the mirrors of other processes. No caller waits here, so their delay doesn't matter."""
        self.sender = None
        self._limits.work_for_others()

    async def startup(self) -> None:
        """Connect to the process that mirrors, if that is another one. It may start later, and may end."""
        if self.sender is not None and self.enabled:
            await self.sender.connect()

    async def shutdown(self) -> None:
        """Stop. Waiting copies are dropped, running mirrors are cancelled."""
        self._stopped = True
        if self.sender is not None:
            self.sender.close()
        for copy in self.queue.drain():
            self.worker.drop(copy, "stopped")
        await self.worker.stop()
