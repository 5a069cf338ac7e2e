"""The inventory, shared by all pages of a process, and made on a thread of its own: it reads the whole URLconf."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connections

from gateway.clock import utc_now

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.workbench.inventory.ranking import Candidate
    from gateway.workbench.inventory.report import Inventory, InventoryEntry, MoveProgress

__all__ = ["DAYS", "INVENTORY", "Counted", "InventoryCache"]

logger = logging.getLogger("gateway.admin")

DAYS = 30
NEXT = 5  # candidates that are shown
STALE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Counted:
    """The inventory with the traffic of DAYS days, as of `at`. `why` says why nothing is counted; None if it is."""

    inventory: Inventory
    progress: MoveProgress
    candidates: tuple[Candidate, ...]
    dead: tuple[InventoryEntry, ...]
    at: datetime
    why: str | None


class InventoryCache:
    """The last inventory of a process. `start` runs a function beside the page; tests run it at once."""

    def __init__(self) -> None:
        self.start: Callable[[Callable[[], None]], None] = _beside
        self._last: Counted | None = None
        self._revision = -1
        self._making = threading.Lock()

    def peek(self, gateway: Gateway) -> Counted | None:
        """The last inventory, at once; None if there is none yet. A new one is begun if it is too old."""
        last = self._last
        stale = last is None or utc_now() - last.at > STALE or self._revision != gateway.snapshot.revision
        if stale and self._making.acquire(blocking=False):
            try:
                self.start(lambda: self._make(gateway))
            except RuntimeError:  # no thread can be started: the next page tries again
                self._making.release()
                logger.warning("the inventory could not be made", exc_info=True)
        return self._last

    def get(self, gateway: Gateway) -> Counted:
        """The inventory; the first one is waited for."""
        if (last := self.peek(gateway)) is not None:
            return last
        with self._making:  # until the one that was begun is there
            pass
        if self._last is None:  # it failed, and the log says why; now whoever asked is told
            self._last, self._revision = counted(gateway), gateway.snapshot.revision
        return self._last

    def clear(self) -> None:
        """Forget it."""
        self._last = None

    def _make(self, gateway: Gateway) -> None:
        """Make it anew, and release `_making`, which whoever begins holds."""
        try:
            revision = gateway.snapshot.revision
            self._last, self._revision = counted(gateway), revision
        except Exception:  # a project's views and URLs may raise anything; the pages say that there is none
            logger.exception("the inventory could not be made")
        finally:
            self._making.release()


def counted(gateway: Gateway) -> Counted:
    """The inventory, made now."""
    from gateway.workbench.inventory.counted import counted_in
    from gateway.workbench.inventory.ranking import ranked
    from gateway.workbench.inventory.report import inventory

    counts, why = counted_in(DAYS)
    found = inventory(gateway.snapshot, counts, DAYS)
    candidates = tuple(ranked(found.entries)[:NEXT])
    dead = tuple(entry for entry in found.entries if entry.own and entry.dead is not None)
    return Counted(found, found.progress, candidates, dead, utc_now(), why)


def _beside(work: Callable[[], None]) -> None:
    threading.Thread(target=_alone, args=(work,), name="gateway-inventory", daemon=True).start()


def _alone(work: Callable[[], None]) -> None:
    try:
        work()
    finally:
        connections.close_all()


INVENTORY = InventoryCache()
