"""Compares two operations: names, security, parameters, request, responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gateway.apidoc.alignment import aligned, resolved
from gateway.apidoc.operations import Document, Operation, names_in
from gateway.workbench.apidiff.change import ClientChange, shown
from gateway.workbench.apidiff.schema import read
from gateway.workbench.apidiff.schemas import SchemaComparison

__all__ = ["Side", "compare"]

# How a parameter is written where nothing is said (OpenAPI 3.1, section 4.8.12).
_STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}


class Side(NamedTuple):
    """An operation, and the document that it is of."""

    operation: Operation
    document: Document

    @property
    def content(self) -> Document:
        """The Operation Object."""
        return self.operation.content


def compare(old: Side, new: Side, kept: Mapping[str, str]) -> Iterator[ClientChange]:
    """Every change from `old` to `new`. `kept` says how schemas of `new` are called in the merged document."""
    yield from _names(old, new, kept)
    yield from _security(old, new)
    yield from _parameters(old, new)
    yield from _request(old, new)
    yield from _responses(old, new)


def _names(old: Side, new: Side, kept: Mapping[str, str]) -> Iterator[ClientChange]:
    was, now = old.content.get("operationId", ""), new.content.get("operationId", "")
    if was and was != now:
        said = "the service's document has another name; the merged one keeps the project's"
        yield ClientChange("operation-id-changed", "operationId", said, was, now)
    for name, before in aligned(old.content, old.document, new.content, new.document).items():
        called = kept.get(name, name)
        if called != before:
            said = f"the component is called {called} in the merged document"
            yield ClientChange("component-name-lost", f"components/{before}", said, before, called)
        elif name != before:
            said = "the service's document has another name; the merged one keeps the project's"
            yield ClientChange("component-name-changed", f"components/{before}", said, before, name)


# -- security -----------------------------------------------------------------------------------


def _security(old: Side, new: Side) -> Iterator[ClientChange]:
    was, now = _ways(old), _ways(new)
    if frozenset() in now:
        if frozenset() not in was:
            said = "callers need no credentials, says the service's document"
            yield ClientChange("security-dropped", "security", said, _said(was), _said(now))
        return
    if gone := [way for way in was if not any(other <= way for other in now)]:
        yield ClientChange("security-narrowed", "security", f"no longer enough: {_said(gone)}", _said(was), _said(now))
    if added := [way for way in now if not any(other <= way for other in was)]:
        yield ClientChange("security-added", "security", f"also enough: {_said(added)}", _said(was), _said(now))


def _ways(side: Side) -> list[frozenset[str]]:
    """The ways in which callers may authenticate, each the schemes that it needs; an empty one needs none.

    A scheme is known by what it is, not by its name, which each document chooses.
    """
    schemes = side.document.get("components", {}).get("securitySchemes", {})
    ways = [frozenset(_scheme(name, schemes.get(name)) for name in way) for way in side.content.get("security", ())]
    return ways or [frozenset()]


def _scheme(name: str, definition: Any) -> str:
    if not isinstance(definition, Mapping):
        return name
    parts = (definition.get(key) for key in ("type", "scheme", "in", "name"))
    return " ".join(part.lower() for part in parts if isinstance(part, str))


def _said(ways: Sequence[frozenset[str]]) -> str:
    return ", ".join(" and ".join(sorted(way)) or "nothing" for way in ways)


# -- parameters ---------------------------------------------------------------------------------


def _parameters(old: Side, new: Side) -> Iterator[ClientChange]:
    names = dict(zip(names_in(new.operation.path), names_in(old.operation.path), strict=True))
    lefts, rights = _by_name(old, {}), _by_name(new, names)
    schemas = SchemaComparison(old.document, new.document, request=True, text=True)
    for key in dict.fromkeys([*lefts, *rights]):
        place = " ".join(key)
        if key not in rights:
            yield ClientChange("parameter-removed", place, "the parameter is ignored")
        elif key not in lefts:
            required = bool(rights[key].get("required"))
            rule = "parameter-required-added" if required else "parameter-added"
            yield ClientChange(rule, place, f"a parameter {'that is required ' if required else ''}was added")
        else:
            yield from _parameter(lefts[key], rights[key], place)
            yield from schemas.changes(lefts[key].get("schema", {}), rights[key].get("schema", {}), place)


def _by_name(side: Side, names: Mapping[str, str]) -> dict[tuple[str, str], Document]:
    """The parameters by place and name; those of the path are called as in `names`."""
    found: dict[tuple[str, str], Document] = {}
    for part in side.content.get("parameters", ()):
        one = resolved(part, side.document) or {}
        where, name = one.get("in", ""), one.get("name", "")
        if where == "header":
            name = name.lower()
        found[where, names.get(name, name) if where == "path" else name] = one
    return found


def _parameter(left: Document, right: Document, place: str) -> Iterator[ClientChange]:
    if right.get("required") and not left.get("required"):
        yield ClientChange("parameter-became-required", place, "the parameter is required", "optional", "required")
    if _style(left) != _style(right):
        yield ClientChange(
            "parameter-style-changed", place, "lists are written in another way", _style(left), _style(right)
        )


def _style(parameter: Document) -> str:
    schema = parameter.get("schema", {})
    if not isinstance(schema, Mapping) or schema.get("type") not in ("array", "object"):
        return ""
    style = parameter.get("style", _STYLES.get(parameter.get("in", ""), "form"))
    return f"{style}{'' if parameter.get('explode', style == 'form') else ', in one'}"


# -- request and responses ----------------------------------------------------------------------


def _request(old: Side, new: Side) -> Iterator[ClientChange]:
    was, now = (resolved(side.content.get("requestBody"), side.document) for side in (old, new))
    if not was and not now:
        return
    if not now:
        yield ClientChange("request-body-removed", "request", "the body is ignored")
        return
    if now.get("required") and not (was or {}).get("required") and not _needs_body(was, old):
        yield ClientChange("request-body-became-required", "request", "a body is required")
    schemas = SchemaComparison(old.document, new.document, request=True)
    yield from _media(schemas, "request", (was or {}).get("content", {}), now.get("content", {}), "request")


def _needs_body(body: Any, side: Side) -> bool:
    """Whether a body that isn't `required` has required properties, so that leaving it out never worked."""
    contents = (body or {}).get("content", {}).values()
    return any(read(media.get("schema"), side.document).required for media in contents)


