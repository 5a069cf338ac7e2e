"""Bodies in JSON: as text if they are UTF-8, so that people can read and change them, else in Base64
(docs/corpus.md)."""

from __future__ import annotations

from base64 import b64encode

__all__ = ["body_to_json"]


def body_to_json(body: bytes) -> dict[str, str] | None:
    """{"text": …} or {"base64": …}; None for an empty body."""
    if not body:
        return None
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(body).decode("ascii")}
