"""How many requests of a test run went through the gateway, and who answered them."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

__all__ = ["count", "forget", "gathered", "hand_in", "said"]

NOBODY = "nobody"

_tally: Counter[str] = Counter()


def count(served_by: str | None) -> None:
    """One request was answered by this upstream; None: the gateway itself refused it."""
    _tally[served_by or NOBODY] += 1


def forget() -> None:
    """Start again from nothing: a process that was forked has the counts of the one before."""
    _tally.clear()


def hand_in(folder: Path) -> None:
    """Leave what this process has counted for the one that gathers. Do it often: it may be ended without notice."""
    (folder / str(os.getpid())).write_text(json.dumps(_tally))


def gathered(folder: Path) -> Counter[str]:
    """By upstream, what this process has counted, and those that handed in."""
    found = Counter(_tally)
    for file in folder.iterdir():
        if file.name != str(os.getpid()):
            found.update(json.loads(file.read_text()))
    return found


def said(found: Mapping[str, int]) -> str:
    """In a sentence: how many requests went through the gateway, and how many of them each upstream answered."""
    total = sum(found.values())
    if not total:
        return "No request went through the gateway."
    sides = [f"{name} answered {number:,}" for name, number in sorted(found.items()) if name != NOBODY]
    if refused := found.get(NOBODY):
        sides.append(f"the gateway refused {refused:,}")
    return f"{total:,} request{'' if total == 1 else 's'} went through the gateway: {', '.join(sides)}."
