"""Which callers a canary includes: sticky key → bucket → in or out. Pure.

A bucket is a hash of the key, salted by the route's group: routes of one group include the same callers, and callers
who are early in one group need not be early in another. A caller is in while its bucket is below the weight, so that
raising the weight only adds callers and lowering it removes those added last.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from http.cookies import SimpleCookie

__all__ = ["BUCKETS", "NOBODY_KNOWN", "Caller", "Cohorts", "cookie_value"]

_UNQUOTING: SimpleCookie = SimpleCookie()
SPACES = b" \t\n\r\v\f\x1c\x1d\x1e\x1f"  # ASCII spaces of `str.strip`; `bytes.strip` leaves the last four
BUCKETS = 10_000  # a weight of 0.01 % is one bucket
MOST_KNOWN, LONGEST_KNOWN = 4096, 200  # cached buckets of a group, and the maximum length of their keys


@dataclass(frozen=True, slots=True)
class Caller:
    """What the project knows of a request's sender. `user` is the primary key as text; None: not logged in."""

    user: str | None = None
    staff: bool = False
    groups: frozenset[str] = frozenset()
    superuser: bool = False


NOBODY_KNOWN = Caller()


class Cohorts:
    """The buckets of one group of routes."""

    __slots__ = ("_hashed", "_remembered")

    def __init__(self, group: str) -> None:
        # Buckets must never change, or callers would change sides: tests pin them. The group is hashed first, since
        # groups may be longer than BLAKE2's own salt (16 bytes).
        salted = blake2b(blake2b(group.encode(), digest_size=32).digest(), digest_size=8)

        def hashed(key: bytes) -> int:
            copy = salted.copy()
            copy.update(key)
            return int.from_bytes(copy.digest()) % BUCKETS

        self._hashed = hashed
        self._remembered = lru_cache(MOST_KNOWN)(hashed)  # callers send many requests

    def bucket(self, key: bytes) -> int:
        """The bucket of a sticky key, 0 to 9999."""
        # Callers choose keys: long ones (of a header, say) are not cached.
        return self._remembered(key) if len(key) <= LONGEST_KNOWN else self._hashed(key)


def cookie_value(header: bytes, name: bytes) -> bytes | None:
    """The value of a cookie in a Cookie header, as Django parses it: of two with the same name the last counts, and
    quotes are removed. Otherwise a user who is logged in could appear anonymous here, or as somebody else."""
    count = header.count(name)
    if count == 0:
        return None
    start = header.find(name + b"=")
    if count == 1 and (start == 0 or (start > 1 and header[start - 2 : start] == b"; ")):  # the form that browsers send
        value = header[start + len(name) + 1 :].partition(b";")[0].strip(SPACES)
        if value.isascii() and value[:1] != b'"':
            return value
    found = None
    wanted = name.decode("latin-1")
    for part in header.decode("latin-1").split(";"):  # as text, since `str.strip` removes more kinds of spaces
        key, equals, text = part.partition("=")
        if equals and key.strip() == wanted:
            found = text.strip()
    return None if found is None else _UNQUOTING.value_decode(found)[0].encode("latin-1")
