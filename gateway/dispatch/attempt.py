"""One call of a service: its deadline, the body that it has read, and the outcome."""

from __future__ import annotations

import contextvars
from collections.abc import Awaitable

from starlette.types import Message, Receive

from gateway.config.routes import FallbackConfig
from gateway.dispatch.bodies import Bodies, Body
from gateway.dispatch.deadline import Deadlines
from gateway.dispatch.replay_buffer import ReplayBuffer
from gateway.routing.request import RequestInfo
from gateway.types import ERROR, Failure

__all__ = ["ServiceAttempt"]


class ServiceAttempt:
    """The call of one service for the request of `info`; the service reads from `source` through `receive`.

    Its response must start before the deadline in `deadlines`. If the route has a `fallback`, the body that the service
    reads is kept in `bodies`, so that legacy can read it again. `error`, `rolled_back` and `own` are as in `Attempt`.
    `failure` is the error response to send when the service sent none. `timed_out`: it was cancelled at its deadline.
    `body_timed_out`: the client stopped sending its body; it counts as disconnected, though it can still be answered.
    `context` is a copy of the context variables from before the call.
    """

    buffer: ReplayBuffer | None = None  # set when the service reads
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
        """The `receive` that the service gets. Few services read a request without a body, so the buffer is created
        with the first call."""
        if self.buffer is None:
            self.buffer = ReplayBuffer(self._source, self._limit, self._bodies)
            if b"content-length" in self._info.headers or b"transfer-encoding" in self._info.headers:
                self.buffer.when_read = self._rearm
        return self.buffer()

    def share(self, body: Body) -> None:
        """See `Attempt.share`."""
        if self.buffer is not None:
            self.buffer.share(body)

    def _rearm(self) -> None:
        """Restart the deadline: the time that the caller took to send a part of the body doesn't count."""
        self.deadlines.rearm(self)

    @property
    def expired(self) -> bool:
        """Whether the deadline has passed. Call it once, at the end."""
        return self.deadlines.expired(self)

    @property
    def waits_for_body(self) -> bool:
        """Whether the service waits for more of the body, which the client has not sent."""
        return self.buffer is not None and self.buffer.waits

    @property
    def client_gone(self) -> bool:
        """Whether the service has found, while reading, that the client disconnected."""
        return self.buffer is not None and self.buffer.gone

    @property
    def by_middleware(self) -> bool:
        """Whether the failure is that of a middleware of the project: the service was not called, or succeeded."""
        return self.own is not None and self.own < ERROR and self.error is None and self.failure is None

    def replay(self) -> Receive | None:
        """A `receive` that gives the whole request again; None when it was not kept."""
        if self.buffer is None:
            return self._source
        return self.buffer.again() if self.buffer.whole else None
