"""Copies of requests, sent to the other upstream once their callers have been answered, and compared.

Nobody waits for a mirror, so none may cost a caller anything. They are gathered, and sent one after another whenever no
request has come for a moment. What waits is bounded in number and bytes, and while the event loop is late or requests
wait for a thread, mirrors are dropped. What was dropped is counted.
"""

from __future__ import annotations

import asyncio
import contextvars
from functools import partial

from starlette.types import Scope

from gateway.clock import Clock
from gateway.config.rollout import MirrorSettings
from gateway.mirroring.copy import Copy
from gateway.mirroring.limits import Limits
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

    `maker` makes them, within the `limits`. With a `sender`, they are not made here: copies are sent to the process
    that does.
    """

    def __init__(
        self,
        settings: MirrorSettings,
        maker: MirrorMaker,
        limits: Limits,
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
        self.enabled = True  # off in users' tests: a mirror would run on nobody's thread and connection

    @property
    def sender(self) -> Sender | None:
        """What sends copies to the process that mirrors; None where that is this one."""
        return self.worker.sender

    @sender.setter
    def sender(self, sender: Sender | None) -> None:
        self.worker.sender = sender

    def start_copy(self, decision: Decision, match: Match, info: RequestInfo, scope: Scope) -> Copy | None:
        """A copy to be kept while the caller is answered; None when there is no room for it."""
        policy = decision.policy
        if policy is None or not self.enabled:
            return None
        now = self._clock.monotonic()
        if reason := self._full(policy.route, match.template, now):
            self._counters.drop(policy.route, reason)
            return None
        return Copy(decision.upstream, policy, match, info, scope, now)

    def submit(self, copy: Copy, *, fell_back: bool) -> None:
        """The caller has been answered: mirror it soon."""
        copy.until = self._clock.monotonic()
        # After this turn of the event loop, at whose end the server writes the end of the answer. In an empty context:
        # the caller's user, language and connection are none of a mirror's business.
        asyncio.get_running_loop().call_soon(
            partial(self._finish, copy, fell_back=fell_back), context=contextvars.Context()
        )

    def _finish(self, copy: Copy, *, fell_back: bool) -> None:
        if reason := copy.finish(fell_back=fell_back):
            self._counters.drop(copy.policy.route, reason)
        else:
            self.enqueue(copy)

    def enqueue(self, copy: Copy) -> None:
        """Mirror a copy that is finished, if there is room for it."""
        if reason := self._full(copy.policy.route, copy.match.template, copy.until, copy.size):
            self.worker.drop(copy, reason)
            return
        self.queue.append(copy)
        self.worker.schedule()

    def _full(self, route: str, template: str, now: float, more: int = 0) -> str | None:
        """Why there is no room for another one of this endpoint, in a word."""
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
        """From now on, make the mirrors of other processes. Nobody here waits for one, however late it is."""
        self.sender = None
        self._limits.work_for_others()

    async def startup(self) -> None:
        """Look for the process that mirrors, where that is another one. It may come later, and may go."""
        if self.sender is not None and self.enabled:
            await self.sender.connect()

    async def shutdown(self) -> None:
        """Stop. What waits is dropped, what runs is cancelled."""
        self._stopped = True
        if self.sender is not None:
            self.sender.close()
        for copy in self.queue.drain():
            self.worker.drop(copy, "stopped")
        await self.worker.stop()
