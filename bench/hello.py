"""The least an ASGI app can do: the bytes of the JSON view, headers included, and no Django."""

from typing import Any

_BODY = b'{"message": "Hello, world", "items": [1, 2, 3]}'
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"application/json"),
        (b"x-frame-options", b"DENY"),
        (b"content-length", str(len(_BODY)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
    ],
}
_END = {"type": "http.response.body", "body": _BODY}


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    """Answer every request the same way; what remains is uvicorn's own cost."""
    await send(_START)
    await send(_END)
