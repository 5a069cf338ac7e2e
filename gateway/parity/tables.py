"""Which tables a statement touches, without a parser of SQL: what Django's compiler writes is regular enough, and a
wrong guess is wrong on both sides alike."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["tables_of"]

# Possessive, so that a name that is called as a function isn't read as a shorter one.
NAME = r'(?:"[^"]+"|`[^`]+`|\[[^\]]+\]|[A-Za-z_][\w$]*+)'
QUALIFIED = rf"{NAME}(?:\.{NAME})*+"
ALIAS = rf"(?:\s+(?:AS\s+)?(?!(?:ON|WHERE|SET|USING|VALUES|SELECT)\b){NAME})?"

# What looks like a table and is none: literals and comments, EXTRACT(YEAR FROM column), IS DISTINCT FROM column,
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
LONGEST = 20_000  # characters of a statement that are looked at


@lru_cache(maxsize=2048)
def tables_of(statement: str) -> frozenset[str]:
    """The tables named after FROM, JOIN, INTO and UPDATE, unquoted, lower case; common table expressions are none."""
    text = NOISE.sub(" ", statement[:LONGEST])
    queries = {_plain(name) for name in NAMED_QUERY.findall(text)}
    found = {_plain(name) for groups in TOUCHED.findall(text) for name in LISTED.findall("".join(groups))}
    return frozenset(found - queries)


def _plain(name: str) -> str:
    return re.sub(r'["`\[\]]', "", name).lower()
