"""The differences that comparisons in this process have found since the log was last drained, in groups."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from gateway.parity.compare import Comparison, Difference, Severity, fingerprint
from gateway.parity.redact.redaction import Redaction, redact

__all__ = ["DifferenceLog", "Example", "FoundGroup"]

logger = logging.getLogger("gateway.parity")

MOST_GROUPS = 500  # kept between two drains
MOST_EXAMPLES = 3  # kept for a group


@dataclass(frozen=True, slots=True)
class Example:
    """One occurrence, redacted: the request, and what both sides responded."""

    target: str
    pointer: str
    expected: str
    actual: str
    at: float  # seconds since 1970


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """One group of differences. `count` and `noise` are the numbers since the log was last drained: how often the
    service differed from legacy in this way, and legacy from itself."""

    route: str
    template: str
    key: str
    kind: str
    pointer: str
    severity: str
    summary: str
    count: int = 0
    noise: int = 0
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class DrainedLog:
    """Everything found since the last drain: the groups; the number of differences in groups beyond the limit; how
    often each accepted difference occurred, by route and key."""

    groups: tuple[FoundGroup, ...] = ()
    beyond: int = 0
    matches: Mapping[tuple[str, str], int] = field(default_factory=dict)


class DifferenceLog:
    """Collects differences. Any thread may add to it or drain it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: dict[tuple[str, str], FoundGroup] = {}
        self._matches: dict[tuple[str, str], int] = {}
        self._beyond = 0
        self._told: set[tuple[str, str]] = set()

    def add(
        self,
        route: str,
        template: str,
        target: Callable[[], str],
        comparison: Comparison,
        redaction: Redaction,
        at: float,
    ) -> None:
        """Add what a comparison found for a request; `target` returns its redacted target."""
        seen = set()
        shown: str | None = None
        for difference in comparison.differences:
            found = self._group(route, template, difference)
            if found.key in seen:
                continue  # several places in one response are one occurrence
            seen.add(found.key)
            self._tell(found)
            examples: tuple[Example, ...] = ()
            if self._wants_example(found):  # redaction is slow, and callers choose the requests
                shown = shown or target()
                redacted = redact(difference, redaction)
                examples = (Example(shown, redacted.pointer, str(redacted.expected), str(redacted.actual), at),)
            self._count(replace(found, count=1, examples=examples))
        with self._lock:
            for key, times in comparison.matches.items():
                self._matches[route, key] = self._matches.get((route, key), 0) + times

    def add_control(self, route: str, template: str, comparison: Comparison) -> None:
        """Add what differed between two responses of legacy."""
        groups = {found.key: found for found in (self._group(route, template, one) for one in comparison.differences)}
        for found in groups.values():
            self._count(replace(found, noise=1))

    def drain(self) -> DrainedLog:
        """Remove and return what was collected."""
        with self._lock:
            drained = DrainedLog(tuple(self._groups.values()), self._beyond, self._matches)
            self._groups, self._matches, self._beyond = {}, {}, 0
        return drained

    def restore(self, drained: DrainedLog) -> None:
        """Put back what could not be stored."""
        for found in drained.groups:
            self._count(found)
        with self._lock:
            self._beyond += drained.beyond
            for key, times in drained.matches.items():
                self._matches[key] = self._matches.get(key, 0) + times

    def _group(self, route: str, template: str, difference: Difference) -> FoundGroup:
        mark = fingerprint(template, difference)
        severity = difference.severity.value
        return FoundGroup(route, template, mark.key, mark.kind, mark.pointer, severity, mark.summary)

    def _wants_example(self, found: FoundGroup) -> bool:
        """Whether another example would be kept."""
        with self._lock:
            known = self._groups.get((found.route, found.key))
            if known is None:
                return len(self._groups) < MOST_GROUPS
            return len(known.examples) < MOST_EXAMPLES

    def _count(self, found: FoundGroup) -> None:
        key = found.route, found.key
        with self._lock:
            known = self._groups.get(key)
            if known is None and len(self._groups) >= MOST_GROUPS:
                self._beyond += found.count
                return
            if known is not None:
                examples = (known.examples + found.examples)[:MOST_EXAMPLES]
                count, noise = known.count + found.count, known.noise + found.noise
                found = replace(known, count=count, noise=noise, examples=examples)
            self._groups[key] = found

    def _tell(self, found: FoundGroup) -> None:
        """Log each group once: without a database, there is only the log."""
        key = found.route, found.key
        if key in self._told or len(self._told) >= MOST_GROUPS:
            return
        self._told.add(key)
        level = logging.WARNING if found.severity == Severity.BREAKING.value else logging.INFO
        logger.log(level, "route %r: %s: %s (%s)", found.route, found.template, found.summary, found.severity)
