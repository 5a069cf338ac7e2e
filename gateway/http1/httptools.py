"""uvicorn's protocol with httptools, behind `Reading`."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.http1.protocols import OneReading

__all__ = ["HttpTools"]


class HttpTools(OneReading, HttpToolsProtocol):  # type: ignore[misc] # for types, its base is H11Protocol
    """With httptools, the parser of Node.js."""
