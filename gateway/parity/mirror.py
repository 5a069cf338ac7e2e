"""Copies of requests, sent to the other upstream once their callers have been answered, and compared.

Nobody waits for a mirror, so none may cost a caller anything. They are gathered, and sent one after another whenever no
request has come for a moment. What waits is bounded in number and bytes, and while the event loop is late or requests
wait for a thread, mirrors are dropped. What was dropped is counted.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, date, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope

from gateway.clock import Clock
from gateway.config import MirrorSettings, RouteConfig
from gateway.observability.counters import Counters
from gateway.parity.answer import Answer
from gateway.parity.compare import Comparison, compare
from gateway.parity.controls import FIRST, Controls
from gateway.parity.copy import Copy
from gateway.parity.load import Load
from gateway.parity.recording import recorder
from gateway.parity.redaction import Redaction, redact_target
from gateway.parity.report import Report
from gateway.parity.rules import CompareRules
from gateway.parity.sender import Sender
from gateway.parity.standstill import Standstills, Watch
from gateway.rollout.decision import LEGACY, Decision
from gateway.routing.facts import BadRequest, Facts
from gateway.routing.table import Match
from gateway.upstreams.base import MIRROR, ClientGone
from gateway.upstreams.deadline import is_cancelled
from gateway.upstreams.malformed import check_start

__all__ = ["Mirrors"]

logger = logging.getLogger("gateway.parity")

PATIENCE = 0.25  # seconds that a mirror waits for a quiet moment, where there is none
PAUSE = 0.002  # seconds between two looks for one
SMALL = 2**14  # bytes that are compared on the event loop; more is compared on a thread


class Mirrors:
    """The mirrors of one process. Used on its event loop.

    `entries` gives what answers for each upstream's name; `prepared` a scope as that upstream is to see it, of which
    it raises BadRequest where it must not see it. `redaction_key` is what values are hashed with before storing.
    With a `sender`, mirrors are not run here: copies are sent to the process that does.
    """

    def __init__(
        self,
        settings: MirrorSettings,
        routes: Mapping[str, RouteConfig],
        *,
        entries: Callable[[str], ASGIApp],
        prepared: Callable[[Copy, str], Scope],
        load: Load,
        counters: Counters,
        report: Report,
        redaction_key: bytes,
        clock: Clock,
        random: Callable[[], float],
        sender: Sender | None = None,
    ) -> None:
        self._settings = settings
        self._entries = entries
        self._prepared = prepared
        self._load = load
        self._counters = counters
        self._report = report
        self._clock = clock
        self._random = random
        self.sender = sender
        self._rules = Rules(routes, redaction_key, clock)
        self._standstills: Standstills | None = Standstills(2 * settings.lag)
        self._controls: defaultdict[str, Controls] = defaultdict(Controls)
        self._waiting: deque[Copy] = deque()
        self._bytes = 0
        self._running: set[asyncio.Task[None]] = set()
        self._due: asyncio.TimerHandle | None = None  # when those that were gathered are sent
        self._stopped = False
        self.enabled = True  # off in users' tests: a mirror would run on nobody's thread and connection

    # -- before and after the caller is answered ------------------------------------------------

    def begin(self, decision: Decision, match: Match, facts: Facts, scope: Scope) -> Copy | None:
        """A copy to be kept while the caller is answered; None when there is no room for it."""
        plan = decision.plan
        if plan is None or not self.enabled:
            return None
        now = self._clock.monotonic()
        if reason := self._full(plan.route, match.template, now):
            self._counters.drop(plan.route, reason)
            return None
        return Copy(decision.upstream, plan, match, facts, scope, now)

    def offer(self, copy: Copy, *, fell_back: bool) -> None:
        """The caller has been answered: mirror it soon."""
        copy.until = self._clock.monotonic()
        # After this turn of the event loop, at whose end the server writes the end of the answer. In an empty context:
        # the caller's user, language and connection are none of a mirror's business.
        asyncio.get_running_loop().call_soon(
            partial(self._take, copy, fell_back=fell_back), context=contextvars.Context()
        )

    def _take(self, copy: Copy, *, fell_back: bool) -> None:
        if reason := copy.finish(fell_back=fell_back):
            self._counters.drop(copy.plan.route, reason)
        else:
            self.add(copy)

    def add(self, copy: Copy) -> None:
        """Mirror a copy that is finished, if there is room for it."""
        if reason := self._full(copy.plan.route, copy.match.template, copy.until, copy.size):
            self._drop(copy, reason)
            return
        self._waiting.append(copy)
        self._bytes += copy.size
        self._gather()

    def _gather(self) -> None:
        """Send what waits after `delay`, if something does and more may run."""
        if self._due is not None or not self._waiting or len(self._running) >= self._settings.concurrency:
            return
        due = self._clock.monotonic() + self._settings.delay
        self._due = asyncio.get_running_loop().call_later(self._settings.delay, self._send, due)

    def _send(self, due: float) -> None:
        """Begin with those that were gathered: one after another, unless one takes so long that others are due."""
        now = self._clock.monotonic()
        self._due = None
        self._load.look(now, now - due)
        if self._waiting:
            task = asyncio.get_running_loop().create_task(self._work())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            self._gather()

    def _full(self, route: str, template: str, now: float, more: int = 0) -> str | None:
        """Why there is no room for another one of this endpoint, in a word."""
        if self._stopped:
            return "stopped"
        if len(self._waiting) >= self._settings.queue:
            return "queue"
        if self._bytes + more > self._settings.memory:
            return "memory"
        if self.sender is not None and self.sender.away(now):
            return "away"
        return self._pressed(route, template, now)

    def _pressed(self, route: str, template: str, now: float) -> str | None:
        """Why none of this endpoint is made now, in a word."""
        if self._standstills is None:
            return None
        return "blocks" if self._standstills.spares(route, template, now) else self._load.pressed(now)

    def work_for_others(self) -> None:
        """From now on, make the mirrors of other processes. Nobody here waits for one, however late it is."""
        self.sender = self._standstills = None

    async def startup(self) -> None:
        """Look for the process that mirrors, where that is another one. It may come later, and may go."""
        if self.sender is not None and self.enabled:
            await self.sender.connect()

    async def shutdown(self) -> None:
        """Stop. What waits is dropped, what runs is cancelled."""
        self._stopped = True
        if self.sender is not None:
            self.sender.close()
        if self._due is not None:
            self._due.cancel()
            self._due = None
        for copy in self._waiting:
            self._drop(copy, "stopped")
        self._waiting.clear()
        running = [*self._running]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    # -- mirrors --------------------------------------------------------------------------------

    async def _work(self) -> None:
        while self._waiting:
            now = self._clock.monotonic()
            reason = self._pressed(self._waiting[0].plan.route, self._waiting[0].match.template, now)
            if reason is None and not self._may_begin(now):
                await self._pause(PAUSE)
                continue
            copy = self._waiting.popleft()
            self._bytes -= copy.size
            if reason is not None:
                self._drop(copy, reason)
                continue
            await self._mirror(copy)
            await self._pause(0)

    def _may_begin(self, now: float) -> bool:
        """Whether the moment is quiet; or there is none, for so long or so many that mirrors would be lost. While
        requests wait for a thread, none begins: that is either over soon, or is pressure."""
        if self._load.busy:
            return False
        overdue = now - self._waiting[0].until >= PATIENCE or len(self._waiting) * 2 > self._settings.queue
        return overdue or self._load.quiet(now)

    async def _pause(self, seconds: float) -> None:
        """Let others run, and see how long they do."""
        since = self._clock.monotonic()
        await asyncio.sleep(seconds)
        now = self._clock.monotonic()
        self._load.look(now, now - since - seconds)

    def _drop(self, copy: Copy, reason: str) -> None:
        self._counters.drop(copy.plan.route, reason)
        if copy.done is not None:
            copy.done()

    async def _mirror(self, copy: Copy) -> None:
        """Make a mirror, or have it made, whatever comes of it."""
        try:
            if self.sender is None:
                await self._make(copy)
            elif reason := self.sender.send(copy, self._clock.monotonic()):
                self._counters.drop(copy.plan.route, reason)
        except asyncio.CancelledError:  # by `shutdown`
            self._counters.drop(copy.plan.route, "stopped")
            raise
        except Exception:
            logger.exception("route %r: a mirror failed", copy.plan.route)
            if self.sender is None:
                self._counters.uncompared(copy.plan.route)
            else:
                self._counters.drop(copy.plan.route, "refused")
        finally:
            if copy.done is not None:
                copy.done()

    async def _make(self, copy: Copy) -> None:
        with Watch(self._clock) as watch:
            await self._compare(copy)
        if self._standstills is not None:
            self._standstills.note(copy.plan.route, copy.match.template, watch.longest, self._clock.monotonic())

    async def _compare(self, copy: Copy) -> None:
        plan, first = copy.plan, copy.answer
        if first is None:
            return
        other = plan.service if copy.upstream == LEGACY else LEGACY
        try:
            scope = self._prepared(copy, other)
        except BadRequest:  # as a service never sees it
            self._counters.drop(plan.route, "refused")
            return
        self._counters.mirror(plan.route)
        second = await self._ask(copy, other, scope)
        side = "service" if copy.upstream == LEGACY else LEGACY
        failed = second.failed is not None
        self._counters.request(plan.route, f"{side} mirrored", second.status, second.seconds, failed=failed)
        legacy, service = (first, second) if copy.upstream == LEGACY else (second, first)
        if legacy.failed is not None:
            self._counters.uncompared(plan.route)
            return
        rules, redaction = self._rules.of(plan.route)
        if self._wants_control(copy):
            again = await self._ask(copy, LEGACY, self._prepared(copy, LEGACY))
            if again.failed is None:
                self._note_control(copy, await _compared(legacy, again, rules))
        self._note(copy, await _compared(legacy, service, rules), redaction)

    def _wants_control(self, copy: Copy) -> bool:
        """Whether legacy is asked twice: for the first requests of a route, and then for some of them."""
        percent = copy.plan.mirror.control
        if not percent or copy.facts.method != "GET":
            return False
        return self._controls[copy.plan.route].made < FIRST or self._random() * 100 < percent

    def _note_control(self, copy: Copy, comparison: Comparison) -> None:
        self._counters.control(copy.plan.route)
        self._controls[copy.plan.route].add_control(copy.template, comparison)
        self._report.add_control(copy.plan.route, copy.template, comparison)

    def _note(self, copy: Copy, comparison: Comparison, redaction: Redaction) -> None:
        route = copy.plan.route
        breaking, any_at_all = self._controls[route].add(copy.template, comparison)
        if comparison.errors and not comparison.differences:
            self._counters.uncompared(route)
        else:
            self._counters.compare(route, breaking=breaking, warning=any_at_all)
        if comparison.differences or comparison.matches:
            query = copy.scope.get("query_string", b"").decode("latin-1")
            path = f"{copy.facts.path}?{query}" if query else copy.facts.path
            target = partial(redact_target, path, redaction)
            self._report.add(route, copy.template, target, comparison, redaction, self._clock.time())

    async def _ask(self, copy: Copy, upstream: str, scope: Scope) -> Answer:
        """What `upstream` answers to the same request, which has the scope that was prepared for it."""
        since = self._clock.monotonic()
        second = Copy(upstream, copy.plan, copy.match, copy.facts, copy.scope, since)
        scope[MIRROR] = True
        asked = _once(copy.asked)
        ended = 0.0

        async def send(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                check_start(message)  # as the server would, for a caller
            second.keep(message)
            if second.over:
                raise ClientGone
            ended = self._clock.monotonic()

        async def ask() -> None:
            try:
                await self._entries(upstream)(scope, asked, send)
            except SystemExit as exc:  # from a task, it would end the server
                raise RuntimeError(f"SystemExit: {exc}") from exc

        # In a context of its own: what one mirror leaves there is none of the next one's business.
        context = contextvars.Context()
        context.run(recorder.set, second.recorder)
        failed = await _failure(ask(), copy.plan.mirror.timeout, context)
        if second.over:
            failed = "too long to be compared"
        elif second.whole and second.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            failed = None  # what fails after a whole answer is no caller's affair
        if failed is not None or not second.whole:
            seconds = self._clock.monotonic() - since
            return Answer(0, (), b"", seconds, second.recorder.sql(), failed or "no whole answer")
        return second.answered(ended - since)


class Rules:
    """The rules of each route as they are today: accepted differences expire."""

    def __init__(self, routes: Mapping[str, RouteConfig], key: bytes, clock: Clock) -> None:
        self._routes = routes
        self._key = key
        self._clock = clock
        self._day: date | None = None
        self._compiled: dict[str, tuple[CompareRules, Redaction]] = {}

    def of(self, route: str) -> tuple[CompareRules, Redaction]:
        """Those of one route."""
        today = datetime.fromtimestamp(self._clock.time(), UTC).date()
        if today != self._day:
            self._day, self._compiled = today, {}
        if route not in self._compiled:
            rules = self._routes[route].compare.compiled(today)
            self._compiled[route] = rules, Redaction(self._key, rules)
        return self._compiled[route]


async def _compared(legacy: Answer, service: Answer, rules: CompareRules) -> Comparison:
    if legacy.body == service.body or len(legacy.body) + len(service.body) <= SMALL:
        return compare(legacy, service, rules)
    return await asyncio.to_thread(compare, legacy, service, rules)


def _once(body: bytes) -> Receive:
    """A `receive` that gives `body`, and then waits for a client that never leaves."""
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            await asyncio.Event().wait()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _failure(asking: Coroutine[Any, Any, None], seconds: float, context: contextvars.Context) -> str | None:
    """Await this in `context`, for so long at most, and say how it failed, if it did."""
    task = asyncio.get_running_loop().create_task(asking, context=context)
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            await task
    except (Exception, asyncio.CancelledError) as exc:  # whatever it is, it is the mirror's answer
        if is_cancelled(exc):
            raise
        return f"TimeoutError after {seconds:g} s" if limit.expired() else f"{type(exc).__name__}: {exc}"
    return None
