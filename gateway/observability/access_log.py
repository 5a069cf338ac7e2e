"""The access log: one line for each request, with the upstream that answered, the status and the duration."""

from __future__ import annotations

import logging

from gateway.dispatch.exchange import Exchange

__all__ = ["access", "log"]

access = logging.getLogger("gateway.access")


def log(exchange: Exchange) -> None:
    """Log a finished request."""
    info = exchange.info
    access.info(
        "%s %s%s %s %s %.1fms",
        info.method,
        info.root,
        info.path.encode("unicode_escape").decode("ascii"),  # a path may contain line breaks
        exchange.status or "-",
        exchange.decision.upstream,
        exchange.seconds * 1000,
        extra={
            "method": info.method,
            "path": info.path,
            "status": exchange.status,
            "upstream": exchange.decision.upstream,
            "route": exchange.decision.route,
            "request_id": (info.request_id or b"").decode("ascii"),
        },
    )
