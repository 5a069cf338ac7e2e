"""Signatures of webhooks, by the convention of Standard Webhooks
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)."""

from __future__ import annotations

import hmac
from base64 import b64encode

__all__ = ["signed_headers"]


def signed_headers(event: str, timestamp: int, body: bytes, secret: bytes) -> dict[str, str]:
    """The headers that identify and sign `body`; without a secret, it is not signed. `timestamp` is in seconds since
    1970."""
    headers = {"webhook-id": event, "webhook-timestamp": str(timestamp)}
    if secret:
        digest = hmac.digest(secret, f"{event}.{timestamp}.".encode() + body, "sha256")
        headers["webhook-signature"] = f"v1,{b64encode(digest).decode()}"
    return headers
