"""Pairs the schemas of a moved operation with those of the project at the same places, whose names they take over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.apidoc.operations import Document
from gateway.apidoc.references import target

__all__ = ["aligned", "resolved", "unwrapped"]

Pair = tuple[str, str]


def aligned(before: Document, old: Document, after: Document, new: Document) -> dict[str, str]:
    """Names of schemas: those that the operation `after` refers to, and the one that `before` has at the same place.

    `old` and `new` are their documents. Where a name would stand for two, it is left out.
    """
    comparison = _Comparison(old, new)
    for left, right in _bodies(before, old, after, new):
        comparison.walk(left, right)
    news, olds = [name for name, _ in comparison.pairs], [name for _, name in comparison.pairs]
    return {name: was for name, was in comparison.pairs if news.count(name) == 1 and olds.count(was) == 1}


def _bodies(before: Document, old: Document, after: Document, new: Document) -> Iterator[tuple[Any, Any]]:
    """The schemas of both sides' requests, and of their responses with the same status."""
    yield from _media(before.get("requestBody"), old, after.get("requestBody"), new)
    responses = after.get("responses", {})
    for status, response in before.get("responses", {}).items():
        yield from _media(response, old, responses.get(status), new)


def _media(left: Any, old: Document, right: Any, new: Document) -> Iterator[tuple[Any, Any]]:
    lefts, rights = (resolved(left, old) or {}).get("content", {}), (resolved(right, new) or {}).get("content", {})
    for kind, media in lefts.items():
        if kind in rights:
            yield media.get("schema"), rights[kind].get("schema")


def resolved(part: Any, document: Document) -> Any:
    """`part`, or what it refers to."""
    seen = set()
    while (reference := target(part)) is not None and reference not in seen:
        seen.add(reference)
        part = document.get("components", {}).get(reference.section, {}).get(reference.name)
    return part


def unwrapped(schema: Any) -> Any:
    """`schema` without what surrounds a single one: an `allOf` of one, or "this or null"."""
    while isinstance(schema, Mapping) and "$ref" not in schema:
        inner = [
            one
            for key in ("allOf", "anyOf", "oneOf")
            for one in schema.get(key, ())
            if not (isinstance(one, Mapping) and one.get("type") == "null")
        ]
        if len(inner) != 1:
            break
        schema = inner[0]
    return schema


class _Comparison:
    """Walks two schemas side by side. `pairs` are the names found at the same places, the new one first."""

    def __init__(self, old: Document, new: Document) -> None:
        self.pairs: dict[Pair, None] = {}
        self._old, self._new = old, new
        self._seen: set[tuple[int, int]] = set()

    def walk(self, left: Any, right: Any) -> None:
        left, right = unwrapped(left), unwrapped(right)
        was, now = target(left), target(right)
        if was is not None and now is not None:
            self.pairs[now.name, was.name] = None
        left, right = resolved(left, self._old), resolved(right, self._new)
        if not (isinstance(left, Mapping) and isinstance(right, Mapping)) or (id(left), id(right)) in self._seen:
            return
        self._seen.add((id(left), id(right)))
        for key in ("items", "additionalProperties"):
            self.walk(left.get(key), right.get(key))
        properties = right.get("properties", {})
        for name, schema in left.get("properties", {}).items():
            if name in properties:
                self.walk(schema, properties[name])
