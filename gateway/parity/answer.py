"""One side's response, with everything that is compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from gateway.parity.rows import Rows
from gateway.parity.tables import tables_of, written_by

__all__ = ["Answer", "Sql"]


@dataclass(frozen=True, slots=True)
class Sql:
    """What one side did in the database. `statements` are as executed, with placeholders; their number is limited, so
    `count`, the number of executed statements, may be larger."""

    statements: tuple[str, ...]
    count: int

    def tables(self) -> frozenset[str]:
        """The tables that the statements read or write, in lower case, with their schema if one is given."""
        return frozenset().union(*map(tables_of, set(self.statements)))

    def written(self) -> frozenset[str]:
        """The tables that the statements insert into, update or delete from, in the form of `tables`."""
        return frozenset().union(*map(written_by, set(self.statements)))

    def repeated(self) -> Mapping[str, int]:
        """How often each statement was executed, for those executed more than once."""
        return {statement: times for statement, times in Counter(self.statements).items() if times > 1}


@dataclass(frozen=True)
class Answer:
    """A response as it was sent: header names in lower case, the body still encoded.

    `seconds` is the time from the request to the last byte. `sql` is None if it could not be recorded (a remote
    service). `failed` says why there is no response ("TimeoutError after 5 s"); `status` is 0 then. `barred`: it tried
    to write in a read-only transaction, so the response proves nothing. `raised` is the exception and its place, if
    known ("ZeroDivisionError at catalog/api.py:41"). `effects` are other effects: mails, files, functions after a
    commit; `rows` are the rows that were written; None if unknown.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    seconds: float
    sql: Sql | None = None
    failed: str | None = None
    barred: bool = False
    raised: str = ""
    effects: tuple[str, ...] | None = None
    rows: Rows | None = None

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """The headers by name, lines with the same name joined by commas; without Set-Cookie (RFC 9110 §5.3)."""
        joined: dict[str, str] = {}
        for key, line in self.headers:
            if key == b"set-cookie":
                continue
            name, value = key.decode("latin-1"), line.decode("latin-1").strip()
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
        return joined

    @cached_property
    def media_type(self) -> str | None:
        """The media type without parameters, in lower case; None without a Content-Type."""
        value = self.fields.get("content-type")
        return value.split(";", 1)[0].strip().lower() if value is not None else None

    @cached_property
    def charset(self) -> str:
        """The declared charset, in lower case; "utf-8" if none is declared, as for JSON (RFC 8259 §8.1), and as
        browsers and HTTP clients assume otherwise (RFC 9110 removed the old default, ISO-8859-1)."""
        for parameter in self.fields.get("content-type", "").split(";")[1:]:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset":
                found = value.strip().strip("\"'").lower()
                return "utf-8" if found == "utf8" else found
        return "utf-8"
