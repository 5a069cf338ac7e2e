"""Parses statements that write rows: INSERT, UPDATE and DELETE as Django's compilers write them, and similarly plain
ones. The result has no values, so that it is cached for all requests that execute the same statement."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate

from gateway.parity.sql_reader import (
    CLOSE,
    OPEN,
    PLAIN,
    Expression,
    StatementReader,
    UnreadableStatement,
    bare_name,
)

__all__ = ["StatementShape", "shape_of"]

LONGEST = 200_000  # characters of a statement that are read
# An INSERT of many rows: repeated groups of placeholders.
MANY = re.compile(
    r'\s*INSERT\s+INTO\s+(?:"[^"]+"|`[^`]+`)\s+\((?P<columns>[^()]+)\)\s+VALUES\s+(?P<group>\(%s(?:, %s)*\))'
    r"(?P<more>(?:, \(%s(?:, %s)*\))*)(?P<tail>(?!\s*,).*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class StatementShape:
    """A statement without its values. `kind` is "insert", "update" or "delete"."""

    kind: str
    columns: tuple[str, ...]
    groups: tuple[tuple[Expression, ...], ...]  # for an INSERT, one per row; for an UPDATE, one
    where: tuple[Expression, ...] = ()  # joined by AND
    arrays: bool = False  # each placeholder is a column of many rows
    unsure: bool = False  # a conflicting row is ignored or updated


@lru_cache(maxsize=512)
def shape_of(statement: str) -> StatementShape:
    """Parse a statement. Raises UnreadableStatement, which is not cached, for one that is not in the grammar."""
    if len(statement) > LONGEST:
        raise UnreadableStatement
    if (many := MANY.fullmatch(statement)) is not None and many["more"]:
        return _repeated(many)
    reader = StatementReader(statement)
    first = reader.word()
    if first == "INSERT":
        return _insert(reader)
    if first == "UPDATE":
        return _update(reader)
    if first == "DELETE":
        reader.expect("FROM")
        reader.name()
        return StatementShape("delete", (), (), _where(reader))
    raise UnreadableStatement


def _repeated(many: re.Match[str]) -> StatementShape:
    group, columns = many["group"], tuple(bare_name(part.strip()) for part in many["columns"].split(","))
    count = 1 + len(many["more"]) // (len(group) + 2)
    if group.count("%s") != len(columns) or many["more"] != f", {group}" * (count - 1) or "%" in many["tail"]:
        raise UnreadableStatement
    width = len(columns)
    groups = (tuple(Expression("%s ", (row * width + place,)) for place in range(width)) for row in range(count))
    return StatementShape("insert", columns, tuple(groups), unsure=re.search(r"\bON\b", many["tail"]) is not None)


def _insert(reader: StatementReader) -> StatementShape:
    unsure = not reader.accept("INTO")
    while unsure and reader.word() != "INTO":  # OR IGNORE, IGNORE
        pass
    reader.name()
    if reader.accept("DEFAULT"):
        return StatementShape("insert", (), ((),))
    columns = tuple(_column(expression) for expression in reader.group())
    if reader.accept("SELECT"):
        return replace(_unnested(reader, columns), unsure=unsure or reader.peek() == "ON")
    reader.expect("VALUES")
    groups = [tuple(reader.group())]
    while reader.accept(","):
        groups.append(tuple(reader.group()))
    if any(len(group) != len(columns) for group in groups):
        raise UnreadableStatement
    reader.tail()
    return StatementShape("insert", columns, tuple(groups), unsure=unsure or reader.peek() == "ON")


def _unnested(reader: StatementReader, columns: tuple[str, ...]) -> StatementShape:
    """Django's form for PostgreSQL: SELECT * FROM UNNEST((%s)::integer[], …)."""
    for word in ("*", "FROM", "UNNEST"):
        reader.expect(word)
    expressions = tuple(reader.group())
    if len(expressions) != len(columns) or any(not PLAIN.fullmatch(expression.text) for expression in expressions):
        raise UnreadableStatement
    reader.tail()
    return StatementShape("insert", columns, (expressions,), arrays=True)


def _update(reader: StatementReader) -> StatementShape:
    reader.name()
    reader.expect("SET")
    columns, expressions = [], []
    while True:
        columns.append(reader.name())
        reader.expect("=")
        expressions.append(reader.expression((",", "WHERE", "RETURNING", "FROM")))
        if not reader.accept(","):
            break
    if reader.peek() == "FROM":
        raise UnreadableStatement
    return StatementShape("update", tuple(columns), (tuple(expressions),), _where(reader))


def _where(reader: StatementReader) -> tuple[Expression, ...]:
    if reader.accept("WHERE"):
        expression = reader.expression(("RETURNING",))
        return tuple(_conjuncts(expression))
    if reader.peek() not in ("", "RETURNING"):
        raise UnreadableStatement
    return ()


def _conjuncts(expression: Expression) -> Iterator[Expression]:
    """The operands of AND, in parentheses or not."""
    words = expression.text.split(" ")[:-1]
    if any("'" in word for word in words):  # a literal may contain spaces
        yield expression
        return
    words = _bared(words)
    if not {"BETWEEN", "CASE"}.isdisjoint(words) or _has_or(words):
        yield Expression(" ".join(words) + " ", expression.places)
        return
    depth, part, places = 0, list[str](), list(expression.places)
    parts = [part]
    for word in words:
        depth += (word in OPEN) - (word in CLOSE)
        if depth == 0 and word.upper() == "AND":
            part = []
            parts.append(part)
        else:
            part.append(word)
    for part in parts:
        count = part.count("%s")
        own, places = places[:count], places[count:]
        yield Expression(" ".join(_bared(part)) + " ", tuple(own))


def _bared(words: list[str]) -> list[str]:
    """Without parentheses around the whole."""
    while words[:1] == ["("] and _closes(words) == len(words) - 1:
        words = words[1:-1]
    return words


def _has_or(words: Sequence[str]) -> bool:
    """Whether there is an OR outside of parentheses, which binds less tightly than AND."""
    depth = 0
    for word in words:
        depth += (word in OPEN) - (word in CLOSE)
        if depth == 0 and word.upper() == "OR":
            return True
    return False


def _closes(words: Sequence[str]) -> int:
    """The index of the parenthesis that closes the first one."""
    depths = accumulate((word in OPEN) - (word in CLOSE) for word in words)
    return next((index for index, depth in enumerate(depths) if depth == 0), -1)


def _column(expression: Expression) -> str:
    if expression.places or not re.fullmatch(r"\S+ ", expression.text):
        raise UnreadableStatement
    return expression.text[:-1]
