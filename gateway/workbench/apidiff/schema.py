"""Reads a JSON schema: resolves references, and merges the parts of an `allOf` and of an "or null"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.apidoc.alignment import resolved
from gateway.apidoc.operations import Document

__all__ = ["LOWER", "UPPER", "Schema", "read"]

LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LIMITS = (*LOWER, *UPPER, "multipleOf", "uniqueItems")
# Formats that say how a number is kept, and nothing of its JSON.
_INTERNAL = frozenset({"int32", "int64", "float", "double", "decimal"})
_DEEPEST = 20  # `allOf` in `allOf`


@dataclass(slots=True)
class Schema:
    """`types` are empty if anything is allowed. `variants` are those of an `anyOf` or `oneOf`, without null."""

    types: set[str] = field(default_factory=set)
    null: bool = False
    enum: list[Any] | None = None
    format: str | None = None
    pattern: str | None = None
    limits: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    additional: Any = None
    items: Any = None
    default: Any = None
    has_default: bool = False
    variants: list[Any] = field(default_factory=list)
    access: set[str] = field(default_factory=set)  # readOnly, writeOnly

    @property
    def anything(self) -> bool:
        """Whether it says nothing of types."""
        return not (self.types or self.enum or self.variants or self.null)


def read(part: Any, document: Document) -> Schema:
    """The schema of `part`."""
    found = Schema()
    _add(found, part, document, _DEEPEST)
    return found


def _add(found: Schema, part: Any, document: Document, depth: int) -> None:
    beside = {key: value for key, value in part.items() if key != "$ref"} if isinstance(part, Mapping) else {}
    whole = resolved(part, document)
    if not isinstance(whole, Mapping) or not depth:
        return
    if whole is not part and beside:
        _add(found, beside, document, depth - 1)
    _add_own(found, whole)
    for inner in whole.get("allOf", ()):
        _add(found, inner, document, depth - 1)
    for key in ("anyOf", "oneOf"):
        _add_variants(found, whole.get(key, ()), document, depth)


def _add_own(found: Schema, part: Mapping[str, Any]) -> None:
    kinds = part.get("type", ())
    found.types |= {kinds} if isinstance(kinds, str) else set(kinds)
    found.null = found.null or "null" in found.types or bool(part.get("nullable"))
    found.types.discard("null")
    values = [part["const"]] if "const" in part else part.get("enum")
    if values is not None:
        found.null = found.null or None in values
        found.enum = [one for one in values if one is not None]
    if part.get("format") not in _INTERNAL:
        found.format = part.get("format", found.format)
    found.pattern = part.get("pattern", found.pattern)
    found.limits |= {key: part[key] for key in _LIMITS if part.get(key)} | {
        key: part[key] for key in ("minimum", "maximum") if part.get(key) == 0
    }
    found.properties |= part.get("properties", {})
    found.required |= set(part.get("required", ()))
    found.additional = part.get("additionalProperties", found.additional)
    found.items = part.get("items", found.items)
    if "default" in part:
        found.default, found.has_default = part["default"], True
    found.access |= {key for key in ("readOnly", "writeOnly") if part.get(key)}


def _add_variants(found: Schema, variants: Sequence[Any], document: Document, depth: int) -> None:
    rest = [one for one in variants if not (isinstance(one, Mapping) and one.get("type") == "null")]
    found.null = found.null or len(rest) < len(variants)
    enums = [one for one in rest if _is_null_enum(resolved(one, document))]  # drf-spectacular's NullEnum
    if enums:
        found.null, rest = True, [one for one in rest if one not in enums]
    plain = list(_enums(rest, document))
    if len(rest) == 1:
        _add(found, rest[0], document, depth - 1)
    elif rest and len(plain) == len(rest):  # drf-spectacular's BlankEnum beside another: one enum
        found.enum = [value for values in plain for value in values]
        found.types |= {name for value in found.enum for name in _types_of(value)}
    else:
        found.variants += rest


def _enums(variants: Sequence[Any], document: Document) -> Iterator[list[Any]]:
    for one in variants:
        whole = resolved(one, document)
        if isinstance(whole, Mapping) and isinstance(whole.get("enum"), list):
            yield whole["enum"]


def _is_null_enum(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("enum") == [None]


def _types_of(value: Any) -> set[str]:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", list: "array"}
    return {names[type(value)]} if type(value) in names else set()
