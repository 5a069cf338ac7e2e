"""Which upstream answers, and why. Pure: everything it depends on is passed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.routing.table import Match

__all__ = ["LEGACY", "NOBODY", "Decision", "decide"]

LEGACY = "legacy"
NOBODY = "-"  # in the place of an upstream's name where a request is refused; no service can be called that


@dataclass(frozen=True, slots=True)
class Decision:
    """`upstream` answers because of `reason`; `route` is the one that was asked, if any."""

    upstream: str
    reason: str
    route: str | None = None


UNCLAIMED = Decision(LEGACY, "no route claims this path")
OTHER_METHOD = Decision(LEGACY, "the path is claimed, but not for this method")


def decide(match: Match | None, decisions: Mapping[str, Decision]) -> Decision:
    """The decision for a match. `decisions` has what the stage of each route says, made with the snapshot."""
    if match is None:
        return UNCLAIMED
    if match.route is None:
        return OTHER_METHOD
    return decisions[match.route]


def at_stage(route: str, stage: str, service: str) -> Decision:
    """What a route at `stage` decides for every request it claims."""
    if stage == "live":
        return Decision(service, f"route {route!r} is live", route)
    return Decision(LEGACY, f"route {route!r} is at stage legacy", route)