def _responses(old: Side, new: Side) -> Iterator[ClientChange]:
    was, now = old.content.get("responses", {}), new.content.get("responses", {})
    schemas = SchemaComparison(old.document, new.document, request=False)
    for status in dict.fromkeys([*was, *now]):
        kind = "status" if status.startswith("2") else "error"  # "default" is for errors
        if status not in now:
            yield ClientChange(f"response-{kind}-removed", status, "the status is no longer documented")
        elif status not in was:
            yield ClientChange(f"response-{kind}-added", status, "a status was added")
        else:
            left, right = resolved(was[status], old.document) or {}, resolved(now[status], new.document) or {}
            yield from _headers(left, right, status)
            yield from _media(schemas, "response", left.get("content", {}), right.get("content", {}), status)


def _headers(left: Document, right: Document, status: str) -> Iterator[ClientChange]:
    rights = {name.lower() for name in right.get("headers", {})}
    for name in left.get("headers", {}):
        if name.lower() not in rights:
            yield ClientChange("response-header-removed", f"{status} {name}", "the header is no longer documented")


def _media(
    schemas: SchemaComparison, part: str, lefts: Document, rights: Document, place: str
) -> Iterator[ClientChange]:
    for kind in dict.fromkeys([*lefts, *rights]):
        if kind not in rights:
            yield ClientChange(f"{part}-media-type-removed", place, f"{kind} is gone", shown(kind))
        elif kind not in lefts:
            yield ClientChange(f"{part}-media-type-added", place, f"{kind} was added", "", shown(kind))
        else:
            yield from schemas.changes(lefts[kind].get("schema", {}), rights[kind].get("schema", {}), place)
