"""uvicorn: connections, and the request that one of them is at."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn

__all__ = ["abandon", "new_protocol", "stop_keepalive"]


def new_protocol(server: uvicorn.Server) -> asyncio.Protocol:
    """The protocol for one more connection to `server`, as its `startup` makes them, and shows nobody how."""
    return server.config.http_protocol_class(  # type: ignore[call-arg]
        config=server.config, server_state=server.server_state, app_state=server.lifespan.state
    )


def stop_keepalive(protocol: Any) -> None:
    """Don't close the connection of `protocol` for being idle: something has come.

    `_unset_keepalive_if_required`: uvicorn calls it when its parser is given something, which is later here.
    """
    protocol._unset_keepalive_if_required()  # noqa: SLF001


def abandon(cycle: Any) -> None:
    """Let the application that answers the request of `cycle` find that the client has left.

    `disconnected` and `message_event` of uvicorn's RequestResponseCycle: else only the end of the connection says so.
    """
    cycle.disconnected = True
    cycle.message_event.set()
