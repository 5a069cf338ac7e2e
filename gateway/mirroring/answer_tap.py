"""What one upstream answers, kept on its way."""

from __future__ import annotations

from starlette.types import Message

from gateway.context.recording import Recorder
from gateway.dispatch.scope import FILES
from gateway.parity.answer import Answer

__all__ = ["AnswerTap"]


class AnswerTap:
    """The answer to a request with `method`, of whose body `limit` bytes are kept at most, and in `recorder` what was
    done for it.

    `status` is 0 until it begins. `whole`: it has ended. `over`: its body is longer, or a file, and none of it is kept.
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
        """Note one message of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = tuple(message.get("headers", ()))
            return
        if message["type"] in FILES:  # there are no bytes to compare
            self.whole = self.over = True
        if message["type"] != "http.response.body":  # a hint before the answer, or trailers after it
            return
        body = message.get("body", b"")
        if not self.over and len(self.body) + len(body) > self._limit:
            self.over = True
            self.body = bytearray()  # a download may take its caller hours
        if not self.over:
            self.body += body
        self.whole = not message.get("more_body", False)

    def answered(self, seconds: float) -> Answer:
        """The answer that was noted, which took so long."""
        # Of a HEAD's, the server leaves it out, or a service was asked GET.
        body = b"" if self._method == "HEAD" else bytes(self.body)
        headers = tuple((name.lower(), value) for name, value in self.headers)
        recorder = self.recorder
        sql, effects, rows = recorder.sql(), recorder.known_effects(), recorder.rows()
        return Answer(self.status, headers, body, seconds, sql, effects=effects, rows=rows)
