"""Generated values, which differ each time: neither side's is wrong.

Both sides create rows of their own, so generated values differ even if both do the same. Three kinds are recognised by
their form, without comparing legacy with itself; that comparison finds the others.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from gateway.parity.formats import moment
from gateway.parity.redact.sensitive import PASSWORD_HASH

__all__ = ["APART", "is_made", "made_anew"]

APART = 5.0  # seconds by which two timestamps' distances from their time of writing may differ
VERSIONS = (1, 4, 6, 7)  # of UUIDs that are random or time-based (RFC 9562); others are derived from names


def made_anew(was: str, was_at: float, now: str, now_at: float, sent: bytes) -> bool:
    """Whether two different values are generated; each was written at its own time, in seconds since 1970.

    - Timestamps that are equally far from their time of writing, within APART seconds: now, or in two weeks.
    - UUIDs of the same random or time-based version, unless the caller sent legacy's (`sent` is all that it sent).
    - Password hashes with the same algorithm: their salts differ.
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
    """Whether a value is a UUID that was generated for this request, not sent with it."""
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
    """The algorithm of a password hash, and the number of its parts."""
    if not PASSWORD_HASH.fullmatch(value):
        return None
    parts = value.split("$")
    return parts[0] or parts[1], len(parts)


def _seconds(moment: datetime) -> float:
    """Seconds since 1970. A moment without time zone is in the database's, and so is the other one."""
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
