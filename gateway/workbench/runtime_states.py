"""The current states of routes: the file's, or those in the database."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gateway.rollout.policy import declared_state
from gateway.workbench import describe
from gateway.workbench.database import installed, trouble

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["States", "put_in_force"]


@dataclass(frozen=True, slots=True)
class States:
    """The origin of the states: "runtime" or "declared", and why, in words. `revision` is that of the runtime
    changes."""

    source: Literal["runtime", "declared"]
    why: str
    revision: int = 0

    def described(self) -> dict[str, Any]:
        """In the form of `Stages` in workbench/shapes."""
        return {"source": self.source, "why": self.why, "revision": self.revision if self.source == "runtime" else None}


def put_in_force(gateway: Gateway, patience: float | None = None) -> States:
    """Publish the states in the database in `gateway`, if they can be read. `patience` is the number of seconds that
    the database may take; None for no limit."""
    if not (describe.is_django(gateway) and installed()):
        return States("declared", 'as the file says; "gateway.control" is not in INSTALLED_APPS')
    return _published(gateway) if patience is None else _published_within(gateway, patience)


def _published(gateway: Gateway) -> States:
    from django.db import DatabaseError

    from gateway.control.poller import Poller

    poller = Poller(gateway)
    try:
        poller.look()
    except DatabaseError as exc:
        return States("declared", f"as the file says: {trouble(exc)}")
    compiled = gateway.snapshot.compiled
    if all(compiled[route.name].policy.state == declared_state(route) for route in gateway.config.routes):
        return States("runtime", f"as the file says, at revision {poller.revision}", poller.revision)
    return States("runtime", f"as changed since, at revision {poller.revision}", poller.revision)


def _published_within(gateway: Gateway, seconds: float) -> States:
    """On a separate thread, so that a database that hangs doesn't block, and no connection is kept."""
    found: list[States] = []

    def ask() -> None:
        from django.db import connections

        from gateway.control.database import alias

        with contextlib.closing(connections[alias()]):
            found.append(_published(gateway))

    thread = threading.Thread(target=ask, name="gateway-stages", daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else States("declared", f"as the file says: no answer of the database in {seconds:g} s")
