"""Signatures of webhooks, as Standard Webhooks specifies them
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Sequence

__all__ = ["signed_headers"]


def signed_headers(event: str, timestamp: int, body: bytes, secrets: Sequence[bytes]) -> dict[str, str]:
    """The headers that identify `body`, and sign it with each of `secrets`: one of the signatures is enough for the
    receiver, so that it can get a new secret. `timestamp` is in seconds since 1970."""
    headers = {"webhook-id": event, "webhook-timestamp": str(timestamp)}
    if secrets:
        signed = f"{event}.{timestamp}.".encode() + body
        digests = (hmac.digest(secret, signed, "sha256") for secret in secrets)
        headers["webhook-signature"] = " ".join(f"v1,{b64encode(digest).decode()}" for digest in digests)
    return headers
