"""Polls for changes of routes, and publishes a new snapshot when there are any."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from django.db import DatabaseError

from gateway.clock import utc_now
from gateway.control.current_state import state_of_row
from gateway.control.database import alias, missing
from gateway.control.models import Revision, RouteState
from gateway.control.recordings import active
from gateway.control.settle import accepted_at_run_time
from gateway.rollout.stage import State

if TYPE_CHECKING:
    from gateway.parity.rules import Accepted
    from gateway.recording.plan import Plan
    from gateway.snapshot import Publisher

__all__ = ["Poller"]

logger = logging.getLogger("gateway.control")


class Poller:
    """Keeps the snapshot of `publisher` at the latest revision. `revision` is the current one, 0 before any change.

    `record` is called with the active recordings, `accept` with the differences of each route that were accepted at run
    time, `polled` after each successful poll.
    """

    def __init__(
        self,
        publisher: Publisher,
        record: Callable[[Iterable[Plan]], None] = lambda _: None,
        accept: Callable[[Mapping[str, Sequence[Accepted]]], None] = lambda _: None,
        polled: Callable[[], None] = lambda: None,
    ) -> None:
        self._publisher = publisher
        self._record = record
        self._accept = accept
        self._polled = polled
        self._seen: int | None = None

    @property
    def revision(self) -> int:
        """The revision of the snapshot in force."""
        return self._seen or 0

    def look(self) -> None:
        """Poll once: a single SELECT if nothing has changed. Raises what the database raises."""
        numbers = Revision.objects.using(alias()).filter(pk=Revision.ONLY).values_list("number", flat=True)
        number = next(iter(numbers), 0)
        if number == self._seen:
            self._polled()
            return
        # States may be newer than the revision, never older: then the next poll finds another revision.
        self._publisher.publish(self._publisher.snapshot.at(self._states(), number))
        if self._seen is not None:
            logger.info("revision %d is in force", number)
        self._follow()
        self._seen = number
        self._polled()

    def _follow(self) -> None:
        """What else workers do by the database."""
        now = utc_now()
        try:
            self._record(active(now))
            self._accept(accepted_at_run_time(now.date()))
        except DatabaseError as exc:
            if not missing(exc):
                raise
            # During an upgrade, before `migrate`: routes must still be changeable.
            logger.warning("nothing is recorded, or accepted, before `manage.py migrate` has run: %s", exc)

    def _states(self) -> dict[str, State]:
        states = {}
        for row in RouteState.objects.using(alias()):
            try:
                states[row.route] = state_of_row(row).state
            except ValueError:  # a row written by hand; it must not delay rollbacks of other routes
                logger.exception("the row of route %r makes no sense; the file holds for it", row.route)
        return states
