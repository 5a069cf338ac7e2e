"""Recognises requests that equal an analysed one, so that nothing of them has to be kept."""

from __future__ import annotations

from gateway.mirroring.kept import Kept

__all__ = ["FULL", "RepeatedRequests", "exact_key"]

MOST = 20_000
LONGEST = 16 * 1024  # bytes of a response's body: the event loop hashes it
FULL = ""  # instead of a fingerprint: there are enough cases like this


def exact_key(kept: Kept) -> int | None:
    """Equal for requests with the same method, path, query, body, credentials and names of headers, and the same status
    and body of the response. None if that takes too long."""
    info, headers, tap = kept.info, kept.info.headers, kept.tap
    body = tap.body
    if len(body) > LONGEST:
        return None
    given = headers.get(b"cookie"), headers.get(b"authorization"), headers.get(b"content-type"), tuple(headers)
    return hash((info.method, info.path, kept.scope["query_string"], kept.body, given, tap.status, body))


class RepeatedRequests:
    """Counts requests by their keys. One thread calls `learn`, the event loop `count`, and another thread reads
    `counts`, the numbers by fingerprint."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}
        self.counts: dict[str, int] = {}

    def learn(self, key: int, fingerprint: str) -> None:
        """Requests with this key have this fingerprint, or FULL."""
        if len(self._known) < MOST:
            self._known[key] = fingerprint

    def count(self, key: int) -> str | None:
        """Count a request, and return its fingerprint, or FULL; None if none with this key is known."""
        fingerprint = self._known.get(key)
        if fingerprint:
            self.counts[fingerprint] = self.counts.get(fingerprint, 0) + 1
        return fingerprint
