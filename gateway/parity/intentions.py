"""What both sides would have left elsewhere than in the database: in caches, sessions and files, and at other servers.

Told with their values, and so compared where nothing of them is stored (docs/replay.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from gateway.parity.difference import MISSING, Severity
from gateway.parity.findings import Exhausted, Findings
from gateway.parity.rules import CompareRules
from gateway.parity.values import compare_values

__all__ = ["GONE", "Intention", "IntentionKind", "compare_intentions"]

IntentionKind: TypeAlias = Literal["cache", "file", "request", "session"]
GONE = "(deleted)"  # the value of what was deleted


@dataclass(frozen=True, slots=True)
class Intention:
    """One thing that a side would have done. `place` says where: a key of a cache, a name in the session, the name of a
    file, the method and the URL of a request. `value` is as `parse_json` gives values; GONE where it was deleted."""

    kind: IntentionKind
    place: str
    value: Any

    @property
    def in_words(self) -> str:
        """Without its value."""
        return f"{self.kind} {self.place}{' is deleted' if self.value == GONE else ''}"


def compare_intentions(expected: Sequence[Intention], actual: Sequence[Intention], findings: Findings) -> None:
    """Add what only one side would have done, and what it would have done otherwise. Of several at one place, those
    that are the same belong together, the others by their order."""
    was, now = _by_place(expected), _by_place(actual)
    for key in sorted({*was, *now}):
        _compare(*key, was.get(key, []), now.get(key, []), findings)


def _by_place(intentions: Sequence[Intention]) -> Mapping[tuple[IntentionKind, str], list[Any]]:
    found = defaultdict[tuple[IntentionKind, str], list[Any]](list)
    for one in intentions:
        found[one.kind, one.place].append(one.value)
    return found


def _compare(kind: IntentionKind, place: str, was: list[Any], now: list[Any], findings: Findings) -> None:
    left, lost = [*now], []
    for value in was:
        other = next((index for index, other in enumerate(left) if _same(value, other, findings.rules)), None)
        if other is None:
            lost.append(value)
        else:
            del left[other]
    for value, other in zip(lost, left, strict=False):
        _add(kind, place, "not the same on both sides", value, other, findings)
    both = min(len(lost), len(left))
    for value in lost[both:]:
        _add(kind, place, "only by legacy, or more often", value, MISSING, findings)
    for value in left[both:]:
        _add(kind, place, "only by the service, or more often", MISSING, value, findings)


def _same(value: Any, other: Any, rules: CompareRules) -> bool:
    """Whether the rules see no difference."""
    if value == other and type(value) is type(other):
        return True
    if GONE in (value, other):
        return False
    findings = Findings(rules)
    try:
        compare_values(value, other, findings)
    except (Exhausted, RecursionError):
        return False
    return all(one.severity is Severity.NOTE for one in findings.result().differences)


def _add(kind: IntentionKind, place: str, detail: str, was: Any, now: Any, findings: Findings) -> None:
    verb = " is deleted" if GONE in (was, now) and MISSING in (was, now) else ""
    findings.add(
        "effect",
        f"effects:{kind}:{place}",
        was,
        now,
        severity=_severity(kind, was, now),
        detail=f"{kind} {place}{verb}: {detail}",
    )


def _severity(kind: IntentionKind, was: Any, now: Any) -> Severity | None:
    """A cache that one side doesn't fill is a way to make the answer. What only legacy takes out of one goes on being
    given by others."""
    one_sided = MISSING in (was, now)
    return Severity.WARNING if kind == "cache" and one_sided and was != GONE else None
