"""Compares two JSON values that are neither objects nor lists."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

from gateway.parity.findings import Findings
from gateway.parity.formats import is_of, numeral, same_moment
from gateway.parity.redact.sensitive import has_secret_shape

__all__ = ["compare_scalars"]


def compare_scalars(pointer: str, expected: Any, actual: Any, findings: Findings) -> None:
    """Add the difference between two values of one type that are neither objects nor lists."""
    rules = findings.rules
    name = rules.classes.at(pointer) if rules.classes else None
    if name is not None and is_of(expected, name):
        if not is_of(actual, name):
            findings.add("class", pointer, expected, actual, detail=name)
        elif expected != actual:
            findings.ignore()
    elif isinstance(expected, Decimal):
        _numbers(pointer, expected, actual, findings)
    elif expected != actual:
        _strings(pointer, expected, actual, findings)


def _numbers(pointer: str, expected: Decimal, actual: Decimal, findings: Findings) -> None:
    tolerance = findings.rules.tolerance_at(pointer)
    if expected == actual:
        if expected.as_tuple() != actual.as_tuple():
            findings.add("number-format", pointer, expected, actual)
    elif tolerance and _apart(expected, actual) <= tolerance:
        findings.ignore()
    else:
        findings.add("primitive", pointer, expected, actual)


def _strings(pointer: str, expected: Any, actual: Any, findings: Findings) -> None:
    """Two different strings, or true and false."""
    kind = "primitive"
    if isinstance(expected, str):
        if has_secret_shape(actual) and not has_secret_shape(expected):
            findings.add("secret", pointer, expected, actual, detail="by its shape")
            return
        was, now = numeral(expected), numeral(actual)
        tolerances = findings.rules.tolerances
        tolerance = tolerances.at(pointer) if tolerances else None
        if was is not None and now is not None:
            if tolerance and was != now and _apart(was, now) <= tolerance:
                findings.ignore()
                return
            kind = "number-format" if was == now else kind
        elif same_moment(expected, actual):
            kind = "date-format"
    findings.add(kind, pointer, expected, actual)


def _apart(one: Decimal, other: Decimal) -> Decimal:
    with localcontext() as context:
        context.traps = dict.fromkeys(context.traps, False)  # out of range gives Infinity or NaN, beyond any tolerance
        apart = abs(one - other)
    return apart if apart.is_finite() else Decimal("Infinity")
