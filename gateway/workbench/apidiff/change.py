"""One change between two operations."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gateway.parity.severity import Severity
from gateway.workbench.apidiff.rules import RULES

__all__ = ["ClientChange", "shown"]

LONGEST = 120  # characters of a value


@dataclass(frozen=True, slots=True)
class ClientChange:
    """What changed at `place`, by which rule; `legacy` and `service` are the values of both sides, "" for none."""

    rule: str
    place: str
    message: str
    legacy: str = ""
    service: str = ""

    @property
    def severity(self) -> Severity:
        """That of its rule."""
        return RULES[self.rule]


def shown(value: Any) -> str:
    """A part of a document, as JSON, cut where it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
