"""uvicorn's protocol with zttp, behind `Reading`."""

from __future__ import annotations

from uvicorn.protocols.http.zttp_impl import ZttpProtocol

from gateway.http1.protocols import OneReading

__all__ = ["Zttp"]


class Zttp(OneReading, ZttpProtocol):  # type: ignore[misc] # for types, its base is H11Protocol
    """With zttp, for HTTP/1.1 only: `Reading` doesn't read HTTP/2."""
