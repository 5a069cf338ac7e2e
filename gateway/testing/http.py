"""httpx clients whose requests go through the gateway in this process."""

from __future__ import annotations

from typing import Any

import httpx

from gateway.testing.client_call import ClientCall, asking
from gateway.testing.live import running
from gateway.testing.tally import count

__all__ = ["AsyncTransport", "SyncTransport", "async_client", "sync_client"]

ORIGIN = "http://testserver"


class SyncTransport(httpx.BaseTransport):
    """Runs the request's synchronous code on the caller's thread."""

    def __init__(self, *, raise_app_exceptions: bool = True) -> None:
        self._raise = raise_app_exceptions

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The gateway's response. Raises what a service raised, unless `raise_app_exceptions` is False."""
        request.read()
        asked = ClientCall()
        live = running()
        live.refresh(self)
        with asking(asked):
            status, headers, body = live.run(_ask(request, live.gateway))
        count(asked.served_by)
        return _response(asked, self._raise, status, headers, body)


class AsyncTransport(httpx.AsyncBaseTransport):
    """Runs the request's synchronous code where `sync_to_async` runs that of the test."""

    def __init__(self, *, raise_app_exceptions: bool = True) -> None:
        self._raise = raise_app_exceptions

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The gateway's response. Raises what a service raised, unless `raise_app_exceptions` is False."""
        await request.aread()
        asked = ClientCall()
        live = running()
        live.refresh(self)
        with asking(asked):
            status, headers, body = await live.arun(_ask(request, live.gateway))
        count(asked.served_by)
        return _response(asked, self._raise, status, headers, body)


def sync_client(*, raise_app_exceptions: bool = True, **options: Any) -> httpx.Client:
    """An `httpx.Client` of the gateway. `options` are httpx's own.

    What a service raises is raised here, as by httpx's ASGITransport, unless `raise_app_exceptions` is False.
    """
    transport = SyncTransport(raise_app_exceptions=raise_app_exceptions)
    return httpx.Client(transport=transport, **{"base_url": ORIGIN, **options})


def async_client(*, raise_app_exceptions: bool = True, **options: Any) -> httpx.AsyncClient:
    """An `httpx.AsyncClient` of the gateway; as `sync_client`."""
    transport = AsyncTransport(raise_app_exceptions=raise_app_exceptions)
    return httpx.AsyncClient(transport=transport, **{"base_url": ORIGIN, **options})


async def _ask(request: httpx.Request, app: Any) -> tuple[int, httpx.Headers, bytes]:
    response = await httpx.ASGITransport(app, raise_app_exceptions=True).handle_async_request(request)
    return response.status_code, response.headers, await response.aread()


def _response(asked: ClientCall, raises: bool, status: int, headers: httpx.Headers, body: bytes) -> httpx.Response:
    if raises and (error := asked.failure or asked.escaped) is not None:
        raise error
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))
