"""All mirroring of a gateway: mirrors that it makes, that it sends to another process, and that it takes from
others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import Token
from pathlib import Path

from starlette.types import Scope

from gateway.admission import admit
from gateway.clock import Clock
from gateway.config.parse import Config
from gateway.context.recording import Recorder
from gateway.dispatch.bodies import Bodies
from gateway.dispatch.exchange import Exchange
from gateway.dispatch.scope_factory import ScopeFactory
from gateway.mirroring.backpressure import Backpressure
from gateway.mirroring.copy import Copy
from gateway.mirroring.delivery import Delivery
from gateway.mirroring.difference_log import DifferenceLog
from gateway.mirroring.findings import MirrorFindings
from gateway.mirroring.limits import MirrorLimits
from gateway.mirroring.maker import MirrorMaker
from gateway.mirroring.mirrors import Mirrors
from gateway.mirroring.receiver import Receiver
from gateway.mirroring.rules import Rules
from gateway.mirroring.sender import Sender
from gateway.mirroring.tap import Sampler, Tap
from gateway.mirroring.wire import greeting
from gateway.randomness import Randomness
from gateway.rollout.decision import LEGACY
from gateway.routing.request import RequestInfo
from gateway.snapshot import Publisher
from gateway.stats.counters import Counters
from gateway.upstreams.base import Legacy, Upstream

__all__ = ["Mirroring"]

STARTS = 60.0  # seconds until a warning that the process for mirrors, started by the server, is missing


class Mirroring:
    """Mirrors requests between `legacy` and the other `upstreams`, as `config` says.

    `shields`: both sides are in this process, so shared resources are shielded from mirrors; `barred` names those that
    can't be, and then no mirrors are made. `read` reads a request's scope. `key` is the key with which values are
    hashed before they are stored. `sampler` takes requests for recordings.
    """

    def __init__(
        self,
        config: Config,
        legacy: Legacy,
        upstreams: Mapping[str, Upstream],
        scope_factory: ScopeFactory,
        bodies: Bodies,
        sampler: Sampler,
        publisher: Publisher,
        read: Callable[[Scope], RequestInfo],
        counters: Counters,
        *,
        key: bytes,
        shields: bool,
        barred: list[str],
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._config = config
        self._legacy = legacy
        self._upstreams = upstreams
        self._scope_factory = scope_factory
        self._counters = counters
        self._clock = clock
        self._shields = shields
        self.barred = barred
        self.difference_log = DifferenceLog()
        self.backpressure = Backpressure(legacy, config.mirror.lag)
        self.rules = Rules(publisher.snapshot.routes, key, clock)
        maker = MirrorMaker(
            config.mirror,
            self.rules,
            MirrorFindings(counters, self.difference_log, clock, randomness),
            entries=lambda upstream: upstreams[upstream].entry,
            prepared=self._prepare,
            counters=counters,
            clock=clock,
            trace_bits=randomness.bits,
            rolls_back=frozenset(name for name, service in config.services.items() if service.rolls_back),
        )
        limits = MirrorLimits(self.backpressure, config.mirror.lag, barred=bool(barred))
        self.mirrors = Mirrors(config.mirror, maker, limits, counters, clock, sender=self._sender(config.mirror_socket))
        self._sampler = sampler
        self._tap = Tap(self.mirrors, sampler, bodies)
        self.delivery = Delivery(self.mirrors, publisher, read, self._admit, clock, counters)

    def open(self, exchange: Exchange, scope: Scope) -> Token[Recorder | None] | None:
        """Begin to copy a request, if it is to be mirrored or recorded. Returns the token for `close`."""
        self.backpressure.arrived = exchange.since
        return self._tap.open(exchange, scope) if exchange.decision.mirror or self._sampler.active else None

    def close(self, exchange: Exchange, token: Token[Recorder | None]) -> None:
        """The caller has its response: have the copy mirrored."""
        self._tap.close(exchange, token)

    def _prepare(self, copy: Copy, upstream: str) -> Scope:
        """The scope of a mirror, as that upstream would have seen the request. Raises BadRequest if it must not."""
        if upstream != LEGACY:
            self._admit(copy.info, copy.scope, upstream)
        if self._shields:
            from gateway.shield import shield_imported

            shield_imported()  # a view may have imported more since
        return self._scope_factory.for_mirror(copy.scope, copy.info, copy.match, upstream)

    def _admit(self, info: RequestInfo, scope: Scope, upstream: str) -> None:
        """Raise BadRequest if the upstream must not see the request."""
        admit(info, scope, self._legacy, self._upstreams[upstream])

    # -- in another process -----------------------------------------------------------------------

    def _sender(self, path: Path | None, patience: float = 0.0) -> Sender | None:
        if path is None or not self._config.routes:
            return None
        return Sender(
            str(path),
            greeting(self._config),
            self._config.mirror.memory,
            self._clock,
            lost=self._counters.drop,
            patience=patience,
        )

    def have_mirrored_at(self, path: Path) -> None:
        """Have all mirrors made by the process that the server has started for that, which listens at `path`. To be
        called before `startup`."""
        self.mirrors.sender = self._sender(path, STARTS)

    def take_mirrors(self) -> Receiver:
        """A receiver for copies from processes that serve. From now on, this process mirrors for them."""
        self.mirrors.work_for_others()
        most = max((route.mirror.max_body for route in self._config.routes), default=0)
        return Receiver(greeting(self._config), self.delivery.take, most)
