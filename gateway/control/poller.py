"""Looks whether a route was moved, and publishes where all stand when one was."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from gateway.control.database import alias
from gateway.control.models import Revision, RouteState
from gateway.control.moves import stands
from gateway.rollout.stage import State

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["Poller"]

logger = logging.getLogger("gateway.control")


class Poller:
    """Keeps the snapshot of `gateway` at the latest revision. `revision` is that one, 0 before any change."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
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
        self._gateway.publish(self._gateway.snapshot.at(self._states(), number))
        if self._seen is not None:
            logger.info("revision %d is in force", number)
        self._seen = number

    def _states(self) -> dict[str, State]:
        states = {}
        for row in RouteState.objects.using(alias()):
            try:
                states[row.route] = stands(row).state
            except ValueError:  # written by hand; the other routes' rollbacks must not wait for it to be mended
                logger.exception("the row of route %r makes no sense; the file holds for it", row.route)
        return states
