"""Recognises statements whose effects remain when their transaction is rolled back: a mirror must not execute them.

The statements are the project's own, which hide nothing, so it is enough to look at words outside of quotes and
comments.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["COMMITS", "UNLOCK", "lasting", "locks_session"]

UNLOCK = "SELECT pg_advisory_unlock_all()"
LONGEST = 100_000  # characters of a statement that are checked

_QUOTED = {
    "postgresql": r"(\$\w*\$).*?\1|\b[Ee]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/",
    "mysql": r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`[^`]*`|--\s[^\n]*|#[^\n]*|/\*(?!M?!).*?\*/",
}
_ELSEWHERE = r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/"
QUOTED = {vendor: re.compile(pattern, re.DOTALL) for vendor, pattern in _QUOTED.items()}
ELSEWHERE = re.compile(_ELSEWHERE, re.DOTALL)
WORD = re.compile(r"[A-Za-z_]+")

# Statements that begin or end a transaction.
BY_HAND = frozenset({"ABORT", "BEGIN", "COMMIT", "END", "ROLLBACK", "START", "XA"})
# Statements for which MySQL and MariaDB don't commit, and that leave nothing on the connection. All others do, or may:
# the text of a procedure is unknown.
MYSQL = frozenset({
    "DELETE", "DESC", "DESCRIBE", "DO", "EXPLAIN", "INSERT", "RELEASE", "REPLACE", "SAVEPOINT", "SELECT", "SET", "SHOW",
    "TABLE", "UPDATE", "VALUES", "WITH",
})  # fmt: skip
# What PostgreSQL does at once, or keeps for the session. Most other statements, DDL and SET included, are rolled back.
POSTGRESQL = frozenset({"CHECKPOINT", "DEALLOCATE", "DISCARD", "LOAD", "PREPARE", "VACUUM"})
SQLITE = frozenset({"ATTACH", "DETACH", "VACUUM"})

_FUNCTIONS = {
    "postgresql": r"\b(setval|dblink\w*|lo_export|pg_file_\w+|pg_terminate_backend|pg_cancel_backend|pg_reload_conf"
    r"|pg_rotate_logfile|pg_switch_wal|pg_logical_emit_message|pg_stat_reset\w*|pg_try_advisory\w*)\s*\(",
    "mysql": r"\b(setval|get_lock)\s*\(",
    "sqlite": r"\b(load_extension)\s*\(",
}
FUNCTIONS = {vendor: re.compile(pattern, re.IGNORECASE) for vendor, pattern in _FUNCTIONS.items()}
IMPATIENT = re.compile(r"\b(NOWAIT|SKIP\s+LOCKED)\b", re.IGNORECASE)
INTO_FILE = re.compile(r"\bINTO\s+(?:OUTFILE|DUMPFILE)\b", re.IGNORECASE)
COPIED_OUT = re.compile(r"^\s*COPY\b(?:.*\bPROGRAM\b|(?!.*\bTO\s+STDOUT\b).*\bTO\b)", re.IGNORECASE | re.DOTALL)
SET_FOR_GOOD = re.compile(r"\b(?:GLOBAL|PERSIST\w*|PASSWORD|AUTOCOMMIT|ROLE)\b", re.IGNORECASE)
SESSION_LOCK = re.compile(r"\bpg_advisory_lock\w*\s*\(", re.IGNORECASE)

COMMITS = "which commits, or may"
STAYS = "which a rollback doesn't take back"
UNSEEN = "since callers who don't wait for locks either would meet the mirror's"


@lru_cache(maxsize=2048)
def lasting(sql: str, vendor: str, *, own: bool = False) -> tuple[str, str] | None:
    """An effect of `sql` that a rollback doesn't undo, or that callers would notice before: what it is, and why it is
    refused. None if there is none. `own`: the database is not shared with callers."""
    text = QUOTED.get(vendor, ELSEWHERE).sub("''", sql[:LONGEST])
    for part in text.split(";"):
        words = [word.upper() for word in WORD.findall(part[:200])[:4]]
        if words and (found := _by_words(words, part, vendor)) is not None:
            return found
    if (functions := FUNCTIONS.get(vendor)) is not None and (call := functions.search(text)) is not None:
        name = call[1].lower()
        if not name.startswith("pg_try_advisory"):
            return f"{name}()", STAYS
        if not own:
            return f"{name}()", UNSEEN
    if not own and (impatient := IMPATIENT.search(text)) is not None:
        return " ".join(impatient[1].upper().split()), UNSEEN
    return None


def _by_words(words: list[str], part: str, vendor: str) -> tuple[str, str] | None:
    first = words[0]
    if first in BY_HAND:
        return None if first == "ROLLBACK" and "TO" in words else (f"{first} as a statement", COMMITS)
    if vendor == "mysql":
        return _of_mysql(first, part)
    if vendor == "postgresql" and (first in POSTGRESQL or COPIED_OUT.search(part)):
        return first, STAYS
    if vendor == "sqlite" and (first in SQLITE or (first == "PRAGMA" and "=" in part)):
        return first, STAYS
    return None


def _of_mysql(first: str, part: str) -> tuple[str, str] | None:
    if first not in MYSQL or "/*!" in part or "/*M!" in part:
        return first, COMMITS
    if INTO_FILE.search(part) or (first == "SET" and SET_FOR_GOOD.search(part)):
        return " ".join(part.split())[:40], STAYS
    return None


def locks_session(sql: str, vendor: str) -> bool:
    """Whether `sql` takes a lock that its session keeps until UNLOCK is executed."""
    return vendor == "postgresql" and SESSION_LOCK.search(sql) is not None
