"""What makes two differences the same one: the template, the place without identifiers, and the kind."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.parity.difference import Difference

__all__ = ["Fingerprint", "fingerprint", "generalised"]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`key` is short and the same in every process; `summary` says it to a human, without any value."""

    key: str
    summary: str
    template: str
    kind: str
    pointer: str


def fingerprint(template: str, difference: Difference) -> Fingerprint:
    """The fingerprint of a difference found for a URL of `template` ("GET /api/products/{id}/"); never pass the URL,
    whose identifiers would make every request a group of its own (Diffy's users complain of that)."""
    raise NotImplementedError


def generalised(pointer: str) -> str:
    """A pointer with * in the place of indexes and of names that are identifiers."""
    raise NotImplementedError
