"""Compares two schemas: a request's may only allow more than before, a response's only less."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway.apidoc.operations import Document
from gateway.workbench.apidiff.change import ClientChange, shown
from gateway.workbench.apidiff.schema import LOWER, UPPER, Schema, read

__all__ = ["SchemaComparison"]

_MISSING = object()


class SchemaComparison:
    """Compares schemas of two documents, each pair once. `request` says what they describe; `text`: values are sent as
    text, as those of parameters, so that any number is a string too."""

    def __init__(self, old: Document, new: Document, *, request: bool, text: bool = False) -> None:
        self._old, self._new = old, new
        self._request = request
        self._text = text
        self._seen: set[tuple[int, int]] = set()

    def changes(self, left: Any, right: Any, place: str) -> Iterator[ClientChange]:
        """The changes from `left` to `right`, which are at `place`."""
        if (id(left), id(right)) in self._seen:
            return
        self._seen.add((id(left), id(right)))
        was, now = read(left, self._old), read(right, self._new)
        if self._request:
            if self._text and "string" in now.types:
                now.types |= {"integer", "number", "boolean"}
            yield from _request_values(was, now, place)
        else:
            yield from _response_values(was, now, place)
        yield from self._properties(was, now, place)
        if was.items is not None and now.items is not None:
            yield from self.changes(was.items, now.items, f"{place}/*")
        if isinstance(was.additional, Mapping) and isinstance(now.additional, Mapping):
            yield from self.changes(was.additional, now.additional, f"{place}/*")

    def _properties(self, was: Schema, now: Schema, place: str) -> Iterator[ClientChange]:
        lefts, rights = self._own(was, self._old), self._own(now, self._new)
        if not (lefts or "object" in was.types) or not (rights or "object" in now.types):
            return
        compare = self._in_request if self._request else self._in_response
        for name in dict.fromkeys([*lefts, *rights]):
            yield from compare(name, name in lefts, name in rights, was, now, f"{place}/{name}")
            if name in lefts and name in rights:
                yield from self.changes(lefts[name], rights[name], f"{place}/{name}")
        if self._request and now.additional is False and was.additional is not False:
            yield ClientChange(
                "request-additional-properties-refused",
                place,
                "properties that aren't declared are refused",
                "",
                "false",
            )

    def _own(self, schema: Schema, document: Document) -> dict[str, Any]:
        """The properties that are sent in this direction."""
        other = "readOnly" if self._request else "writeOnly"
        return {name: one for name, one in schema.properties.items() if other not in read(one, document).access}

    def _in_request(
        self, name: str, before: bool, after: bool, was: Schema, now: Schema, place: str
    ) -> Iterator[ClientChange]:
        required = name in now.required
        if not before:
            if required:
                default = read(now.properties[name], self._new)
                said = f", though it has the default {shown(default.default)}" if default.has_default else ""
                yield ClientChange(
                    "request-property-required-added", place, f"a property that is required was added{said}"
                )
            else:
                yield ClientChange("request-property-added", place, "a property was added")
        elif not after:
            if now.additional is False:
                yield ClientChange("request-property-refused", place, "the property is refused")
            else:
                yield ClientChange("request-property-removed", place, "the property is ignored")
        elif required and name not in was.required:
            yield ClientChange(
                "request-property-became-required", place, "the property is required", "optional", "required"
            )

    def _in_response(
        self, name: str, before: bool, after: bool, was: Schema, now: Schema, place: str
    ) -> Iterator[ClientChange]:
        if not before:
            yield ClientChange("response-property-added", place, "a property was added")
        elif not after:
            yield ClientChange("response-property-removed", place, "the property is gone")
        elif name in was.required and name not in now.required:
            yield ClientChange(
                "response-property-became-optional", place, "the property may be missing", "required", "optional"
            )


def _types(schema: Schema) -> str:
    return " or ".join(sorted(schema.types)) or ("one of several" if schema.variants else "anything")


def _beyond(some: set[str], allowed: set[str]) -> set[str]:
    """Those of the types `some` that aren't among `allowed`: each integer is a number."""
    return {one for one in some if one not in allowed and not (one == "integer" and "number" in allowed)}


def _differ(left: Any, right: Any) -> bool:
    return repr(left) != repr(right)


def _request_values(was: Schema, now: Schema, place: str) -> Iterator[ClientChange]:
    if was.variants or now.variants:
        if _shape(was) != _shape(now):
            yield ClientChange(
                "request-variants-changed", place, "it is one of other schemas", _types(was), _types(now)
            )
        return
    if now.types and (not was.types or _beyond(was.types, now.types)):
        yield ClientChange(
            "request-type-narrowed", place, "values of fewer types are accepted", _types(was), _types(now)
        )
    if (was.null or was.anything) and not (now.null or now.anything):
        yield ClientChange("request-null-refused", place, "null is refused")
    if now.enum is not None and (was.enum is None or (gone := _without(was.enum, now.enum))):
        message = "only some values are accepted" if was.enum is None else f"{_list(gone)} refused"
        yield ClientChange("request-enum-narrowed", place, message, shown(was.enum or ""), shown(now.enum))
    if now.format not in (None, was.format):
        yield ClientChange(
            "request-format-narrowed", place, "values must have a format", was.format or "", now.format or ""
        )
    if now.pattern not in (None, was.pattern):
        rule = "request-limit-narrowed" if was.pattern is None else "request-pattern-changed"
        yield ClientChange(rule, place, "values must match a pattern", was.pattern or "", now.pattern or "")
    for key in _narrowed(was.limits, now.limits):
        yield ClientChange(
            "request-limit-narrowed",
            place,
            f"{key} accepts less",
            shown(was.limits.get(key, "")),
            shown(now.limits[key]),
        )
    if was.has_default and _differ(was.default, now.default if now.has_default else _MISSING):
        now_default = shown(now.default) if now.has_default else ""
        yield ClientChange(
            "request-default-changed", place, "what is left out means another value", shown(was.default), now_default
        )


def _response_values(was: Schema, now: Schema, place: str) -> Iterator[ClientChange]:
    if (was.variants or now.variants) and _shape(was) != _shape(now):
        yield ClientChange("response-variants-changed", place, "it is one of other schemas", _types(was), _types(now))
    elif was.types and not now.types:
        yield ClientChange("response-type-unknown", place, "the type isn't declared", _types(was), _types(now))
    elif was.types and _beyond(now.types, was.types):
        yield ClientChange("response-type-changed", place, "values may be of another type", _types(was), _types(now))
    if now.null and not (was.null or was.anything):
        yield ClientChange("response-may-be-null", place, "it may be null")
    if was.enum is not None and (now.enum is None or _without(now.enum, was.enum)):
        added = "any value" if now.enum is None else _list(_without(now.enum, was.enum))
        yield ClientChange("response-enum-added", place, f"it may be {added}", shown(was.enum), shown(now.enum or ""))
    if was.format is not None and was.format != now.format:
        yield ClientChange("response-format-changed", place, "values have another format", was.format, now.format or "")


def _shape(schema: Schema) -> list[str]:
    return sorted({*schema.types, *(str(len(schema.variants)) if schema.variants else "")})


def _without(values: Iterable[Any], others: Iterable[Any]) -> list[Any]:
    known = [repr(one) for one in others]
    return [one for one in values if repr(one) not in known]


def _list(values: Iterable[Any]) -> str:
    return ", ".join(map(shown, values))


def _narrowed(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key, value in now.items():
        before = was.get(key)
        if before is None or (value > before if key in LOWER else value < before if key in UPPER else value != before):
            yield key
