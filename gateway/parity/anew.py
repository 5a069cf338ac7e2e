"""Values that are made anew each time: of two, neither is wrong for being another than the other one.

Both sides make a row of their own, so what is made for each differs even where both do the same. Three kinds are known
by how they look, before legacy was ever compared with itself; what else differs by itself, that comparison finds.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from gateway.parity.formats import moment
from gateway.parity.redact.sensitive import PASSWORD_HASH

__all__ = ["APART", "is_made", "made_anew"]

APART = 5.0  # seconds between what two moments are away from when they were written
VERSIONS = (1, 4, 6, 7)  # of UUIDs that are random or of the clock (RFC 9562); others are of a name


def made_anew(was: str, was_at: float, now: str, now_at: float, sent: bytes) -> bool:
    """Whether two values that differ are of a kind that is made anew; each was written at a moment of its own.

    - Moments, as far from the present when they were written, give or take APART seconds: now, or in two weeks.
    - UUIDs of one version that is random or of the clock, unless the caller sent legacy's (`sent` has all it said).
    - Hashes of passwords, by the same algorithm: their salts differ.
    """
    if _password(was) is not None:
        return _password(was) == _password(now)
    if is_made(was, sent):
        return _version(was) == _version(now)
    first, second = moment(was), moment(now)
    if first is None or second is None or (first.tzinfo is None) != (second.tzinfo is None):
        return False
    return abs((_seconds(first) - was_at) - (_seconds(second) - now_at)) <= APART


def is_made(value: str, sent: bytes) -> bool:
    """Whether a value is a UUID that was made for this request, and not sent with it."""
    if _version(value) not in VERSIONS:
        return False
    known = sent.lower()
    return not any(text.encode() in known for text in (str(UUID(value)), UUID(value).hex))


def _version(value: str) -> int | None:
    digits = value.replace("-", "")
    if len(digits) != len(UUID(int=0).hex) or len(value) not in (len(digits), len(digits) + 4):
        return None
    try:
        return UUID(digits).version
    except ValueError:
        return None


def _password(value: str) -> tuple[str, int] | None:
    """The algorithm of a password's hash, and how many parts it has."""
    if not PASSWORD_HASH.fullmatch(value):
        return None
    parts = value.split("$")
    return parts[0] or parts[1], len(parts)


def _seconds(moment: datetime) -> float:
    """Since 1970. One without a time zone is in that of its database, as the other one is."""
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
