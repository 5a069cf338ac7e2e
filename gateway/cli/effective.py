"""The stages that are in force: the file's, or what the database says of them since."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from gateway.cli import describe
from gateway.cli.project import installed, trouble

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.rollout.stage import State

__all__ = ["States", "put_in_force"]


@dataclass(frozen=True, slots=True)
class States:
    """Where the stages come from: "runtime" or "declared", and in words. `revision` is that of the runtime changes.

    `changed` has the routes that stand elsewhere than the file says; some may not be in the file any more.
    """

    source: Literal["runtime", "declared"]
    why: str
    revision: int = 0
    changed: Mapping[str, State] = field(default_factory=dict)


def put_in_force(gateway: Gateway, patience: float | None = None) -> States:
    """Publish the runtime states in `gateway`, where there are any to be had. `patience` is how many seconds the
    database may take; None for as long as it wants."""
    if not (describe.is_django(gateway) and installed()):
        return States("declared", 'as the file says; "gateway.control" is not in INSTALLED_APPS')
    states = _found() if patience is None else _found_within(patience)
    if states.changed:
        gateway.publish(gateway.snapshot.at(states.changed, states.revision))
    return states


def _found() -> States:
    from django.db import DatabaseError

    from gateway.control.database import alias
    from gateway.control.models import Revision, RouteState
    from gateway.rollout.stage import State

    try:
        rows = list(RouteState.objects.using(alias()))
        revision = Revision.objects.using(alias()).values_list("number", flat=True).first() or 0
    except DatabaseError as exc:
        return States("declared", f"as the file says: {trouble(exc)}")
    if not rows:
        return States("runtime", "as the file says; nothing was changed since", revision)
    changed = {row.route: State(row.stage, row.weight, row.paused) for row in rows}
    return States("runtime", f"as changed since, at revision {revision}", revision, changed)


def _found_within(seconds: float) -> States:
    """On a thread of its own, so that a database that hangs doesn't hold anything up, and no connection is kept."""
    found: list[States] = []

    def ask() -> None:
        from django.db import connection

        with contextlib.closing(connection):
            found.append(_found())

    thread = threading.Thread(target=ask, name="gateway-stages", daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else States("declared", f"as the file says: no answer of the database in {seconds:g} s")
