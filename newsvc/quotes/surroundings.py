"""What surrounds an endpoint in Django, and would be missed here.

The project's own MIDDLEWARE does not run around these services (`middleware = "none"` in gateway.toml).
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["AnswerHeaders"]


class AnswerHeaders:
    """Puts on every answer the headers that the project's MIDDLEWARE puts there.

    `Vary` is DRF's and the middleware's together: while some callers get Django's answer for the same URL,
    a cache has to tell them apart by the same headers as before.
    """

    headers = (
        (b"vary", b"Accept, X-Tenant, Accept-Language, Cookie"),
        (b"content-language", b"en"),
        (b"x-frame-options", b"DENY"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
    )

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *self.headers]}
            await send(message)

        await self.app(scope, receive, send_with_headers)
