"""Secrets and personal data are replaced before anything is stored, and a difference between them is still one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import overload

from gateway.parity.answer import Answer
from gateway.parity.difference import Difference
from gateway.parity.rules import CompareRules

__all__ = ["Redaction", "redact", "redact_target"]


@dataclass(frozen=True, slots=True)
class Redaction:
    """How to redact: `key` is a secret of the installation (derived from SECRET_KEY, say) under which values are
    hashed; `rules` may name more fields and places."""

    key: bytes
    rules: CompareRules = field(default_factory=CompareRules)


@overload
def redact(thing: Answer, redaction: Redaction) -> Answer: ...
@overload
def redact(thing: Difference, redaction: Redaction) -> Difference: ...
def redact(thing: Answer | Difference, redaction: Redaction) -> Answer | Difference:
    """The same without secrets and personal data. A Difference's `expected` and `actual` are short strings then, JSON
    text where they were JSON; an Answer's body is short text."""
    raise NotImplementedError


def redact_target(target: str, redaction: Redaction) -> str:
    """A path with its query ("/reset?token=…") without secrets and personal data."""
    raise NotImplementedError
