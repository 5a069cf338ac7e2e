"""The caller for `gateway explain --as USER`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.cli.common import fail, misuse

if TYPE_CHECKING:
    from gateway.rollout.cohort import Caller

__all__ = ["caller_named"]


def caller_named(username: str) -> Caller:
    """As `gateway.workbench.caller.caller_named`, but ends the command with status 2 if there is no such user, and with
    3 if the database can't be queried."""
    from django.db import DatabaseError

    from gateway.workbench import caller

    try:
        return caller.caller_named(username)
    except caller.NoSuchUser as exc:
        misuse(f"--as: {exc}")
    except DatabaseError as exc:
        fail(f"--as {username}: the database can't be asked: {exc}", "database")
