"""uvicorn's protocol with httptools, behind `Reading`, and the way from it to the direct path (direct.py)."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.compat.uvicorn import Cycle
from gateway.http1.connection import AnswersRequests, Connection
from gateway.http1.protocols import OneReading

__all__ = ["HttpTools"]


class HttpTools(OneReading, HttpToolsProtocol):  # type: ignore[misc] # for types, its base is H11Protocol
    """With httptools, the parser of Node.js.

    A request that has arrived as a whole is offered to `config.direct`, where the configuration has one. uvicorn would
    start a task once it has the headers; here that waits for the end of the message, in the same call of the parser.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._direct: AnswersRequests | None = getattr(self.config, "direct", None)
        self._offered: Cycle | None = None
        self._default_headers: list[tuple[bytes, bytes]] = []
        self._default_lines = b""

    def _start_asgi_task(self, cycle: Cycle, app: Any) -> None:
        """uvicorn's, which older versions don't have: there, each request has a task at once."""
        if self._direct is None or app is not self.app or not self._reading.whole or self.parser.should_upgrade():
            self.start_task(cycle, app)
        else:
            self._offered = cycle

    def on_message_complete(self) -> None:
        """The parser has the whole request."""
        super().on_message_complete()
        if (cycle := self._offered) is not None and self._direct is not None:
            self._offered = None
            # Not at once: a thread that is woken while requests are read only contends for the interpreter lock.
            self.loop.call_soon(self._direct.answer, cycle.scope, cycle.body, Connection(self, cycle))

    def start_task(self, cycle: Cycle, app: Any) -> None:
        """Let `app` answer the request of `cycle`, in a task."""
        super()._start_asgi_task(cycle, app)

    def default_lines(self) -> bytes:
        """The headers that the server adds to each response (Date, Server)."""
        headers = self.server_state.default_headers
        if headers is not self._default_headers:
            self._default_headers = headers
            self._default_lines = b"".join(b"%s: %s\r\n" % line for line in headers)
        return self._default_lines
