"""The results of mirrors' comparisons: counted, compared with legacy's own noise, and added to the difference log."""

from __future__ import annotations

from collections import defaultdict
from functools import partial

from gateway.clock import Clock
from gateway.mirroring.baseline import FIRST, Baseline
from gateway.mirroring.copy import Copy
from gateway.mirroring.difference_log import DifferenceLog
from gateway.parity.compare import Comparison, Severity
from gateway.parity.redact.redaction import Redaction, redact_target
from gateway.randomness import Randomness
from gateway.rollout.decision import SAFE
from gateway.stats.counters import Counters

__all__ = ["MirrorFindings"]


class MirrorFindings:
    """Adds comparisons to `counters` and `difference_log`. Used on the event loop."""

    def __init__(self, counters: Counters, difference_log: DifferenceLog, clock: Clock, randomness: Randomness) -> None:
        self._counters = counters
        self._difference_log = difference_log
        self._clock = clock
        self._randomness = randomness
        self._baselines: defaultdict[str, Baseline] = defaultdict(Baseline)
        self._controls: defaultdict[tuple[str, bool], int] = defaultdict(int)  # by route, for reads and for writes

    def wants_control(self, copy: Copy) -> bool:
        """Whether one side is to be called twice: for the first reads and writes of a route, and then for a sample of
        them. A write is rolled back, like any mirror's."""
        percent, method = copy.policy.mirror.control, copy.info.method
        if not percent or (method in SAFE and method != "GET"):
            return False
        return self._controls[copy.policy.route, method in SAFE] < FIRST or self._randomness.random() * 100 < percent

    def add_control(self, copy: Copy, comparison: Comparison) -> None:
        """Add what differs between two responses of one side."""
        self._controls[copy.policy.route, copy.info.method in SAFE] += 1
        self._counters.control(copy.policy.route)
        self._baselines[copy.policy.route].add_control(copy.template, comparison)
        self._difference_log.add_control(copy.policy.route, copy.template, comparison)

    def add(self, copy: Copy, comparison: Comparison, redaction: Redaction) -> None:
        """Add what differs between the responses of both sides."""
        route = copy.policy.route
        worst = self._baselines[route].add(copy.template, comparison)
        if comparison.errors and not comparison.differences:
            self._counters.uncompared(route)
        else:
            blocks = worst is not None and worst.blocks
            critical, warning = worst is Severity.CRITICAL, worst is Severity.WARNING
            client = copy.info.client
            self._counters.compare(route, breaking=blocks, warning=warning, critical=critical, client=client)
        if comparison.differences or comparison.matches:
            query = copy.scope.get("query_string", b"").decode("latin-1")
            path = f"{copy.info.path}?{query}" if query else copy.info.path
            target = partial(redact_target, path, redaction)
            self._difference_log.add(route, copy.template, target, comparison, redaction, self._clock.time())
