"""Aliases for ASGI's types, and constants that several packages use."""

from __future__ import annotations

__all__ = ["CLOSE", "ERROR", "NO_HEADERS", "Failure", "Header", "Headers"]


Header = tuple[bytes, bytes]

Headers = list[Header]

Failure = tuple[int, BaseException]  # the status to answer with, and what went wrong

NO_HEADERS: Headers = []

CLOSE: Header = (b"connection", b"close")  # of the answers of a server that is about to stop

ERROR = 500  # and above
