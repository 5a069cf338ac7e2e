"""The direct path: synchronous views of the project answer requests that no route claims, without a task.

The usual way (app.py) takes a task for each request, which waits for a thread and then passes on the response, message
by message. Here the server's protocol hands the request to a thread at once, and writes the response in one piece, if
it is in memory when the thread returns it. Requests and responses that aren't that simple take the usual way, with the
same objects. Only `gateway serve` has this path (http1/httptools.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.types import Receive, Scope, Send

from gateway.clock import Clock
from gateway.dispatch.bodies import SMALL
from gateway.dispatch.dispatcher import Dispatcher
from gateway.dispatch.exchange import Exchange
from gateway.dispatch.scope import adapt_scope
from gateway.http1.connection import Connection, simple_head
from gateway.mirroring.mirroring import Mirroring
from gateway.observability.observe import observe
from gateway.recording.recordings import Recordings
from gateway.resolver import Resolver
from gateway.rollout.cohort import NOBODY_KNOWN
from gateway.rollout.decision import LEGACY
from gateway.stats.counters import Counters
from gateway.upstreams.base import Legacy, LegacyReply, Outcome

__all__ = ["DirectPath"]

UsualWay = Callable[..., Awaitable[None]]  # Gateway.__call__

COMPLETED = 405  # the status of a response whose headers the gateway completes
USUAL_METHODS = frozenset({"HEAD", "OPTIONS", "CONNECT"})


class DirectPath:
    """Answers requests on the direct path, with the parts of one Gateway."""

    def __init__(
        self,
        usual: UsualWay,
        legacy: Legacy,
        resolver: Resolver,
        dispatcher: Dispatcher,
        mirroring: Mirroring,
        recordings: Recordings,
        counters: Counters,
        clock: Clock,
    ) -> None:
        self._usual = usual
        self._legacy = legacy
        self._resolver = resolver
        self._dispatcher = dispatcher
        self._mirroring = mirroring
        self._recordings = recordings
        self._counters = counters
        self._clock = clock

    def answer(self, scope: Scope, body: bytes | bytearray, connection: Connection) -> bool:
        """Begin to answer the request of `scope`, whose whole body is `body`. Returns whether it was handed to a thread
        at once; otherwise it takes the usual way."""
        resolver, legacy = self._resolver, self._legacy
        try:
            found = snapshot, info, match = resolver.find(scope)
            if (
                match is not None
                or info.method in USUAL_METHODS
                or len(body) > SMALL
                or self._recordings.active
                or not legacy.is_free_for(info.path)
            ):
                connection.run(partial(self._usual, found=found))
                return False
            decision = resolver.decide(None, snapshot, info, NOBODY_KNOWN)
            resolver.admitted(info, scope, decision)
        except Exception:  # noqa: BLE001 - the usual way meets it too: a refusal, or a failure of the project's code
            connection.run(self._usual)
            return False
        exchange = Exchange(
            info, None, decision, legacy.entry, connection.receive, connection.send, snapshot.served, self._clock
        )
        self._mirroring.open(exchange, scope)
        scope = self._dispatcher.scope_factory.for_upstream(scope, exchange)
        adapt_scope(scope, info, None, LEGACY)
        legacy.begin(scope, bytes(body), partial(self._replied, exchange, connection))
        return True

    def _replied(self, exchange: Exchange, connection: Connection, outcome: Outcome) -> None:
        """The view has: write the response, or pass it on in the usual way."""
        if isinstance(outcome, Exception) or outcome.content is None or not self._write(exchange, connection, outcome):
            connection.run(partial(self._pass_on, exchange, outcome))

    def _write(self, exchange: Exchange, connection: Connection, reply: LegacyReply) -> bool:
        """Write the whole response at once. Returns False if it isn't simple enough."""
        status, content, response = reply.start["status"], reply.content or b"", exchange.response
        simple = None if status == COMPLETED else simple_head(status, [*reply.start["headers"], *response.extra])
        if simple is None or simple[1] != len(content) or not connection.write(status, simple[0], content):
            return False
        response.status, response.size, response.complete = status, len(content), True
        response.until = self._clock.monotonic()
        observe(exchange, self._counters)
        return True

    async def _pass_on(self, exchange: Exchange, outcome: Outcome, scope: Scope, receive: Receive, _: Send) -> None:
        """The rest of the usual way, as an ASGI application."""
        entry = partial(self._legacy.finish, outcome)
        try:
            await self._dispatcher.answer(exchange, entry, exchange.scope or scope, receive)
        finally:
            observe(exchange, self._counters)
