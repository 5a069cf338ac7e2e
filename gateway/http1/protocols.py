"""uvicorn's protocols, behind `Reading` (reading.py)."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gateway.compat.uvicorn import abandon, stop_keepalive
from gateway.http1.reading import Reading
from gateway.http1.refused import RefusedMessage

__all__ = ["OneReading", "protocol"]

MOST_HELD = 2**16  # bytes that are buffered while a request is answered
MOST_UNWANTED = 2**20  # bytes of a body that are read after its response, before the connection is closed
HEAD_TIMEOUT = 30.0  # seconds for a request's head; for the first one, from the start of the connection
BODY_TIMEOUT = 60.0  # seconds between two parts of a body, while the application reads
LINGER = 2.0  # seconds for a refused client to stop sending, and read the response

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol

    # uvicorn's three classes have the same attributes and no common base; for type checking, this is one of them.
    class _Protocol(H11Protocol):
        pass
else:
    _Protocol = object


class OneReading(_Protocol):
    """Base of the protocols: uvicorn's parser gets one request at a time, and only what `Reading` passes on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reading = Reading()
        self._unwanted = 0
        self._answered = False  # before the request was complete
        self._closing: asyncio.TimerHandle | None = None  # cancelled when data arrives

    def connection_made(self, transport: Any) -> None:
        """Start the timer for the first request."""
        super().connection_made(transport)
        self._close_in(HEAD_TIMEOUT)

    def data_received(self, data: bytes) -> None:
        """Read and check what has arrived, and pass it to uvicorn's parser."""
        reading = self._reading
        try:
            taken = reading.take(data)
        except RefusedMessage as exc:
            self._refuse(exc)
            return
        if taken:
            if self._closing is not None:
                self._close_in(None)
            super().data_received(taken)
        if not reading.whole:
            self._unfinished(len(data))
        elif self._answered:
            self._answered = False
            self._go_on()
        elif reading.held > MOST_HELD:
            self.flow.pause_reading()

    def on_response_complete(self) -> None:
        """Continue with the next request, if it has arrived."""
        super().on_response_complete()
        reading = self._reading
        if reading.whole:
            self._go_on()
        elif reading.asks:  # 100 Continue was not sent: the client may or may not send its body
            self.transport.close()
        else:  # the next request begins after the rest of this one
            self._answered = True
            self._unwanted = 0

    def _go_on(self) -> None:
        reading = self._reading
        reading.begin()
        if reading.held and not self.transport.is_closing():
            self.data_received(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed: stop the timer."""
        self._close_in(None)
        super().connection_lost(exc)

    def _unfinished(self, received: int) -> None:
        """Apply the limits for an incomplete message."""
        reading = self._reading
        cycle: Any = self.cycle
        if reading.starting:
            if self._closing is None:
                stop_keepalive(self)
                self._close_in(HEAD_TIMEOUT)
            return
        if cycle is None or reading.upgraded or reading.left:
            return
        if self._closing is None:
            self._await_body()
        if cycle.response_complete:
            self._unwanted += received
            if self._unwanted > MOST_UNWANTED:
                self.transport.close()

    def _await_body(self) -> None:
        self._closing = self.loop.call_later(BODY_TIMEOUT, self._missing)

    def _missing(self) -> None:
        """No part of the body has arrived in time."""
        cycle: Any = self.cycle
        if self.flow.read_paused or cycle.waiting_for_100_continue:  # the application doesn't read
            self._await_body()
        elif cycle.response_started:
            self.transport.close()
        else:
            self._refuse(
                RefusedMessage(HTTPStatus.REQUEST_TIMEOUT, f"nothing of its body came for {BODY_TIMEOUT:g} seconds")
            )

    def _close_in(self, seconds: float | None) -> None:
        if self._closing is not None:
            self._closing.cancel()
        self._closing = None if seconds is None else self.loop.call_later(seconds, self.transport.close)

    def _refuse(self, refusal: RefusedMessage) -> None:
        """Send an error response, unless a response has begun, and close the connection."""
        self.logger.warning("Refused a request: %s.", refusal)
        self._reading.leave()
        stop_keepalive(self)
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete:  # the error is in its body
            abandon(cycle)
            if cycle.response_started:
                self.transport.close()
                return
        self.transport.write(_answer(refusal.status))
        if self.transport.can_write_eof():
            # If a connection is closed with unread data, it is reset, and the client may lose the response.
            self.transport.write_eof()
            self._close_in(LINGER)
        else:
            self.transport.close()


def _answer(status: int) -> bytes:
    phrase = HTTPStatus(status).phrase.encode()
    lines = (
        b"HTTP/1.1 %d %s" % (status, phrase),
        b"content-type: text/plain; charset=utf-8",
        b"content-length: %d" % len(phrase),
        b"connection: close",
        b"",
        phrase,
    )
    return b"\r\n".join(lines)


# Imported on demand: a server uses one of them, and httptools isn't available for PyPy.
CLASSES = {"httptools": "HttpTools", "h11": "H11", "zttp": "Zttp"}


def protocol(name: str) -> type[asyncio.Protocol]:
    """The protocol class for "httptools", "h11", "zttp" or "auto", which is the first of them that is installed.

    Raises ValueError if it isn't installed.
    """
    found = _loaded("httptools") or _loaded("h11") if name == "auto" else _loaded(name)
    if found is None:
        missing = f"it isn't installed, or uvicorn is too old for it; run: pip install -U uvicorn {name}"
        raise ValueError(f"--http {name}: {missing}")
    return found


def _loaded(name: str) -> type[asyncio.Protocol] | None:
    try:
        found: type[asyncio.Protocol] = getattr(import_module(f"gateway.http1.{name}"), CLASSES[name])
    except ImportError:
        return None
    return found
