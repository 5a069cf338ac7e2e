"""A difference between two responses, and the result of a comparison."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.parity.rules import Accepted
from gateway.parity.severity import Severity

__all__ = ["MISSING", "Comparison", "Difference", "Missing", "Severity"]


class Missing(enum.Enum):
    """Stands for a value that one side lacks; None is JSON's null."""

    MISSING = "(absent)"


MISSING = Missing.MISSING


@dataclass(frozen=True, slots=True)
class Difference:
    """`kind` is one of KINDS (severity.py). `pointer` is a JSON Pointer into the body ("" for the whole), "html:" and
    the names of the elements, "status", "sql", "effects", "effects:KIND:NAME", "row:TABLE", "row:TABLE:COLUMN",
    "header:NAME" or "header:set-cookie:COOKIE". `expected` is legacy's value, `actual` the service's, MISSING if
    there is none; JSON numbers are Decimals, which keep their notation. `detail` distinguishes differences of a kind
    ("string → number") and never contains a value of a body; `which` identifies the row of a table, and is shown
    with an example. Only what `redact` returned may be stored.
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
