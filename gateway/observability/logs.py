"""One line for each request: who answered, how and how fast."""

from __future__ import annotations

import logging

from gateway.dispatch import Outcome

__all__ = ["access", "log"]

access = logging.getLogger("gateway.access")


def log(outcome: Outcome) -> None:
    """Log a finished request."""
    facts = outcome.facts
    access.info(
        "%s %s%s %s %s %.1fms",
        facts.method,
        facts.root,
        facts.path.encode("unicode_escape").decode("ascii"),  # a path may hold line ends
        outcome.status or "-",
        outcome.decision.upstream,
        outcome.seconds * 1000,
        extra={
            "method": facts.method,
            "path": facts.path,
            "status": outcome.status,
            "upstream": outcome.decision.upstream,
            "route": outcome.decision.route,
            "request_id": (facts.request_id or b"").decode("ascii"),
        },
    )
