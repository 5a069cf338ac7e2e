"""Parses statements that write rows: INSERT, UPDATE and DELETE as Django's compilers write them, and similarly plain
ones.

The grammar is small: quoted names, placeholders, parentheses. A statement that isn't in it is only known to write to
its table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from gateway.parity.rows import TableInfo, Value, Written, reduced

__all__ = ["Row", "rows_of"]

LONGEST = 200_000  # characters of a statement that are read

TOKEN = re.compile(
    r"""\s+|--[^\n]*|/\*.*?\*/
    |(?P<name>"(?:[^"]|"")+"|`[^`]+`|\[\w[^\]%]*\])
    |(?P<value>%s|%\(\w+\)s)
    |(?P<text>'(?:[^']|'')*'|[A-Za-z_][\w$]*|\d+(?:\.\d+)?|::|%%|<>|<=|>=|!=|\|\||->>?|.)""",
    re.VERBOSE | re.DOTALL,
)
OPEN, CLOSE = frozenset("(["), frozenset(")]")
PLAIN = re.compile(r"%s (?::: .+)?|\( %s \) :: .+|CAST \( %s AS [^%]+ \) ")  # a placeholder, possibly with a cast
LITERAL = re.compile(r"(NULL|TRUE|FALSE|\d+(?:\.\d+)?|'(?:[^']|'')*') (?:::[^%]*)?", re.IGNORECASE)
EQUALS = re.compile(r"(\w+) = %s ")
AMONG = re.compile(r"(\w+) IN \( %s(?: , %s)* \) ", re.IGNORECASE)
# The CASE expression of bulk_update: a value for each row, by key.
CASES = re.compile(
    r"(?:\( )?(?:CAST \( )?CASE (?P<cases>(?:WHEN (?:\( )?(?P<key>\w+) = %s (?:\) )?THEN "
    r"(?:%s |NULL |\( %s \) :: \w+ |%s :: \w+ |CAST \( %s AS [^%]+? \) ))+)"
    r"ELSE NULL END (?:AS [^%]+ \) )?(?:\) )?(?::: .+)?",
)
CASE = re.compile(r"WHEN (?:\( )?(?P<key>\w+) = %s (?:\) )?THEN (?P<then>NULL|.*?%s)")
# An INSERT of many rows: repeated groups of placeholders.
MANY = re.compile(
    r'\s*INSERT\s+INTO\s+(?:"[^"]+"|`[^`]+`)\s+\((?P<columns>[^()]+)\)\s+VALUES\s+(?P<group>\(%s(?:, %s)*\))'
    r"(?P<more>(?:, \(%s(?:, %s)*\))*)(?P<tail>(?!\s*,).*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row that a statement wrote, or several.

    `kind` is "insert", "update" or "delete". `columns` are those that it sets. `key` is the primary key if the row is
    identified by it; otherwise `where` has the condition and its values, and `count` the number of matching rows, None
    if unknown. `meant` are the columns that were set deliberately: empty for a statement that sets all of them, as
    `save()` does, whether or not they have changed. `given`: the statement itself had the key. `readable`: what it did
    is known; otherwise only the table and the kind are.
    """

    table: str
    kind: str
    at: float
    columns: Mapping[str, Value]
    key: str | None = None
    where: tuple[tuple[str, tuple[Value, ...]], ...] = ()
    count: int | None = 1
    meant: frozenset[str] = frozenset()
    given: bool = True
    readable: bool = True


class UnreadableStatement(Exception):
    """A statement that is not in the grammar."""


@dataclass(frozen=True, slots=True)
class Cell:
    """An expression: its tokens, each followed by a space, without table names, and the placeholders in it, each as
    %s."""

    text: str
    places: tuple[int | str, ...]

    def values(self, given: Sequence[Value] | Mapping[str, Value]) -> tuple[Value, ...]:
        """The values of its placeholders."""
        try:
            return tuple(given[place] for place in self.places)  # type: ignore[index] # as it was written
        except (LookupError, TypeError):
            raise UnreadableStatement from None

    def value(self, given: Sequence[Value] | Mapping[str, Value]) -> Value:
        """Its value, or, if it isn't a plain value, the expression with its values."""
        values = self.values(given)
        if PLAIN.fullmatch(self.text):
            return values[0]
        if literal := LITERAL.fullmatch(self.text):
            return _literal(literal[1])
        return "= " + _filled(self.text, values)


@dataclass(frozen=True, slots=True)
class StatementShape:
    """A statement without its values."""

    kind: str
    columns: tuple[str, ...]
    groups: tuple[tuple[Cell, ...], ...]  # for an INSERT, one per row; for an UPDATE, one
    where: tuple[Cell, ...] = ()  # joined by AND
    arrays: bool = False  # each placeholder is a column of many rows
    unsure: bool = False  # a conflicting row is ignored or updated


def rows_of(written: Written, table: TableInfo) -> list[Row]:
    """The rows that a statement wrote to `table`."""
    if written.rows == 0:
        return []
    kind = _kind(written.statement)
    try:
        if written.values is None:
            raise UnreadableStatement
        shape = _shape(written.statement)
        if shape.kind == "insert":
            return list(_inserted(shape, written, table))
        return list(_changed(shape, written, table))
    except UnreadableStatement:
        return [Row(written.table, kind, written.at, {}, count=written.rows, readable=False)]


def _kind(statement: str) -> str:
    """By the first word; other statements that write (REPLACE, MERGE, WITH) may do several of these."""
    first = statement.lstrip()[:6].lower()
    return first if first in ("insert", "update", "delete") else "write"


# -- with values ----------------------------------------------------------------------------------


def _inserted(shape: StatementShape, written: Written, table: TableInfo) -> Iterator[Row]:
    groups = list(_groups(shape, written.values or ()))
    if shape.unsure and written.rows != len(groups):
        raise UnreadableStatement
    for cells in groups:
        columns = dict(zip(shape.columns, cells, strict=True))
        columns = {name: value for name, value in columns.items() if value != "= DEFAULT "}
        given = columns.get(table.key)
        key = given if isinstance(given, str) else written.key
        yield Row(written.table, "insert", written.at, columns, key, given=given is not None)


def _groups(shape: StatementShape, values: Sequence[Value] | Mapping[str, Value]) -> Iterator[tuple[Value, ...]]:
    if not shape.arrays:
        for group in shape.groups:
            yield tuple(cell.value(values) for cell in group)
        return
    columns = [cell.values(values)[0] for cell in shape.groups[0]]
    if any(not isinstance(column, tuple) or len(column) != len(columns[0] or ()) for column in columns):
        raise UnreadableStatement
    yield from zip(*columns, strict=True)


def _changed(shape: StatementShape, written: Written, table: TableInfo) -> Iterator[Row]:
    values = written.values or ()
    keys = _keys(shape, values, table)
    count = written.rows
    if keys is not None and count in (None, len(keys)):
        for key in keys:
            columns = {
                column: _of_row(cell, key, values, table)
                for column, cell in zip(shape.columns, shape.groups[0] if shape.groups else (), strict=True)
            }
            meant = frozenset() if 0 < table.columns <= len(columns) else frozenset(columns)
            yield Row(written.table, shape.kind, written.at, columns, key, meant=meant)
        return
    cells = shape.groups[0] if shape.groups else ()
    columns = {column: cell.value(values) for column, cell in zip(shape.columns, cells, strict=True)}
    where = tuple(sorted((cell.text, cell.values(values)) for cell in shape.where))
    yield Row(written.table, shape.kind, written.at, columns, None, where, count, frozenset(columns))


def _keys(shape: StatementShape, values: Sequence[Value] | Mapping[str, Value], table: TableInfo) -> list[str] | None:
    """The primary keys that a condition names; None if it names none."""
    for cell in shape.where:
        found = EQUALS.fullmatch(cell.text) or AMONG.fullmatch(cell.text)
        if found is not None and found[1] == table.key:
            named = dict.fromkeys(cell.values(values))
            keys = [key for key in named if isinstance(key, str)]
            return keys if len(keys) == len(named) else None
    return None


def _of_row(cell: Cell, key: str, values: Sequence[Value] | Mapping[str, Value], table: TableInfo) -> Value:
    """The value of an expression for the row with this key."""
    cases = CASES.fullmatch(cell.text)
    if cases is None or cases["key"] != table.key:
        return cell.value(values)
    left = list(cell.values(values))
    for case in CASE.finditer(cases["cases"]):
        if case["key"] != table.key:
            raise UnreadableStatement
        of, then = left.pop(0), None if case["then"] == "NULL" else left.pop(0)
        if of == key:
            return then
    return None


def _literal(text: str) -> Value:
    if text.upper() == "NULL":
        return None
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return reduced(Decimal(text)) if text[0].isdigit() else text.lower()


def _filled(text: str, values: tuple[Value, ...]) -> str:
    *parts, last = text.split("%s ")
    shown = ["NULL" if value is None else repr(value) for value in values]
    return "".join(f"{part}{value} " for part, value in zip(parts, shown, strict=True)) + last


# -- without --------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _shape(statement: str) -> StatementShape:
    """Raises UnreadableStatement, which is not cached."""
    if len(statement) > LONGEST:
        raise UnreadableStatement
    if (many := MANY.fullmatch(statement)) is not None and many["more"]:
        return _repeated(many)
    reader = _Reader(statement)
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
    group, columns = many["group"], tuple(_bare(part.strip()) for part in many["columns"].split(","))
    count = 1 + len(many["more"]) // (len(group) + 2)
    if group.count("%s") != len(columns) or many["more"] != f", {group}" * (count - 1) or "%" in many["tail"]:
        raise UnreadableStatement
    width = len(columns)
    groups = (tuple(Cell("%s ", (row * width + place,)) for place in range(width)) for row in range(count))
    return StatementShape("insert", columns, tuple(groups), unsure=re.search(r"\bON\b", many["tail"]) is not None)


def _insert(reader: _Reader) -> StatementShape:
    unsure = not reader.accept("INTO")
    while unsure and reader.word() != "INTO":  # OR IGNORE, IGNORE
        pass
    reader.name()
    if reader.accept("DEFAULT"):
        return StatementShape("insert", (), ((),))
    columns = tuple(_column(cell) for cell in reader.group())
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


def _unnested(reader: _Reader, columns: tuple[str, ...]) -> StatementShape:
    """Django's form for PostgreSQL: SELECT * FROM UNNEST((%s)::integer[], …)."""
    for word in ("*", "FROM", "UNNEST"):
        reader.expect(word)
    cells = tuple(reader.group())
    if len(cells) != len(columns) or any(not PLAIN.fullmatch(cell.text) for cell in cells):
        raise UnreadableStatement
    reader.tail()
    return StatementShape("insert", columns, (cells,), arrays=True)


def _update(reader: _Reader) -> StatementShape:
    reader.name()
    reader.expect("SET")
    columns, cells = [], []
    while True:
        columns.append(reader.name())
        reader.expect("=")
        cells.append(reader.cell((",", "WHERE", "RETURNING", "FROM")))
        if not reader.accept(","):
            break
    if reader.peek() == "FROM":
        raise UnreadableStatement
    return StatementShape("update", tuple(columns), (tuple(cells),), _where(reader))


def _where(reader: _Reader) -> tuple[Cell, ...]:
    if reader.accept("WHERE"):
        cell = reader.cell(("RETURNING",))
        return tuple(_conjuncts(cell))
    if reader.peek() not in ("", "RETURNING"):
        raise UnreadableStatement
    return ()


def _conjuncts(cell: Cell) -> Iterator[Cell]:
    """The operands of AND, in parentheses or not."""
    words = cell.text.split(" ")[:-1]
    if any("'" in word for word in words):  # a literal may contain spaces
        yield cell
        return
    words = _bared(words)
    if not {"BETWEEN", "CASE"}.isdisjoint(words) or _has_or(words):
        yield Cell(" ".join(words) + " ", cell.places)
        return
    depth, part, places = 0, list[str](), list(cell.places)
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
        yield Cell(" ".join(_bared(part)) + " ", tuple(own))


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
    depth = 0
    for index, word in enumerate(words):
        depth += (word in OPEN) - (word in CLOSE)
        if depth == 0:
            return index
    return -1


def _column(cell: Cell) -> str:
    if cell.places or not re.fullmatch(r"\S+ ", cell.text):
        raise UnreadableStatement
    return cell.text[:-1]


def _bare(name: str) -> str:
    return name[1:-1] if name[:1] in '"`[' else name


class _Reader:
    """The tokens of a statement, read one after another."""

    def __init__(self, statement: str) -> None:
        self._tokens = [(found.lastgroup, found[0]) for found in TOKEN.finditer(statement) if found.lastgroup]
        self._next = 0
        self._placed = 0

    def peek(self) -> str:
        """The next token; keywords in upper case, "" at the end."""
        if self._next >= len(self._tokens):
            return ""
        kind, token = self._tokens[self._next]
        return token.upper() if kind == "text" else token

    def word(self) -> str:
        """Consume and return the next token. Raises UnreadableStatement at the end."""
        if not (found := self.peek()):
            raise UnreadableStatement
        self._next += 1
        return found

    def accept(self, word: str) -> bool:
        """Consume the next token if it is `word`."""
        if self.peek() != word:
            return False
        self._next += 1
        return True

    def expect(self, word: str) -> None:
        """Consume `word`. Raises UnreadableStatement for another token."""
        if not self.accept(word):
            raise UnreadableStatement

    def name(self) -> str:
        """A name, without its qualifiers."""
        kind, token = self._tokens[self._next] if self._next < len(self._tokens) else ("", "")
        if kind != "name" and not re.fullmatch(r"[A-Za-z_][\w$]*", token):
            raise UnreadableStatement
        self._next += 1
        return self.name() if self.accept(".") else _bare(token)

    def group(self) -> Iterator[Cell]:
        """The expressions between parentheses."""
        self.expect("(")
        while True:
            yield self.cell((",", ")"))
            if self.word() == ")":
                return

    def cell(self, until: tuple[str, ...]) -> Cell:
        """An expression that ends before one of these tokens, or at the end."""
        words: list[str] = []
        places: list[int | str] = []
        depth = 0
        while (token := self.peek()) and (depth or token not in until):
            kind, raw = self._tokens[self._next]
            if raw[:1] == "'" and ("%s" in raw or "%(" in raw):
                raise UnreadableStatement  # drivers treat it as a placeholder there, too
            if kind == "value":
                places.append(self._place(raw))
                words.append("%s")
            elif kind == "name" or (raw[0].isalpha() and self._qualifies()):
                words.append(self.name())
                continue
            else:
                depth += (token in OPEN) - (token in CLOSE)
                words.append(raw)
            self._next += 1
        if not words or depth:
            raise UnreadableStatement
        return Cell(" ".join(words) + " ", tuple(places))

    def _qualifies(self) -> bool:
        return self._next + 1 < len(self._tokens) and self._tokens[self._next + 1][1] == "."

    def _place(self, raw: str) -> int | str:
        if raw != "%s":
            return raw[2:-2]
        self._placed += 1
        return self._placed - 1

    def tail(self) -> None:
        """What may follow the rows of an INSERT: conflict handling, and RETURNING."""
        if self.peek() not in ("", "RETURNING", "ON"):
            raise UnreadableStatement
