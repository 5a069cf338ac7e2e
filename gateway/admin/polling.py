"""Updates for open pages, which poll: the part of a page that changes, or 304 if it hasn't.

Polling is no activity of the user. It renews no session, not even under SESSION_SAVE_EVERY_REQUEST, so that a user who
leaves a page open is logged out as usual; and it is not counted as traffic of the project. The response is a short
request like any other, and is made once for all open pages, for which a process spends a hundredth of a processor.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers

from gateway.clock import SYSTEM
from gateway.compat.django import unsaved
from gateway.stats.traffic import ROUTE, UNCOUNTED

__all__ = ["Fragments", "answered", "unseen"]

FRESH = 8.0  # seconds; pages ask every ten
SHARE = 1 / 150  # of a processor; the rest of a hundredth is for responses that are kept
CLOSED = 15.0  # seconds; a page that did not ask for so long is closed
MOST = 200  # fragments that are kept: a page in a few languages, for a few kinds of users


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of a page, and its ETag."""

    html: str
    etag: str
    made: float


class Asked(NamedTuple):
    """Since when open pages ask for a fragment that is not fresh, and when one did last."""

    since: float
    last: float


class Fragments:
    """The fragments that this process made last, by what they depend on.

    For open pages, one of them is made at a time, and the others get what is kept. All that takes at most SHARE of a
    processor, however many pages are open: the more it takes, the older they get.
    """

    def __init__(self, processor_time: Callable[[], float] = time.thread_time) -> None:
        self._processor_time = processor_time
        self._kept: dict[tuple[object, ...], Fragment] = {}
        self._asked: dict[tuple[object, ...], Asked] = {}
        self._free = 0.0  # when the next one may be made for an open page
        self._making = threading.Lock()

    def get(
        self, key: tuple[object, ...], make: Callable[[], str], *, anew: bool = False, fresh: float = FRESH
    ) -> Fragment:
        """The fragment of this key. It is made if there is none, if `anew`, or if it is not `fresh` (in seconds) and it
        is its turn."""
        kept, now = self._kept.get(key), SYSTEM.monotonic()
        if kept is None or anew:
            return self._made(key, make, now)
        if now - kept.made < fresh or not self._making.acquire(blocking=False):
            return kept
        try:
            if not self._turn(key, now):
                return kept
            begin = self._processor_time()
            made = self._made(key, make, now)
            self._free = now + (self._processor_time() - begin) / SHARE
            return made
        finally:
            self._making.release()

    def _turn(self, key: tuple[object, ...], now: float) -> bool:
        """Whether one may be made, and this one has waited longest of those that open pages ask for."""
        since = self._asked[key].since if key in self._asked else now
        self._asked[key] = Asked(since, now)
        if now < self._free:
            return False
        self._asked = {other: asked for other, asked in [*self._asked.items()] if now - asked.last < CLOSED}
        return all(since <= asked.since for asked in [*self._asked.values()])

    def _made(self, key: tuple[object, ...], make: Callable[[], str], now: float) -> Fragment:
        html = make()
        if len(self._kept) >= MOST:
            self._kept.clear()
        fragment = Fragment(html, f'"{blake2b(html.encode(), digest_size=12).hexdigest()}"', now)
        self._kept[key] = fragment
        self._asked.pop(key, None)
        return fragment

    def clear(self) -> None:
        """Forget all of them."""
        self._kept.clear()
        self._asked.clear()


def unseen(request: HttpRequest) -> None:
    """Keep `request` from renewing its session, and from being counted."""
    if (session := getattr(request, "session", None)) is not None:
        request.session = unsaved(session)
    if (scope := getattr(request, "scope", None)) is not None:
        scope[ROUTE] = UNCOUNTED


def answered(request: HttpRequest, fragment: Fragment) -> HttpResponseBase:
    """The fragment, or 304 for a page that has it."""
    response = HttpResponse(fragment.html, headers={"ETag": fragment.etag})
    patch_vary_headers(response, ("Cookie", "Accept-Language"))
    return get_conditional_response(request, etag=fragment.etag, response=response) or response
