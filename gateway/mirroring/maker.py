"""Makes one mirror: sends the caller's request to the other upstream, and compares both responses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from starlette.types import ASGIApp, Scope

from gateway.clock import Clock
from gateway.config.rollout import MirrorSettings
from gateway.context.mirror_scope import MirrorScope
from gateway.mirroring.answer_tap import AnswerTap
from gateway.mirroring.asking import ask
from gateway.mirroring.copy import Copy
from gateway.mirroring.findings import MirrorFindings
from gateway.mirroring.rules import Rules
from gateway.mirroring.tracing import untraced
from gateway.parity.answer import Answer
from gateway.parity.compare import Comparison, compare
from gateway.parity.rules import CompareRules
from gateway.rollout.decision import LEGACY, SAFE
from gateway.routing.request import BadRequest
from gateway.stats.counters import Counters

__all__ = ["MirrorMaker"]

SMALL = 2**14  # bytes that are compared on the event loop; more is compared on a thread


class MirrorMaker:
    """Makes mirrors, and adds the results to `findings`.

    `entries` has the ASGI application of each upstream by name; `prepared` returns a scope as that upstream is to see
    it, and raises BadRequest if it must not see it. `rolls_back` are the services that roll back writes themselves.
    `trace_bits` draws the numbers of traces.
    """

    def __init__(
        self,
        settings: MirrorSettings,
        rules: Rules,
        findings: MirrorFindings,
        *,
        entries: Callable[[str], ASGIApp],
        prepared: Callable[[Copy, str], Scope],
        counters: Counters,
        clock: Clock,
        trace_bits: Callable[[int], int],
        rolls_back: frozenset[str] = frozenset(),
    ) -> None:
        self._settings = settings
        self._rules = rules
        self._findings = findings
        self._entries = entries
        self._prepared = prepared
        self._counters = counters
        self._clock = clock
        self._trace_bits = trace_bits
        self._rolls_back = rolls_back

    async def make(self, copy: Copy) -> str | None:
        """Send the request to the other upstream, and compare. Returns the resource that it must not use, in words, if
        the mirror used one."""
        policy, first = copy.policy, copy.answer
        if first is None:
            return None
        other = copy.other
        try:
            scope = self._prepared(copy, other)
        except BadRequest:  # the service would never get this request
            self._counters.drop(policy.route, "refused")
            return None
        self._counters.mirror(policy.route)
        second, alone = await self._ask(copy, other, scope, read_only=_reads(copy, first, other))
        if alone.refusal is not None:
            return alone.refusal
        if alone.gave_way is not None:
            self._counters.drop(policy.route, alone.gave_way)
            return None
        await self._judge(copy, first, second)
        return None

    async def _judge(self, copy: Copy, first: Answer, second: Answer) -> None:
        """Compare the caller's response with the mirror's, and add the result to the findings."""
        policy = copy.policy
        side = "service" if copy.upstream == LEGACY else LEGACY
        failed = second.failed is not None
        client = copy.info.client
        self._counters.request(
            policy.route, f"{side} mirrored", second.status, second.seconds, failed=failed, client=client
        )
        legacy, service = (first, second) if copy.upstream == LEGACY else (second, first)
        if legacy.failed is not None:
            self._counters.uncompared(policy.route)
            return
        if policy.service in self._rolls_back:  # what it writes through its own connections is unknown
            service = replace(service, rows=None)
        rules, redaction = self._rules.of(policy.route)
        sent = _sent(copy)
        if await self._proves(copy, first, second, rules, sent):
            self._findings.add(copy, await _compared(legacy, service, rules, sent), redaction)

    async def _proves(self, copy: Copy, first: Answer, second: Answer, rules: CompareRules, sent: bytes) -> bool:
        """Whether the caller's response and the mirror's can be compared: not if a write can't be repeated on either
        side. Differences between two responses of one side are added to the findings."""
        wanted, writes = self._findings.wants_control(copy), copy.info.method not in SAFE
        otherwise = writes and bool(copy.policy.mirror.control) and not _alike(first, second)
        if not (wanted or otherwise):
            return True
        # The caller's upstream wrote to the original state, and the other side comes second, as it does here.
        # For a read, legacy's response is the reference.
        side = copy.upstream if writes else LEGACY
        before = first if side == copy.upstream else second
        again = await self._again(copy, side)
        if again is None:
            return True
        if otherwise and not _alike(before, again):
            self._counters.drop(copy.policy.route, "unrepeatable")
            return False
        if wanted:
            sides = (before, again) if side == LEGACY else (again, before)  # the service's comes second
            self._findings.add_control(copy, await _compared(*sides, rules, sent))
        return True

    async def _again(self, copy: Copy, upstream: str) -> Answer | None:
        """The response of this side to the same request once more; None when that proves nothing."""
        again, alone = await self._ask(copy, upstream, self._prepared(copy, upstream))
        return None if again.failed is not None or alone.refusal is not None or alone.gave_way is not None else again

    async def _ask(
        self, copy: Copy, upstream: str, scope: Scope, *, read_only: bool = False
    ) -> tuple[Answer, MirrorScope]:
        """The response of `upstream` to the same request with the prepared `scope`, and the mirror's scope.
        `read_only`: databases are to refuse its writes, if they can."""
        second = AnswerTap(copy.info.method, copy.policy.mirror.max_body)
        scope["headers"] = untraced(scope["headers"], self._trace_bits)
        writes = copy.info.method not in SAFE
        alone = MirrorScope(
            writes=writes,
            rolls_back=upstream in self._rolls_back,
            read_only=read_only,
            lock_timeout=self._settings.lock_timeout,
            statement_timeout=self._settings.statement_timeout,
            databases=self._settings.database if writes else {},
            hosts=frozenset(copy.policy.mirror.hosts),
        )
        seconds = copy.policy.mirror.timeout
        answer = await ask(self._entries(upstream), scope, second, copy.request_body, alone, self._clock, seconds)
        cold = alone.cold and answer.failed is None and not answer.barred
        return (replace(answer, sql=None) if cold else answer), alone


def _alike(one: Answer, other: Answer) -> bool:
    """Whether both statuses are in the same class."""
    return one.status // 100 == other.status // 100


def _reads(copy: Copy, first: Answer, other: str) -> bool:
    """Whether the mirror of `first` may only read: a service's, if legacy only read."""
    safe = copy.info.method in SAFE
    return safe and other != LEGACY and first.sql is not None and not first.sql.written()


async def _compared(legacy: Answer, service: Answer, rules: CompareRules, sent: bytes) -> Comparison:
    size = 0 if legacy.body == service.body else len(legacy.body) + len(service.body)
    for side in (legacy, service):
        if side.rows is not None and side.rows.written:
            size += sum(len(one.statement) for one in side.rows.written)  # statements to be parsed
    if size <= SMALL:
        return compare(legacy, service, rules, sent)
    return await asyncio.to_thread(compare, legacy, service, rules, sent)


def _sent(copy: Copy) -> bytes:
    """What the caller sent, to tell values that it chose from generated ones; empty when there is nothing."""
    if copy.answer is None or copy.answer.rows is None or not copy.answer.rows.written:
        return b""
    return b"\n".join(
        (copy.info.path.encode("utf-8", "replace"), copy.scope.get("query_string", b""), copy.request_body)
    )
