"""Takes copies from the processes that serve, and has them mirrored in this one."""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.types import Scope

from gateway.clock import Clock
from gateway.mirroring.copy import Copy
from gateway.mirroring.mirrors import Mirrors
from gateway.mirroring.wire import ReceivedCopy
from gateway.rollout.decision import LEGACY
from gateway.routing.request import BadRequest, RequestInfo
from gateway.snapshot import Publisher
from gateway.stats.counters import Counters

__all__ = ["Delivery"]

logger = logging.getLogger("gateway.parity")


class Delivery:
    """Makes a Copy of what is received, for `mirrors`.

    `read` reads a request's scope, and `admit` raises BadRequest where an upstream must not see it.
    """

    def __init__(
        self,
        mirrors: Mirrors,
        publisher: Publisher,
        read: Callable[[Scope], RequestInfo],
        admit: Callable[[RequestInfo, Scope, str], None],
        clock: Clock,
        counters: Counters,
    ) -> None:
        self._mirrors = mirrors
        self._publisher = publisher
        self._read = read
        self._admit = admit
        self._clock = clock
        self._counters = counters

    def take(self, sent: ReceivedCopy, done: Callable[[], None]) -> None:
        """Have a received copy mirrored; `done` is called when it was mirrored or dropped."""
        try:
            copy = self._copy_of(sent)
        except Exception as exc:  # logged: others follow
            if not isinstance(exc, BadRequest):
                logger.exception("route %r: a copy can't be mirrored", sent.route)
            self._counters.drop(sent.route, "refused")
            done()
        else:
            copy.done = done
            self._mirrors.enqueue(copy)

    def _copy_of(self, sent: ReceivedCopy) -> Copy:
        """The copy that another process has kept. Raises BadRequest where this one would not have kept it."""
        info = self._read(sent.scope)
        info.request_id = sent.request_id
        snapshot = self._publisher.snapshot
        match = snapshot.match(info, sent.scope)
        if match is None or match.route is None or match.route != sent.route:
            raise BadRequest("another route claims this, or none does")
        policy = snapshot.compiled[match.route].policy
        if sent.upstream != LEGACY:
            self._admit(info, sent.scope, policy.service)
        copy = Copy(sent.upstream, policy, match, info, sent.scope, self._clock.monotonic())
        copy.wait(sent.request_body, sent.answer)
        return copy
