"""How copies are called, so that those which a crash has left behind are known."""

from __future__ import annotations

import os
import re

from gateway.clock import SYSTEM

__all__ = ["AGE", "PREFIX", "CantCopy", "age_of", "new_name"]

PREFIX = "gateway_replay_"
AGE = 60.0  # seconds; what is younger may be a replay's that has not begun yet
NAME = re.compile(rf"{PREFIX}(\d+)_\d+_\w+")


class CantCopy(Exception):
    """A database can't be copied. Its message says why, and what to do."""


def new_name(alias: str) -> str:
    """What to call a copy, or the first of several: when it was made, by which process, of what."""
    return f"{PREFIX}{int(SYSTEM.time())}_{os.getpid()}_{re.sub(r'[^a-z0-9]', '', alias.lower())[:20]}"


def age_of(name: str) -> float | None:
    """How many seconds ago a copy of this name was made; None for what is none."""
    found = NAME.fullmatch(name)
    return None if found is None else SYSTEM.time() - int(found[1])
