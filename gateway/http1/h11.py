"""uvicorn's protocol with h11, behind `Reading`."""

from __future__ import annotations

from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.http1.protocols import OneReading

__all__ = ["H11"]


class H11(OneReading, H11Protocol):
    """With h11, which is written in Python."""
