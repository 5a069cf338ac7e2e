"""How severe a difference is, and how severe each kind of difference is by default; rules may say otherwise."""

from __future__ import annotations

import enum
from collections.abc import Mapping

__all__ = ["KINDS", "Severity"]


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

# Every kind, its default severity, and why. Those that similar tools treat as breaking are (mroki, traffic-diff: type
# changed, field removed, status changed), and so is a changed value: clients read it, and values that may differ are
# covered by rules or found to be noise.
KINDS: Mapping[str, tuple[Severity, str]] = {
    "failed": (Severity.BREAKING, "the service gave no answer at all"),
    "status": (Severity.BREAKING, "another status"),
    "access": (Severity.CRITICAL, "the service answers what legacy refuses: 401 or 403, or a login page instead"),
    "header": (Severity.WARNING, "a header is missing, more or other; breaking where clients or caches act on it"),
    "cookie": (Severity.BREAKING, "a cookie is missing, or one of its attributes is other"),
    "type": (Severity.BREAKING, "another JSON type, null included"),
    "primitive": (Severity.BREAKING, "another string, number or boolean"),
    "class": (Severity.BREAKING, "a value that is not of the class the rules name"),
    "missing": (Severity.BREAKING, "a field or an item that only legacy has"),
    "extra": (Severity.WARNING, "a field that only the service has; breaking for an item of a list, which is data"),
    "secret": (Severity.CRITICAL, "a password, token, key or the like that only the service shows"),
    "personal": (Severity.BREAKING, "an e-mail address, phone number or the like that only the service shows"),
    "items": (Severity.BREAKING, "items of a list, known by their id, pk, uuid or slug, that only one side has"),
    "length": (Severity.BREAKING, "a list of another length"),
    "order": (Severity.WARNING, "the same items in another order"),
    "duplicate": (Severity.BREAKING, "a name that stands twice in an object: which one counts is up to the reader"),
    "number-format": (Severity.WARNING, "the same number written in another way"),
    "date-format": (Severity.WARNING, "the same moment written in another way"),
    "text": (Severity.BREAKING, "another text"),
    "whitespace": (Severity.WARNING, "the same text but for line ends and spaces"),
    "html": (Severity.BREAKING, "another element, attribute or text of a page"),
    "bytes": (Severity.BREAKING, "other bytes"),
    "write": (Severity.BREAKING, "the service writes to a table, which legacy doesn't do"),
    "row": (Severity.BREAKING, "a row that only one side writes or deletes, or that it writes otherwise"),
    "row-way": (Severity.NOTE, "rows are written in another way, or in one that can't be compared"),
    "effect": (
        Severity.BREAKING,
        "a mail, a file, a task, a message or a function after a commit that only one side has; in a replay more",
    ),
    "sql-count": (Severity.WARNING, "more statements; a note where there are fewer"),
    "sql-tables": (Severity.NOTE, "other tables are read: how an answer was made, not what it says"),
    "n-plus-one": (Severity.BREAKING, "a statement repeated for every row, which legacy doesn't do"),
}
