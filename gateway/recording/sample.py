"""A request in the form in which it is stored: a redacted case of docs/corpus.md."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from gateway.mirroring.kept import Kept
from gateway.parity.answer import Answer
from gateway.parity.redact.bodies import redacted_body
from gateway.parity.redact.pseudonyms import Pseudonyms
from gateway.parity.redact.sensitive import has_personal_shape
from gateway.recording.body import body_to_json
from gateway.recording.calls import calls_to_json
from gateway.recording.exchange import answer_to_json, headers_to_json

__all__ = ["Sampled", "Who", "document_of"]

PARAMETER = re.compile(r"{([^}:]*)[^}]*}")


@dataclass(frozen=True, slots=True)
class Who:
    """Who made a request: "anonymous", "user", "staff" or "superuser", and the primary key as text."""

    kind: str = "anonymous"
    key: str | None = None


class Sampled(NamedTuple):
    """A request that was kept, its template and its caller. `at` is in seconds since 1970."""

    kept: Kept
    answer: Answer
    template: str
    route: str | None
    who: Who
    at: float
    reached: str | None = None


def document_of(
    sampled: Sampled, pseudonyms: Pseudonyms | None, cookies: Sequence[bytes] = ()
) -> dict[str, Any] | None:
    """The form in which it is stored; None if it contains something that can't be redacted. Without `pseudonyms`,
    nothing is redacted. `cookies` are the names of those that are kept."""
    kept, info = sampled.kept, sampled.kept.info
    body = kept.request_body
    if pseudonyms is not None:
        content_type = info.headers.get(b"content-type", b"").decode("latin-1")
        redacted = None if b"content-encoding" in info.headers else redacted_body(body, content_type, pseudonyms)
        if redacted is None and body:
            return None
        body = redacted or b""
    return {
        "template": sampled.template,
        "method": info.method,
        "path": _path(kept.scope, sampled.template, pseudonyms),
        "query": _query(kept.scope.get("query_string", b"").decode("latin-1"), pseudonyms),
        "headers": headers_to_json(kept.scope["headers"], info.headers.get(b"cookie", b""), cookies, pseudonyms),
        "body": body_to_json(body),
        "user": {"kind": sampled.who.kind, "ref": _key(sampled.who.key, pseudonyms)},
        "answer": answer_to_json(sampled.answer, kept.upstream, pseudonyms),
        "sql": _sql(kept),
        "route": sampled.route,
        "at": datetime.fromtimestamp(sampled.at, UTC).isoformat(timespec="milliseconds"),
        "reached": sampled.reached,
        "outbound": calls_to_json(kept.tap.recorder.outbound, pseudonyms),
    }


def _path(scope: Mapping[str, Any], template: str, pseudonyms: Pseudonyms | None) -> str:
    raw = scope.get("raw_path")
    path: str = raw.decode("latin-1") if raw else quote(scope["path"])
    if pseudonyms is None:
        return path
    parts, names = path.split("/"), template.split("/")
    if len(parts) == len(names):
        for index, name in enumerate(names):
            found = PARAMETER.fullmatch(name)
            if found is not None and pseudonyms.covers(found[1]):
                plain = unquote(parts[index])
                if not pseudonyms.is_reference(found[1], plain):
                    parts[index] = quote(pseudonyms.secret(found[1], plain), safe="")
    return pseudonyms.target("/".join(parts))


def _query(query: str, pseudonyms: Pseudonyms | None) -> str:
    return query if pseudonyms is None else pseudonyms.query(query)


def _key(key: str | None, pseudonyms: Pseudonyms | None) -> str | None:
    if key is None or pseudonyms is None or not has_personal_shape(key):
        return key
    return pseudonyms.mask(key)


def _sql(kept: Kept) -> dict[str, Any] | None:
    if kept.tap.recorder.elsewhere:
        return None
    sql = kept.tap.recorder.sql()
    written = sql.written()
    return {"count": sql.count, "read": sorted(sql.tables() - written), "written": sorted(written)}
