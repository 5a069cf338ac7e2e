"""The shapes of bodies, by which requests are similar, whatever the values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

__all__ = ["named_values", "shape_of"]

MOST_MEMBERS = 200  # of an object
MOST_ITEMS = 50  # of an array
DEEPEST = 12
MOST_FIELDS = 200
MOST_LOOKED_AT = 2000  # values of a body that are searched for a named field
FORM = "application/x-www-form-urlencoded"
PART = re.compile(rb'content-disposition:[^\r\n]*?\bname="([^"\r\n]{0,200})"([^\r\n]*)', re.IGNORECASE)
KEY = re.compile(r"-?\d+|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")  # a name that is a value


def shape_of(media_type: str, body: bytes) -> str:
    """The shape of a body, as text: names and types of JSON, names of a form, else the media type."""
    if not body:
        return ""
    if _is_json(media_type):
        with suppress(ValueError, RecursionError):
            return _shape(json.loads(body), 0)
    if media_type == FORM:
        return "form " + ",".join(sorted({name for name, _ in _pairs(body)}))
    if media_type == "multipart/form-data":
        names = {(name.decode("latin-1"), b"filename=" in rest) for name, rest in PART.findall(body)[:MOST_FIELDS]}
        return f"multipart {sorted(names)}"
    return media_type or "bytes"


def named_values(names: Sequence[str], query: str, media_type: str, *bodies: bytes) -> tuple[str, ...]:
    """The values of these fields: in the query, in a form, in JSON at any depth. Of several, the first counts."""
    if not names:
        return ()
    found = dict(reversed(parse_qsl(query, keep_blank_values=True, max_num_fields=None)))
    for body in bodies:
        with suppress(ValueError, RecursionError):
            pairs = _pairs(body) if media_type == FORM else _members(json.loads(body))
            for name, value in pairs:
                if name in names:
                    found.setdefault(name, value)
    return tuple(found.get(name, "") for name in names)


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or media_type.endswith("+json")


def _pairs(body: bytes) -> list[tuple[str, str]]:
    with suppress(ValueError):
        return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    return []


def _shape(value: Any, depth: int) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return "s" if value else "''"
    if isinstance(value, bool):
        return "b"
    if isinstance(value, (int, float)):
        return "n"
    if depth >= DEEPEST:
        return "…"
    if isinstance(value, dict):
        members = {
            f"{'*' if KEY.fullmatch(name) else name}:{_shape(value[name], depth + 1)}"
            for name in [*value][:MOST_MEMBERS]
        }
        return "{" + ",".join(sorted(members)) + "}"
    return "[" + "|".join(sorted({_shape(item, depth + 1) for item in value[:MOST_ITEMS]})) + "]"


def _members(value: Any) -> Iterator[tuple[str, str]]:
    """Every member of every object, breadth first, up to a limit."""
    waiting = [value]
    for looked in range(MOST_LOOKED_AT):
        if looked >= len(waiting):
            return
        one = waiting[looked]
        if isinstance(one, dict):
            for name, member in one.items():
                if not isinstance(member, dict | list):
                    yield name, json.dumps(member)
            waiting += [member for member in one.values() if isinstance(member, dict | list)]
        elif isinstance(one, list):
            waiting += [item for item in one if isinstance(item, dict | list)]
