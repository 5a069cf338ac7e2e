"""Answers to compare."""

from __future__ import annotations

import json
import tomllib
from datetime import date

from gateway.config.compare import CompareConfig
from gateway.parity.answer import Answer
from gateway.parity.compare import Comparison, compare
from gateway.parity.rules import CompareRules

TODAY = date(2026, 11, 25)


def answer(body=b"", content_type="application/json", *headers, status=200, sql=None, failed=None, rows=None) -> Answer:
    """A body that is neither bytes nor text is written as JSON. `headers` are "name: value"."""
    if not isinstance(body, bytes | str):
        body = json.dumps(body)
    lines = [f"content-type: {content_type}", *headers] if content_type else headers
    pairs = tuple(tuple(part.strip().encode() for part in line.split(":", 1)) for line in lines)
    return Answer(status, pairs, body.encode() if isinstance(body, str) else body, 0.01, sql, failed, rows=rows)


def text(value) -> Answer:
    return answer(value, "text/plain")


def page(value) -> Answer:
    return answer(value, "text/html; charset=utf-8")


def rules(toml="", today=TODAY) -> CompareRules:
    """The rules of a `[routes.compare]`."""
    return CompareConfig.model_validate(tomllib.loads(toml)).compiled(today)


def found(expected, actual, toml="") -> list[tuple[str, str]]:
    """Kind and pointer of each difference; bodies are written as JSON unless they are answers."""
    return [(difference.kind, difference.pointer) for difference in compared(expected, actual, toml).differences]


def compared(expected, actual, toml="") -> Comparison:
    sides = [side if isinstance(side, Answer) else answer(side) for side in (expected, actual)]
    return compare(*sides, toml if isinstance(toml, CompareRules) else rules(toml))
