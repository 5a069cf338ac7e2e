"""Updates for open pages, which poll: the part of a page that changes, or 304 if it hasn't.

Polling is no activity of the user. It renews no session, not even under SESSION_SAVE_EVERY_REQUEST, so that a user who
leaves a page open is logged out as usual; and it is not counted as traffic of the project. The response is a short
request like any other, and is made once for all open pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers

from gateway.clock import SYSTEM
from gateway.compat.django import unsaved
from gateway.stats.traffic import ROUTE, UNCOUNTED

__all__ = ["Fragments", "answered", "unseen"]

FRESH = 8.0  # seconds; pages ask every ten
MOST = 200  # fragments that are kept: a page in a few languages, for a few kinds of users


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of a page, and its ETag."""

    html: str
    etag: str
    made: float


class Fragments:
    """The fragments that this process made last, by what they depend on."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], Fragment] = {}

    def get(
        self, key: tuple[object, ...], make: Callable[[], str], *, anew: bool = False, fresh: float = FRESH
    ) -> Fragment:
        """The fragment of this key; made if there is none, it is not `fresh` (in seconds), or `anew`."""
        now = SYSTEM.monotonic()
        kept = self._kept.get(key)
        if kept is not None and not anew and now - kept.made < fresh:
            return kept
        html = make()
        if len(self._kept) >= MOST:
            self._kept.clear()
        fragment = Fragment(html, f'"{blake2b(html.encode(), digest_size=12).hexdigest()}"', now)
        self._kept[key] = fragment
        return fragment

    def clear(self) -> None:
        """Forget all of them."""
        self._kept.clear()


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
