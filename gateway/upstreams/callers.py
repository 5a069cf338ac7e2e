"""Who sent a request, as far as a rollout needs to know it: found through the project's own sessions and users."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from django.apps import apps
from django.conf import settings
from django.db import close_old_connections
from django.http import HttpRequest

from gateway.rollout.cohort import NOBODY_KNOWN, Caller
from gateway.upstreams.threads import Threads

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

__all__ = ["Callers", "caller_for"]

logger = logging.getLogger("gateway")

MOST = 10_000  # callers that are remembered
LONGEST = 4096  # bytes of a cookie's value, as browsers keep (RFC 6265, section 6.1): a session may be all in it


class Callers:
    """Finds callers by the value of their session cookie, on a thread of `threads`.

    What was found is remembered for `SECONDS`: that long, somebody who has become staff may be treated as before.
    Logging in and out changes the cookie's value, and so is noticed at once.
    """

    SECONDS = 30.0

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._known: dict[bytes, tuple[float, Caller]] = {}
        self._able = apps.is_installed("django.contrib.auth") and apps.is_installed("django.contrib.contenttypes")

    async def of(self, session: bytes) -> Caller | None:
        """The caller whose session cookie has this value; None when that can't be found out now."""
        if not self._able:
            return NOBODY_KNOWN
        if len(session) > LONGEST:  # what may be remembered has to be bounded; Django's own have 32 characters
            return await self._ask(session)
        known = self._known.get(session)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        caller = await self._ask(session)
        if caller is not None:
            if len(self._known) >= MOST:  # callers choose these
                self._known.clear()
            self._known[session] = (time.monotonic() + self.SECONDS, caller)
        return caller

    async def _ask(self, session: bytes) -> Caller | None:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Caller | None] = loop.create_future()

        def settle(caller: Caller | None) -> None:
            if not found.done():
                found.set_result(caller)

        def job() -> None:
            caller = _found(session)
            with suppress(RuntimeError):  # the event loop was closed meanwhile; a job must not raise
                loop.call_soon_threadsafe(settle, caller)

        try:
            self._threads.submit(job)
        except RuntimeError:  # the pool was closed: legacy, which says so too, is to answer
            return None
        return await found


def _found(session: bytes) -> Caller | None:
    """On a pooled thread: as AuthenticationMiddleware finds it."""
    try:
        close_old_connections()
        return _caller_of(session.decode("latin-1"))
    except Exception:
        logger.exception("could not find out who a caller is")
        return None
    finally:
        close_old_connections()


def _caller_of(session: str) -> Caller:
    from django.contrib.auth import get_user

    request = HttpRequest()
    request.session = store = import_module(settings.SESSION_ENGINE).SessionStore(session)
    # One whose hash is out of date `get_user` renews under another key, or deletes. The caller would never hear of the
    # key, and be logged out: that is for the request itself to do.
    store.cycle_key = store.flush = _leave_alone
    return caller_for(get_user(request))


def _leave_alone() -> None:
    """Instead of what changes a session."""


def caller_for(user: AbstractBaseUser | AnonymousUser) -> Caller:
    """What a rollout needs to know of a user. Asks the database for groups."""
    if not user.is_authenticated:
        return NOBODY_KNOWN
    groups = user.groups.values_list("name", flat=True) if hasattr(user, "groups") else ()
    return Caller(str(user.pk), bool(getattr(user, "is_staff", False)), frozenset(groups))
