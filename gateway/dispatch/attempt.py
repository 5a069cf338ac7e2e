"""A service that is asked: until when it has to begin its answer, what it has read, and how it fared."""

from __future__ import annotations

import contextvars
from collections.abc import Awaitable

from starlette.types import Message, Receive

from gateway.config.routes import FallbackConfig
from gateway.dispatch.bodies import Bodies, Body
from gateway.dispatch.deadline import Deadlines
from gateway.dispatch.replay import ReplayBuffer
from gateway.routing.request import RequestInfo
from gateway.types import ERROR, Failure

__all__ = ["ServiceAttempt"]


class ServiceAttempt:
    """One service's turn at the request of `info`, which it reads from `source` through `receive`.

    It waits among `deadlines` for its answer to begin. Where there is a `fallback`, what it reads is kept, in `bodies`,
    so that legacy can be given it again. `error`, `rolled_back` and `own` are as in `Attempt`. `failure` is what to
    answer where it gave no answer; `timed_out`: it was cancelled for not having begun; `body_timed_out`: the client
    stopped sending: as good as gone, though it can be answered. `context` is as it was before the service was asked.
    """

    buffer: ReplayBuffer | None = None  # what the service has read, once it reads
    failure: Failure | None = None
    error: Exception | None = None
    rolled_back = False
    own: int | None = None
    timed_out = False
    body_timed_out = False

    def __init__(
        self, info: RequestInfo, source: Receive, bodies: Bodies, deadlines: Deadlines, fallback: FallbackConfig | None
    ) -> None:
        self._info = info
        self._source = source
        self._bodies = bodies
        self._limit = fallback.max_body if fallback is not None else 0
        self.deadlines = deadlines
        self.context = contextvars.copy_context()
        deadlines.arm(self)

    def receive(self) -> Awaitable[Message]:
        """What the service reads the request through. Few read one that has no body, so it is kept from the first
        message on."""
        if self.buffer is None:
            self.buffer = ReplayBuffer(self._source, self._limit, self._bodies)
            if b"content-length" in self._info.headers or b"transfer-encoding" in self._info.headers:
                self.buffer.when_read = self._rearm
        return self.buffer()

    def share(self, body: Body) -> None:
        """As `Attempt` has it."""
        if self.buffer is not None:
            self.buffer.share(body)

    def _rearm(self) -> None:
        """What the caller took to send a part of the body is not the service's time."""
        self.deadlines.rearm(self)

    @property
    def expired(self) -> bool:
        """Whether its time has passed, in the end; to be asked once."""
        return self.deadlines.expired(self)

    @property
    def waits_for_body(self) -> bool:
        """Whether it waits for more of the body, which the client has not sent."""
        return self.buffer is not None and self.buffer.waits

    @property
    def client_gone(self) -> bool:
        """Whether the client has left, as far as the service has read."""
        return self.buffer is not None and self.buffer.gone

    @property
    def by_middleware(self) -> bool:
        """Whether what failed is a middleware of the project's, as the service was not asked, or had answered well."""
        return self.own is not None and self.own < ERROR and self.error is None and self.failure is None

    def replay(self) -> Receive | None:
        """A `receive` that gives all of the request again; None when it isn't remembered."""
        if self.buffer is None:
            return self._source
        return self.buffer.again() if self.buffer.whole else None
