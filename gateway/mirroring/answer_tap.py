"""Keeps a copy of a response while it is sent."""

from __future__ import annotations

from starlette.types import Message

from gateway.context.recording import Recorder
from gateway.dispatch.scope import FILES
from gateway.parity.answer import Answer

__all__ = ["AnswerTap"]


class AnswerTap:
    """Keeps the response to a request with `method`: at most `limit` bytes of its body. `recorder` notes what was done.

    `status` is 0 before the start. `whole`: the response is complete. `over`: its body is longer than `limit`, or a
    file, and none of it is kept.
    """

    __slots__ = ("_limit", "_method", "body", "headers", "over", "recorder", "status", "whole")

    def __init__(self, method: str, limit: int) -> None:
        self._method = method
        self._limit = limit
        self.recorder = Recorder()
        self.status = 0
        self.headers: tuple[tuple[bytes, bytes], ...] = ()
        self.body = bytearray()
        self.whole = self.over = False

    def keep(self, message: Message) -> None:
        """Take one ASGI message of the response."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = tuple(message.get("headers", ()))
            return
        if message["type"] in FILES:  # no bytes to compare
            self.whole = self.over = True
        if message["type"] != "http.response.body":  # an early hint, or trailers
            return
        body = message.get("body", b"")
        if not self.over and len(self.body) + len(body) > self._limit:
            self.over = True
            self.body = bytearray()  # a download may take hours
        if not self.over:
            self.body += body
        self.whole = not message.get("more_body", False)

    def answered(self, seconds: float) -> Answer:
        """The response that was kept, which took `seconds`."""
        # The server drops the body of a response to HEAD, which a service may have got as a GET.
        body = b"" if self._method == "HEAD" else bytes(self.body)
        headers = tuple((name.lower(), value) for name, value in self.headers)
        recorder = self.recorder
        sql, effects, rows = recorder.sql(), recorder.known_effects(), recorder.rows()
        return Answer(self.status, headers, body, seconds, sql, effects=effects, rows=rows)
