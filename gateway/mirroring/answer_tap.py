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

    __slots__ = ("_limit", "_method", "_parts", "_size", "headers", "over", "recorder", "status", "whole")

    def __init__(self, method: str, limit: int) -> None:
        self._method = method
        self._limit = limit
        self.recorder = Recorder()
        self.status = 0
        self.headers: tuple[tuple[bytes, bytes], ...] = ()
        self._parts: list[bytes] = []
        self._size = 0
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
        self._size += len(body)
        if self._size > self._limit:
            self.over = True
            self._parts = []  # a download may take hours
        elif body and not self.over:
            self._parts.append(bytes(body))  # which is no copy if they are bytes
        self.whole = not message.get("more_body", False)

    @property
    def body(self) -> bytes:
        """The body that was kept, still encoded."""
        if len(self._parts) > 1:
            self._parts = [b"".join(self._parts)]
        return self._parts[0] if self._parts else b""

    def forget_body(self) -> None:
        """Keep the body no longer."""
        self._parts = []

    def answered(self, seconds: float) -> Answer:
        """The response that was kept, which took `seconds`."""
        # The server drops the body of a response to HEAD, which a service may have got as a GET.
        body = b"" if self._method == "HEAD" else self.body
        headers = tuple((name.lower(), value) for name, value in self.headers)
        recorder = self.recorder
        sql, effects, rows = recorder.sql(), recorder.known_effects(), recorder.rows()
        return Answer(self.status, headers, body, seconds, sql, effects=effects, rows=rows)
