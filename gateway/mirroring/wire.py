"""The format in which copies are sent to the process that mirrors: a header in JSON, and the two bodies."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from starlette.types import Scope

from gateway.parity.answer import Answer, Sql
from gateway.parity.rows import Rows, TableInfo, Value, Written

if TYPE_CHECKING:
    from gateway.config.parse import Config
    from gateway.mirroring.copy import Copy

__all__ = [
    "ACCEPTED",
    "DONE",
    "GREETING",
    "MOST_HEAD",
    "PREFIX",
    "MalformedFrameError",
    "ReceivedCopy",
    "greeting",
    "pack",
    "unpack",
]

GREETING = 64  # bytes
ACCEPTED = b"+"  # reply to an equal greeting; any other reply is the reason for refusing
DONE = struct.Struct("!I")  # the number of a copy that was mirrored or dropped

# The number of the copy, and the lengths of the JSON header, the request's body and the response's body.
PREFIX = struct.Struct("!IIII")
MOST_HEAD = 2**22  # bytes of the JSON header
MOST_ESCAPED = 6  # bytes of JSON for one escaped byte

TEXTS = frozenset({"http_version", "method", "scheme", "path", "root_path"})


def greeting(config: Config) -> bytes:
    """The greeting, GREETING bytes: equal in processes with the same version and configuration."""
    known = f"{version('django-fastapi-gateway')} {replace(config, source='')!r}"
    return hashlib.sha256(known.encode()).hexdigest().encode()


class MalformedFrameError(ValueError):
    """A frame that `pack` can't have made."""


@dataclass(frozen=True, slots=True)
class ReceivedCopy:
    """A received copy: the response of `upstream` to a request of `route`, and everything needed to repeat the
    request."""

    upstream: str
    route: str
    scope: Scope
    request_id: bytes | None
    request_body: bytes
    answer: Answer


def pack(copy: Copy, number: int) -> bytes | None:
    """A completed copy as one frame; None if that would be too long. Of its scope, it has the keys of the ASGI
    specification."""
    scope, answer = copy.scope, copy.answer
    if answer is None:
        raise ValueError("this copy is not finished")
    if (copy.size - len(copy.request_body) - len(answer.body)) * MOST_ESCAPED > MOST_HEAD:
        return None  # before encoding, which takes long
    head = {
        "upstream": copy.upstream,
        "route": copy.policy.route,
        "texts": {name: scope[name] for name in TEXTS if name in scope},
        "raw_path": None if (raw := scope.get("raw_path")) is None else raw.decode("latin-1"),
        "query_string": scope.get("query_string", b"").decode("latin-1"),
        "headers": _texts(scope["headers"]),
        "client": _pair(scope.get("client")),
        "server": _pair(scope.get("server")),
        "request_id": None if (request_id := copy.info.request_id) is None else request_id.decode("latin-1"),
        "status": answer.status,
        "answered": _texts(answer.headers),
        "seconds": answer.seconds,
        "effects": answer.effects,
        "sql": None if answer.sql is None else [answer.sql.statements, answer.sql.count],
        "rows": None if answer.rows is None else _listed(answer.rows),
    }
    line = json.dumps(head, separators=(",", ":")).encode("ascii")
    if len(line) > MOST_HEAD:
        return None
    return b"".join(
        (PREFIX.pack(number, len(line), len(copy.request_body), len(answer.body)), line, copy.request_body, answer.body)
    )


def unpack(head: bytes, request_body: bytes, body: bytes) -> ReceivedCopy:
    """Read what `pack` made. Raises MalformedFrameError."""
    try:
        return _sent(json.loads(head), request_body, body)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as exc:
        raise MalformedFrameError(f"{type(exc).__name__}: {exc}") from exc


def _sent(head: dict[str, Any], request_body: bytes, body: bytes) -> ReceivedCopy:
    raw, number, sql, rows = head["raw_path"], head["request_id"], head["sql"], head["rows"]
    texts = head["texts"]
    if not TEXTS.issuperset(texts):
        raise ValueError(f"{texts!r:.50} are not what a scope has")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        **{name: _text(value) for name, value in texts.items()},
        "query_string": head["query_string"].encode("latin-1"),
        "headers": list(_bytes(head["headers"])),
        "client": _address(head["client"]),
        "server": _address(head["server"]),
    }
    if raw is not None:
        scope["raw_path"] = raw.encode("latin-1")
    answer = Answer(
        int(head["status"]),
        tuple(_bytes(head["answered"])),
        body,
        float(head["seconds"]),
        None if sql is None else Sql(tuple(map(_text, sql[0])), int(sql[1])),
        effects=None if head["effects"] is None else tuple(map(_text, head["effects"])),
        rows=None if rows is None else _rows(*rows),
    )
    request_id = None if number is None else number.encode("latin-1")
    return ReceivedCopy(_text(head["upstream"]), _text(head["route"]), scope, request_id, request_body, answer)


def _listed(rows: Rows) -> list[Any]:
    tables = {name: [table.key, table.columns, table.references] for name, table in rows.tables.items()}
    written = [[one.table, one.statement, one.values, one.rows, one.at, one.key] for one in rows.written]
    return [written, tables, rows.cut]


def _rows(written: list[list[Any]], tables: dict[str, list[Any]], cut: bool) -> Rows:
    known = {_text(name): _table(*table) for name, table in tables.items()}
    return Rows(tuple(_written(*one) for one in written), known, bool(cut))


def _table(key: Any, columns: Any, references: dict[Any, Any]) -> TableInfo:
    return TableInfo(_text(key), int(columns), {_text(column): _text(of) for column, of in references.items()})


def _written(table: Any, statement: Any, values: Any, rows: Any, at: Any, key: Any) -> Written:
    kept = (
        {_text(name): _value(value) for name, value in values.items()} if isinstance(values, dict) else _value(values)
    )
    if isinstance(kept, str):
        raise TypeError(f"{kept!r:.50} are no values")
    count = None if rows is None else int(rows)
    return Written(_text(table), _text(statement), kept, count, float(at), None if key is None else _text(key))


def _value(value: Any) -> Value:
    if value is None:
        return None
    return tuple(map(_value, value)) if isinstance(value, list) else _text(value)


def _texts(headers: Any) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def _pair(address: Any) -> Any:
    return None if address is None else tuple(address)[:2]  # IPv6 addresses have four items


def _bytes(lines: list[list[str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines]


def _address(value: list[Any] | None) -> tuple[Any, ...] | None:
    if value is None:
        return None
    host, port = value
    return _text(host), port if port is None else int(port)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.50} is no text")
    return value
