"""Replaces sensitive values in a JSON text; everything else stays as written."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from gateway.parity.pointer import child
from gateway.parity.redact.pseudonyms import Pseudonyms
from gateway.parity.redact.sensitive import is_key, mask_shapes

__all__ = ["redacted_json"]

PIECE = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\],:]|[^\s"{}\[\],:]+|\s+', re.DOTALL)
OPENS, CLOSES = ("{", "["), ("}", "]")
LITERALS = ("true", "false", "null")


@dataclass(slots=True)
class _Level:
    """An open object or array. `name` is that of the next member, `index` that of the next item."""

    pointer: str
    is_object: bool
    covered: bool
    name: str = ""
    index: int = 0
    wants_name: bool = False


def redacted_json(text: str, pseudonyms: Pseudonyms) -> str:
    """`text` with pseudonyms. Raises ValueError if it isn't JSON, RecursionError if it is nested too deeply."""
    json.loads(text)
    return "".join(_Rewriting(pseudonyms).of(text))


class _Rewriting:
    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._levels = [_Level("", is_object=False, covered=pseudonyms.covers_place(""))]

    def of(self, text: str) -> list[str]:
        return [self._piece(piece) for piece in PIECE.findall(text)]

    def _piece(self, piece: str) -> str:
        level = self._levels[-1]
        if piece in OPENS:
            self._levels.append(
                _Level(self._pointer(), piece == "{", self._covered(), level.name, wants_name=piece == "{")
            )
        elif piece in CLOSES:
            self._levels.pop()
        elif piece == ",":
            level.index += 1
            level.wants_name = level.is_object
        elif level.wants_name and piece[0] == '"':
            level.name, level.wants_name = json.loads(piece), False
            masked = mask_shapes(level.name, self._pseudonyms.mask)
            return piece if masked == level.name else _quoted(masked)
        elif piece != ":" and not piece.isspace() and piece not in LITERALS:
            return self._value(piece)
        return piece

    def _pointer(self) -> str:
        level = self._levels[-1]
        if len(self._levels) == 1:
            return ""
        return child(level.pointer, level.name if level.is_object else level.index)

    def _covered(self) -> bool:
        level = self._levels[-1]
        named = level.is_object and self._pseudonyms.covers(level.name)
        return level.covered or named or self._pseudonyms.covers_place(self._pointer())

    def _value(self, token: str) -> str:
        level, pseudonyms = self._levels[-1], self._pseudonyms
        if token[0] != '"':
            return self._number(token)
        value = json.loads(token)
        if self._covered():
            if pseudonyms.is_reference(level.name, value):
                return token
            return _quoted(pseudonyms.secret(level.name, value))
        masked = pseudonyms.mask(value) if level.is_object and is_key(level.name, value) else pseudonyms.text(value)
        return token if masked == value else _quoted(masked)

    def _number(self, token: str) -> str:
        pseudonyms = self._pseudonyms
        if self._covered() and not pseudonyms.is_reference(self._levels[-1].name, token):
            return pseudonyms.number(token)
        return mask_shapes(token, pseudonyms.mask)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
