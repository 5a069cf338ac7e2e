"""Names of copies, by which those of killed replays are recognised."""

from __future__ import annotations

import os
import re

from gateway.clock import SYSTEM

__all__ = ["AGE", "PREFIX", "CantCopy", "age_of", "new_name"]

PREFIX = "gateway_replay_"
AGE = 60.0  # seconds; a younger copy may belong to a replay that is starting
NAME = re.compile(rf"{PREFIX}(\d+)_\d+_\w+")


class CantCopy(Exception):
    """A database can't be copied. The message says why, and what to do."""


def new_name(alias: str) -> str:
    """A name for a copy, or for the first of several: it has the time, the process and the database's alias."""
    return f"{PREFIX}{int(SYSTEM.time())}_{os.getpid()}_{re.sub(r'[^a-z0-9]', '', alias.lower())[:20]}"


def age_of(name: str) -> float | None:
    """The age of the copy with this name, in seconds; None if it is no copy."""
    found = NAME.fullmatch(name)
    return None if found is None else SYSTEM.time() - int(found[1])
