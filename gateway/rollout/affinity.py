"""The affinity cookie: a visitor's ID, and the side on which it stays. Pure.

One cookie for all routes: `ID:GROUP.SIDE:GROUP.SIDE:SIGNATURE`. It is signed, so that callers can't choose a side by
writing a cookie. The same key signs the header with which testers do choose one (`gateway sign`).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

__all__ = ["SIDES", "AffinityCookie", "Signer"]

SIDES = ("legacy", "service")
MOST = 3072  # bytes; browsers store 4096 including name and attributes (RFC 6265, section 6.1)
MOST_KNOWN = 4096  # cookies
_id = re.compile(rb"[0-9a-f]{32}").fullmatch


@dataclass(frozen=True, slots=True)
class AffinityCookie:
    """`id` is the visitor's ID; `pins` has the side on which it stays, by group."""

    id: str
    pins: Mapping[str, str] = field(default_factory=dict)

    def pinned(self, group: str, side: str) -> AffinityCookie:
        """This cookie, with `side` for `group`."""
        return AffinityCookie(self.id, {**self.pins, group: side})


class Signer:
    """Signs and verifies with HMAC-SHA256. The first of `secrets` signs, all verify, as with Django's
    SECRET_KEY and SECRET_KEY_FALLBACKS."""

    __slots__ = ("_keys", "_known")

    def __init__(self, secrets: Sequence[str | bytes]) -> None:
        self._known: dict[bytes, AffinityCookie] = {}  # cache, since verifying is slow
        encoded = [secret.encode() if isinstance(secret, str) else secret for secret in secrets]
        # Derived keys: signatures made with the secrets elsewhere must not be valid here, nor the other way round.
        self._keys = tuple(hmac.digest(secret, b"gateway.rollout", "sha256") for secret in encoded)

    def __eq__(self, other: object) -> bool:
        """Whether both sign alike, and accept each other's signatures."""
        return isinstance(other, Signer) and other._keys == self._keys

    def __hash__(self) -> int:
        return hash(self._keys)

    @property
    def able(self) -> bool:
        """Whether there is a secret to sign with."""
        return bool(self._keys)

    def _signature(self, key: bytes, purpose: bytes, text: bytes) -> bytes:
        return hmac.digest(key, purpose + b"\0" + text, "sha256").hex()[:32].encode()

    def _verified(self, purpose: bytes, text: bytes, signature: bytes) -> bool:
        return any(hmac.compare_digest(self._signature(key, purpose, text), signature) for key in self._keys)

    # -- the cookie -----------------------------------------------------------------------------

    def load_cookie(self, value: bytes | None) -> AffinityCookie | None:
        """The cookie of this value; None unless its signature is valid."""
        if value is None:
            return None
        if (known := self._known.get(value)) is not None:
            return known
        if len(value) > MOST or b":" not in value:
            return None
        text, _, signature = value.rpartition(b":")
        if not self._verified(b"ticket", text, signature):
            return None
        identity, *parts = text.split(b":")
        if not _id(identity):
            return None
        pins = (part.decode("ascii", "replace").rpartition(".") for part in parts)
        cookie = AffinityCookie(identity.decode(), {unquote(group): SIDES[side == "s"] for group, _, side in pins})
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[value] = cookie
        return cookie

    def dump_cookie(self, cookie: AffinityCookie) -> bytes:
        """The value of `cookie`. If it would be too long, the oldest pins are left out."""
        parts = [f"{quote(group, safe='')}.{side[0]}" for group, side in cookie.pins.items()]
        while len(text := ":".join([cookie.id, *parts]).encode()) > MOST - 40:
            parts.pop(0)
        return text + b":" + self._signature(self._keys[0], b"ticket", text)

    # -- the header -----------------------------------------------------------------------------

    def signed_side(self, route: str, side: str, expires: int) -> str:
        """The value of the header that requests `side` of `route` until `expires` (seconds since 1970)."""
        if side not in SIDES:
            raise ValueError(f"side {side!r}: one of {', '.join(SIDES)}")
        text = f"{side}.{expires}"
        return f"{text}.{self._signature(self._keys[0], b'side', self._about(route, text)).decode()}"

    def side(self, route: str, value: bytes, now: float) -> str | None:
        """The side that a header's value requests; None unless its signature is valid for `route` and not expired."""
        text, _, signature = value.rpartition(b".")
        side, _, expires = text.decode("latin-1").partition(".")
        if side not in SIDES or not expires.isascii() or not expires.isdigit() or len(expires) > 12:
            return None
        if int(expires) < now or not self._verified(b"side", self._about(route, text.decode()), signature):
            return None
        return side

    @staticmethod
    def _about(route: str, text: str) -> bytes:
        return f"{route}\0{text}".encode()
