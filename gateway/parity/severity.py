"""The severity of a difference."""

from __future__ import annotations

import enum

__all__ = ["Severity"]


class Severity(enum.Enum):
    """The severity of a difference, the worst first.

    CRITICAL: somebody may see or do what they must not; one occurrence is enough to fail a route.
    BREAKING: a client of the old response may fail, show something else, or be less protected.
    WARNING: only unusual clients notice.
    NOTE: no client notices, or the change is an improvement; it never counts against a route.
    """

    CRITICAL = "critical"
    BREAKING = "breaking"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the worst severity."""
        return _RANKS[self]

    @property
    def blocks(self) -> bool:
        """Whether such a difference prevents promotion."""
        return self in (Severity.CRITICAL, Severity.BREAKING)


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}
