"""uvicorn: connections and their current request."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn

__all__ = ["abandon", "new_protocol", "stop_keepalive"]


def new_protocol(server: uvicorn.Server) -> asyncio.Protocol:
    """The protocol for another connection to `server`, created as in its `startup`; there is no public way."""
    return server.config.http_protocol_class(  # type: ignore[call-arg]
        config=server.config, server_state=server.server_state, app_state=server.lifespan.state
    )


def stop_keepalive(protocol: Any) -> None:
    """Stop the keep-alive timer of `protocol`: data has arrived.

    `_unset_keepalive_if_required`: uvicorn calls it when its parser gets data, which is later here.
    """
    protocol._unset_keepalive_if_required()  # noqa: SLF001


def abandon(cycle: Any) -> None:
    """Tell the application that answers the request of `cycle` that the client has disconnected.

    `disconnected` and `message_event` of uvicorn's RequestResponseCycle: otherwise only the end of the connection sets
    them.
    """
    cycle.disconnected = True
    cycle.message_event.set()
