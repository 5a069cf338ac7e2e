"""Reads the tokens and expressions of SQL statements that write rows.

The grammar is small: quoted names, placeholders, parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gateway.parity.rows import Value, reduced

__all__ = ["CLOSE", "OPEN", "PLAIN", "Expression", "StatementReader", "UnreadableStatement", "bare_name"]

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


class UnreadableStatement(Exception):
    """A statement that is not in the grammar."""


@dataclass(frozen=True, slots=True)
class Expression:
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


class StatementReader:
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
        return self.name() if self.accept(".") else bare_name(token)

    def group(self) -> Iterator[Expression]:
        """The expressions between parentheses."""
        self.expect("(")
        while True:
            yield self.expression((",", ")"))
            if self.word() == ")":
                return

    def expression(self, until: tuple[str, ...]) -> Expression:
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
        return Expression(" ".join(words) + " ", tuple(places))

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


def bare_name(name: str) -> str:
    """`name` without the quotes of standard SQL, MariaDB or SQL Server."""
    return name[1:-1] if name[:1] in '"`[' else name
