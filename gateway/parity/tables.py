"""Finds the tables in a statement without an SQL parser: what Django's compiler writes is regular enough, and a wrong
guess is the same on both sides."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["plain", "tables_of", "written_by", "written_first"]

# Possessive, so that a function's name isn't read as a shorter name.
NAME = r'(?:"[^"]+"|`[^`]+`|\[[^\]]+\]|[A-Za-z_][\w$]*+)'
QUALIFIED = rf"{NAME}(?:\.{NAME})*+"
ALIAS = rf"(?:\s+(?:AS\s+)?(?!(?:ON|WHERE|SET|USING|VALUES|SELECT)\b){NAME})?"

# What looks like a table but isn't: literals and comments, EXTRACT(YEAR FROM column), IS DISTINCT FROM column,
# FOR UPDATE, ON CONFLICT DO UPDATE.
NOISE = re.compile(
    r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/|\b(?:EXTRACT|SUBSTRING|TRIM|OVERLAY|POSITION)\s*\([^()]*\)"
    r"|\bDISTINCT\s+FROM\b|\bFOR\s+(?:NO\s+KEY\s+)?UPDATE\b(?:\s+OF\b)?|\bDO\s+UPDATE\b|\bON\s+UPDATE\b",
    re.IGNORECASE | re.DOTALL,
)
READ = rf"{QUALIFIED}(?!\s*\()"
TOUCHED = re.compile(
    rf"\b(?:FROM|JOIN)\s+(?:ONLY\s+)?({READ}(?:{ALIAS}\s*,\s*{READ})*)"
    rf"|\b(?:INTO|UPDATE|TABLE)\s+(?:ONLY\s+)?({QUALIFIED})",
    re.IGNORECASE,
)
LISTED = re.compile(rf"(?:^|,)\s*({QUALIFIED})", re.IGNORECASE)
NAMED_QUERY = re.compile(
    rf"(?:\bWITH(?:\s+RECURSIVE)?|,)\s*({NAME})\s*(?:\([^()]*\)\s*)?AS\s+(?:NOT\s+)?"
    r"(?:MATERIALIZED\s*)?\(",
    re.IGNORECASE,
)
WRITTEN = re.compile(
    r"\b(?:(?:INSERT|REPLACE|MERGE)\s+(?:OR\s+\w+\s+|IGNORE\s+|LOW_PRIORITY\s+)*INTO|UPDATE(?:\s+OR\s+\w+)?"
    rf"|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?)\s+(?:ONLY\s+)?({QUALIFIED})",
    re.IGNORECASE,
)
FIRST = re.compile(
    rf"\s*(?:INSERT\s+(?:OR\s+\w+\s+|IGNORE\s+)?INTO|UPDATE|DELETE\s+FROM)\s+({QUALIFIED})(?!\s*;)", re.IGNORECASE
)
LONGEST = 20_000  # characters of a statement that are searched


@lru_cache(maxsize=2048)
def tables_of(statement: str) -> frozenset[str]:
    """The tables named after FROM, JOIN, INTO and UPDATE, unquoted, in lower case; without common table expressions."""
    text = NOISE.sub(" ", statement[:LONGEST])
    queries = {plain(name) for name in NAMED_QUERY.findall(text)}
    found = {plain(name) for groups in TOUCHED.findall(text) for name in LISTED.findall("".join(groups))}
    return frozenset(found - queries)


@lru_cache(maxsize=2048)
def written_by(statement: str) -> frozenset[str]:
    """The tables that a statement inserts into, updates, deletes from or truncates, in the form of `tables_of`."""
    text = NOISE.sub(" ", statement[:LONGEST])
    return frozenset(plain(name) for name in WRITTEN.findall(text))


def written_first(statement: str) -> str | None:
    """The table that a plain INSERT, UPDATE or DELETE writes to; None for any other statement. Fast, since it is called
    for each statement."""
    found = FIRST.match(statement)
    return None if found is None else plain(found[1])


def plain(name: str) -> str:
    """A table's name in the form used here: without quotes, in lower case."""
    return re.sub(r'["`\[\]]', "", name).lower()
