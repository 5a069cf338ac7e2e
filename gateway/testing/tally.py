"""Counts the requests of a test run that went through the gateway, by upstream."""

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
    """Count a request that this upstream answered; None: the gateway itself refused it."""
    _tally[served_by or NOBODY] += 1


def forget() -> None:
    """Reset the counts: a forked process has those of its parent."""
    _tally.clear()


def hand_in(folder: Path) -> None:
    """Store this process's counts for the one that gathers them. Call it often: the process may be killed."""
    (folder / str(os.getpid())).write_text(json.dumps(_tally))


def gathered(folder: Path) -> Counter[str]:
    """The counts by upstream, of this process and of those that stored theirs."""
    found = Counter(_tally)
    for file in folder.iterdir():
        if file.name != str(os.getpid()):
            found.update(json.loads(file.read_text()))
    return found


def said(found: Mapping[str, int]) -> str:
    """One sentence: how many requests went through the gateway, and how many of them each upstream answered."""
    total = sum(found.values())
    if not total:
        return "No request went through the gateway."
    sides = [f"{name} answered {number:,}" for name, number in sorted(found.items()) if name != NOBODY]
    if refused := found.get(NOBODY):
        sides.append(f"the gateway refused {refused:,}")
    return f"{total:,} request{'' if total == 1 else 's'} went through the gateway: {', '.join(sides)}."
