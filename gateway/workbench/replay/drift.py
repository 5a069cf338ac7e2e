"""Classifies differences for a replay: the kind of failure, its severity, and a message."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from gateway.parity.difference import MISSING, Difference
from gateway.parity.fingerprint import fingerprint
from gateway.parity.redact.redaction import Redaction, redact
from gateway.parity.severity import Severity
from gateway.wording import duration
from gateway.workbench.replay.result import Drift, ReplayFinding

__all__ = ["SLOWER", "drift_of", "finding_of", "says_shape", "slower"]

SLOWER = "slower"
IN_WORDS = frozenset(
    {"access", "status", "write", "effect", "sql-count", "sql-tables"}
)  # their messages contain both values
LONGEST = 120  # characters of a value in a message

# By `gateway.parity.severity.KINDS`. Other kinds are regressions.
DRIFTS: Mapping[str, Drift] = {
    **dict.fromkeys(("access", "secret", "personal"), Drift.ACCESS),
    **dict.fromkeys(
        ("type", "class", "missing", "extra", "duplicate", "number-format", "date-format", "header", "cookie"),
        Drift.SHAPE,
    ),
    **dict.fromkeys(("primitive", "items", "length", "order", "text", "html", "bytes", "whitespace"), Drift.VALUE),
}
HIDDEN = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)  # some projects refuse access so


def drift_of(difference: Difference) -> Drift:
    """The kind of failure that a difference is."""
    if difference.kind == "row" and difference.pointer.count(":") > 1:
        return Drift.VALUE if MISSING not in (difference.expected, difference.actual) else Drift.REGRESSION
    return DRIFTS.get(difference.kind, Drift.REGRESSION)


def widens(difference: Difference) -> bool:
    """Whether the service gives more than legacy does: a response where legacy hides one, or a larger one."""
    if difference.kind == "status":
        was, now = difference.expected, difference.actual
        return was in HIDDEN and isinstance(now, type(was)) and HTTPStatus.OK <= now < HTTPStatus.BAD_REQUEST  # type: ignore[operator] # both are Decimals
    return difference.kind == "items" and difference.expected is MISSING


def says_shape(difference: Difference) -> bool:
    """Whether a difference counts even if one side's values are pseudonyms, and its numbers may be text."""
    if difference.kind in ("type", "number-format", "date-format", "class"):
        return False
    return drift_of(difference) is not Drift.VALUE and difference.kind not in ("secret", "personal")


def finding_of(template: str, difference: Difference, redaction: Redaction, *, as_everyone: bool) -> ReplayFinding:
    """The finding for a difference of an endpoint, `template` being such as "GET /api/products/{pk}/". With
    `as_everyone`, access is tested, so that any additional data is critical."""
    drift, severity = drift_of(difference), difference.severity
    if as_everyone and widens(difference):
        drift, severity = Drift.ACCESS, Severity.CRITICAL
    shown = redact(difference, redaction)
    expected = None if difference.expected is MISSING else str(shown.expected)
    actual = None if difference.actual is MISSING else str(shown.actual)
    what = fingerprint(template, difference).summary
    if (place := shown.pointer) not in what and not place.startswith(("row", "sql", "effects", "status")):
        what = f"{what} (at {place})"
    elif difference.which:
        what = f"{what} ({shown.pointer.partition(' (')[2].removesuffix(')')})"
    in_words = difference.kind in IN_WORDS and not difference.pointer.startswith("effects:")
    message = what if in_words else _said(what, expected, actual)
    return ReplayFinding(drift, difference.kind, shown.pointer, severity, expected, actual, message)


def _said(what: str, expected: str | None, actual: str | None) -> str:
    if expected is None and actual is None:
        return what
    if expected is None:
        return f"{what}: {_short(actual)}"
    return f"{what}: {_short(expected)} → {'nothing' if actual is None else _short(actual)}"


def _short(text: str | None) -> str:
    text = str(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def slower(legacy: float, service: float) -> ReplayFinding:
    """The finding for a slower service; durations in seconds."""
    was, now = duration(legacy), duration(service)
    message = f"the service is slower: {now} where legacy takes {was}, each the fastest of three"
    return ReplayFinding(Drift.REGRESSION, SLOWER, "seconds", Severity.BREAKING, was, now, message)
