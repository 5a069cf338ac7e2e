"""What one side answered: everything that a comparison looks at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from gateway.parity.tables import tables_of

__all__ = ["REPEATED", "Answer", "Sql"]

REPEATED = 5  # the same statement so many times for one request is a query inside a loop


@dataclass(frozen=True, slots=True)
class Sql:
    """What one side did in the database. `statements` are as executed, with placeholders; whoever records bounds them,
    so `count`, which says how many were executed, may be larger than their number."""

    statements: tuple[str, ...]
    count: int

    def tables(self) -> frozenset[str]:
        """The tables that the statements read or write, lower case, with their schema where one is written."""
        return frozenset().union(*map(tables_of, set(self.statements)))

    def repeated(self) -> Mapping[str, int]:
        """The statements executed at least REPEATED times, and how often (N+1)."""
        return {statement: times for statement, times in Counter(self.statements).items() if times >= REPEATED}


@dataclass(frozen=True)
class Answer:
    """An answer as it was sent: header names lower case, the body still encoded.

    `seconds` is from the request to the last byte. `sql` is None where it could not be recorded (a remote service).
    `failed` says why there is no answer ("TimeoutError after 5 s"); `status` is 0 then.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    seconds: float
    sql: Sql | None = None
    failed: str | None = None

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """The headers by name, several lines of one joined by a comma (RFC 9110 §5.3)."""
        joined: dict[str, str] = {}
        for key, line in self.headers:
            name, value = key.decode("latin-1"), line.decode("latin-1").strip()
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
        return joined

    @cached_property
    def media_type(self) -> str | None:
        """The media type without parameters, lower case; None without a Content-Type."""
        value = self.fields.get("content-type")
        return value.split(";", 1)[0].strip().lower() if value is not None else None

    @cached_property
    def charset(self) -> str:
        """The charset that is declared, lower case; "utf-8" where none is, as for JSON (RFC 8259 §8.1) and as browsers
        and HTTP clients guess for the rest (RFC 9110 took the old default of ISO-8859-1 away)."""
        for parameter in self.fields.get("content-type", "").split(";")[1:]:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset":
                found = value.strip().strip("\"'").lower()
                return "utf-8" if found == "utf8" else found
        return "utf-8"
