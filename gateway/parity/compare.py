"""Compare what legacy answered with what a service answered."""

from __future__ import annotations

from gateway.parity.answer import Answer
from gateway.parity.difference import ABSENT, Absent, Comparison, Difference, Severity
from gateway.parity.fingerprint import Fingerprint, fingerprint
from gateway.parity.rules import CompareRules

__all__ = ["ABSENT", "Absent", "Comparison", "Difference", "Fingerprint", "Severity", "compare", "fingerprint"]


def compare(expected: Answer, actual: Answer, rules: CompareRules) -> Comparison:
    """What differs between legacy's answer and the service's. Bounded in time and size, and never raises."""
    raise NotImplementedError
