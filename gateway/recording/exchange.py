"""The stored form of headers and responses: what endpoints may depend on, redacted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.mirroring.tracing import without_traces
from gateway.parity.answer import Answer
from gateway.parity.decoding import UnreadableBody, decoded, encodings
from gateway.parity.redact.bodies import redacted_body
from gateway.parity.redact.pseudonyms import Pseudonyms
from gateway.parity.redact.sensitive import is_secret
from gateway.recording.body import body_to_json
from gateway.rollout.cohort import cookie_value

__all__ = ["answer_to_json", "headers_to_json"]

# Headers of a connection, a browser or a proxy: endpoints don't depend on them, or they can't be repeated.
LEFT_OUT = frozenset(
    b"""
    connection keep-alive proxy-connection te trailer transfer-encoding upgrade content-length expect
    cookie authorization proxy-authorization user-agent dnt pragma cache-control priority save-data
    upgrade-insecure-requests x-request-id x-correlation-id via
    forwarded x-forwarded-for x-forwarded-port x-forwarded-server x-real-ip x-client-ip x-cluster-client-ip
    cf-connecting-ip true-client-ip fastly-client-ip
    """.split()
)
LEFT_OUT_OF_ANSWERS = frozenset(
    b"connection keep-alive transfer-encoding content-length content-encoding date server trailer upgrade".split()
)


def headers_to_json(
    lines: Iterable[tuple[bytes, bytes]], sent: bytes, cookies: Sequence[bytes], pseudonyms: Pseudonyms | None
) -> list[list[str]]:
    """The relevant headers. Cookies are kept only if they don't identify the caller."""
    made = []
    for name, value in without_traces(lines):
        plain = name.decode("latin-1").lower()
        if name.lower() not in LEFT_OUT and not plain.startswith("sec-") and not is_secret(plain):
            made.append([plain, _header(plain, value, pseudonyms)])
    found = ((name, cookie_value(sent, name)) for name in cookies)
    made += [["cookie", f"{name.decode('latin-1')}={value.decode('latin-1')}"] for name, value in found if value]
    return made


def _header(name: str, value: bytes, pseudonyms: Pseudonyms | None) -> str:
    text = value.decode("latin-1")
    return text if pseudonyms is None else pseudonyms.header(name, text)


def answer_to_json(answer: Answer, upstream: str | None, pseudonyms: Pseudonyms | None) -> dict[str, Any]:
    """A response by `upstream`, None if it isn't stored; its body is decoded from its content-encoding."""
    left_out = LEFT_OUT_OF_ANSWERS
    try:
        body = decoded(answer)
    except UnreadableBody:
        body, left_out = answer.body, left_out - {b"content-encoding"}
    if pseudonyms is not None:
        readable = body if left_out is LEFT_OUT_OF_ANSWERS or not encodings(answer) else b""
        body = redacted_body(readable, answer.fields.get("content-type", ""), pseudonyms) or b""
    headers = [
        [name.decode("latin-1"), _header(name.decode("latin-1"), value, pseudonyms)]
        for name, value in answer.headers
        if name not in left_out
    ]
    return {"status": answer.status, "headers": headers, "body": body_to_json(body), "upstream": upstream}
