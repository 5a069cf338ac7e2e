"""A difference between two responses, and the result of a comparison."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.parity.rules import Accepted
from gateway.parity.severity import Severity

__all__ = ["KINDS", "MISSING", "Comparison", "Difference", "Missing", "Severity"]


class Missing(enum.Enum):
    """Stands for a value that one side lacks; None is JSON's null."""

    MISSING = "(absent)"


MISSING = Missing.MISSING

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


@dataclass(frozen=True, slots=True)
class Difference:
    """`kind` is one of KINDS. `pointer` is a JSON Pointer into the body ("" for the whole), "html:" and the names of
    the elements, "status", "sql", "effects", "effects:KIND:NAME", "row:TABLE", "row:TABLE:COLUMN", "header:NAME" or
    "header:set-cookie:COOKIE". `expected` is legacy's value, `actual` the service's, MISSING if there is none; JSON
    numbers are Decimals, which keep their notation. `detail` distinguishes differences of a kind ("string → number")
    and never contains a value of a body; `which` identifies the row of a table, and is shown with an example. Only what
    `redact` returned may be stored.
    """

    kind: str
    pointer: str
    severity: Severity
    expected: object
    actual: object
    detail: str = ""
    which: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of comparing two responses.

    `accepted` are differences that the file accepts, at most ten for each entry; `matches` their numbers by the entry's
    key. `ignored` counts differences covered by other rules. `errors` say what could not be compared. `cut` is the
    number of further differences that were not kept.
    """

    differences: tuple[Difference, ...] = ()
    accepted: tuple[tuple[Difference, Accepted], ...] = ()
    ignored: int = 0
    errors: tuple[str, ...] = ()
    cut: int = 0
    matches: Mapping[str, int] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        """No difference, and no error: what could not be compared doesn't count as equal."""
        return not self.differences and not self.errors

    @property
    def breaking(self) -> bool:
        """Whether any difference is breaking or critical. Worse differences are never cut in favour of others."""
        return any(difference.severity.blocks for difference in self.differences)
