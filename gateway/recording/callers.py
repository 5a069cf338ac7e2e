"""Determines who made a recorded request: the user that its view has read, or else the one that
the project's authentication finds."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache

from gateway.mirroring.kept import Kept
from gateway.parity.redact.sensitive import is_secret
from gateway.recording.sample import Sampled, Who
from gateway.rollout.cohort import Caller, cookie_value
from gateway.routing.table import Match
from gateway.upstreams.base import Legacy

__all__ = ["CallerLookup"]

NOBODY = Who()
PATIENCE = 5.0  # seconds that the project may take


class CallerLookup:
    """Uses `legacy`. `loop` is the event loop that serves; `known` and `ask` are called on other threads."""

    def __init__(self, legacy: Legacy) -> None:
        self._legacy = legacy
        self.loop: asyncio.AbstractEventLoop | None = None

    @property
    def kept_cookies(self) -> Sequence[bytes]:
        """Names of cookies that are recorded."""
        return self._legacy.kept_cookies

    def known(self, kept: Kept) -> Who | None:
        """Who made the request, if that is known; None if authentication must run."""
        request, kept.tap.recorder.request = kept.tap.recorder.request, None
        if request is not None:
            with suppress(Exception):  # a user of a class of the project
                if (found := self._legacy.known_user(request)) is not None:
                    return Who(*found)
        return None if self._has_credentials(kept) else NOBODY

    def _has_credentials(self, kept: Kept) -> bool:
        headers = kept.info.headers
        if b"cookie" in headers and cookie_value(headers[b"cookie"], self._legacy.session_cookie) is not None:
            return True
        return any(map(_is_credential, headers))

    def has_unusual_credentials(self, kept: Kept) -> bool:
        """Whether headers besides Cookie and Authorization may identify the caller."""
        return any(header != b"authorization" and _is_credential(header) for header in kept.info.headers)

    def ask(self, sampled: Sampled) -> Who | None:
        """Run the project's authentication; None if it can't determine the caller now."""
        if self.loop is None or self.loop.is_closed():
            return None
        asking = self._legacy.caller(Match(None, sampled.template), sampled.kept.info, sampled.kept.scope)
        future = asyncio.run_coroutine_threadsafe(asking, self.loop)
        try:
            caller = future.result(PATIENCE)
        except (concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
            future.cancel()
            return None
        return None if caller is None else _who(caller)


@lru_cache(maxsize=1000)
def _is_credential(header: bytes) -> bool:
    """Whether a header with this name may identify the caller."""
    return header not in (b"cookie", b"x-csrftoken") and is_secret(header.decode("latin-1"))


def _who(caller: Caller) -> Who:
    if caller.user is None:
        return Who()
    return Who("superuser" if caller.superuser else "staff" if caller.staff else "user", caller.user)
