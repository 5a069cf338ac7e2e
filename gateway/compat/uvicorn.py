"""uvicorn: connections and their current request."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn

__all__ = ["Cycle", "abandon", "complete", "new_protocol", "stop_keepalive"]

# uvicorn's RequestResponseCycle, of which each parser has its own class.
Cycle = Any


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


def complete(cycle: Cycle) -> None:
    """Tell uvicorn that the response of `cycle` was written as a whole, as the end of its `send` does.

    `response_started`, `response_complete`, `keep_alive`, `on_response`: there is no public way to write a response
    without its `send`, which is a coroutine and takes two messages.
    """
    cycle.waiting_for_100_continue = False
    cycle.response_started = cycle.response_complete = True
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
    cycle.on_response = _nothing  # otherwise a reference cycle, as in its `run_asgi`


def _nothing() -> None:
    """Instead of the callback of a response that is over."""
