"""Requests to other servers in the form in which they are stored with a case: docs/corpus.md."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from gateway.context.outbound import OutboundCall, OutboundLog
from gateway.parity.answer import Answer
from gateway.parity.redact.bodies import redacted_body
from gateway.parity.redact.pseudonyms import Pseudonyms
from gateway.recording.body import body_to_json
from gateway.recording.exchange import answer_to_json, headers_to_json

__all__ = ["calls_to_json"]


def calls_to_json(log: OutboundLog | None, pseudonyms: Pseudonyms | None) -> list[dict[str, Any]]:
    """All calls. Responses that are too long, or were not read to their end, are left out."""
    return [] if log is None else [_call(call, pseudonyms) for call in log.calls]


def _call(call: OutboundCall, pseudonyms: Pseudonyms | None) -> dict[str, Any]:
    url = _url(call.url, pseudonyms)
    body = bytes(call.sent or b"")
    content_type = dict(call.sent_headers).get(b"content-type", b"").decode("latin-1")
    if pseudonyms is not None:
        body = redacted_body(body, content_type, pseudonyms) or b""
    answer = None
    if call.whole and call.body is not None:
        made = Answer(call.status, call.headers, bytes(call.body), 0.0)
        answer = answer_to_json(made, None, pseudonyms)
    return {
        "method": call.method,
        "url": url,
        "headers": headers_to_json(call.sent_headers, b"", (), pseudonyms),
        "body": body_to_json(body),
        "answer": answer,
        "failed": call.failed,
        "masked": url != _url(call.url, None),
    }


def _url(url: str, pseudonyms: Pseudonyms | None) -> str:
    """The URL without user name and password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    target = target if pseudonyms is None else pseudonyms.target(target)
    return f"{parts.scheme}://{host}{target}"
