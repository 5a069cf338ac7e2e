"""uvicorn's protocol with zttp, behind one reading of what comes in."""

from __future__ import annotations

from uvicorn.protocols.http.zttp_impl import ZttpProtocol

from gateway.http1.protocols import OneReading

__all__ = ["Zttp"]


class Zttp(OneReading, ZttpProtocol):  # type: ignore[misc] # for types, its base is H11Protocol
    """With zttp: its HTTP/1.1 only, since what HTTP/2 says is not read here."""
