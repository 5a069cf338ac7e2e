"""How bad a difference is."""

from __future__ import annotations

import enum

__all__ = ["Severity"]


class Severity(enum.Enum):
    """How bad a difference is, the worst first.

    CRITICAL: somebody may see or do what they must not; one occurrence is enough to fail a route.
    BREAKING: a client that works with the old answer may fail, show something else, or be less protected.
    WARNING: a client has to be unusual to notice.
    NOTE: no client can notice, or what changed became better; it never counts against a route.
    """

    CRITICAL = "critical"
    BREAKING = "breaking"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return _RANKS[self]

    @property
    def blocks(self) -> bool:
        """Whether a route with such a difference must not be promoted."""
        return self in (Severity.CRITICAL, Severity.BREAKING)


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}
