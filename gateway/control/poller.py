"""Looks whether a route was moved, and publishes where all stand when one was."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from django.db import DatabaseError

from gateway.clock import utc_now
from gateway.control.current_state import state_of_row
from gateway.control.database import alias, missing
from gateway.control.models import Revision, RouteState
from gateway.control.recordings import active
from gateway.rollout.stage import State

if TYPE_CHECKING:
    from gateway.recording.plan import Plan
    from gateway.snapshot import Publisher

__all__ = ["Poller"]

logger = logging.getLogger("gateway.control")


class Poller:
    """Keeps the snapshot of `publisher` at the latest revision. `revision` is that one, 0 before any change.

    `record` is told what is to be recorded from then on.
    """

    def __init__(self, publisher: Publisher, record: Callable[[Iterable[Plan]], None] = lambda _: None) -> None:
        self._publisher = publisher
        self._record = record
        self._seen: int | None = None

    @property
    def revision(self) -> int:
        """What the process decides by."""
        return self._seen or 0

    def look(self) -> None:
        """One look: a single SELECT while nothing has changed. Raises what the database raises."""
        numbers = Revision.objects.using(alias()).filter(pk=Revision.ONLY).values_list("number", flat=True)
        number = next(iter(numbers), 0)
        if number == self._seen:
            return
        # States may be newer than the number, never older: then the next look finds another number again.
        self._publisher.publish(self._publisher.snapshot.at(self._states(), number))
        if self._seen is not None:
            logger.info("revision %d is in force", number)
        self._follow_recordings()
        self._seen = number

    def _follow_recordings(self) -> None:
        try:
            plans = active(utc_now())
        except DatabaseError as exc:
            if not missing(exc):
                raise
            # An upgrade whose migrations are still to come: that must not keep routes from being moved.
            logger.warning("nothing is recorded before `manage.py migrate` has run: %s", exc)
        else:
            self._record(plans)

    def _states(self) -> dict[str, State]:
        states = {}
        for row in RouteState.objects.using(alias()):
            try:
                states[row.route] = state_of_row(row).state
            except ValueError:  # written by hand; the other routes' rollbacks must not wait for it to be mended
                logger.exception("the row of route %r makes no sense; the file holds for it", row.route)
        return states
