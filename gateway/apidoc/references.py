"""References between the parts of an OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from gateway.apidoc.operations import Document

__all__ = ["Reference", "reachable", "referenced", "renamed", "target"]


class Reference(NamedTuple):
    """A component of a document: its section, such as "schemas", and its name there."""

    section: str
    name: str


_component = re.compile(r"#/components/([^/]+)/([^/]+)(/.*)?").fullmatch
# Keys whose value is data of the API, which may look like anything.
_DATA = frozenset({"example", "default", "const", "enum", "value"})
# Keys whose value is a map: its keys are names of the API's, not OpenAPI's.
_MAPS = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "responses", "headers", "content",
     "encoding", "callbacks", "links"}
)  # fmt: skip


def target(part: Any) -> Reference | None:
    """The component that `part` is a reference to, if it is one."""
    reference = part.get("$ref") if isinstance(part, Mapping) else None
    found = _component(reference) if isinstance(reference, str) else None
    return Reference(found[1], found[2]) if found is not None else None


def renamed(part: Any, name: Callable[[Reference], str]) -> Any:
    """A copy of `part` in which each component is called what `name` says, security schemes included."""
    if isinstance(part, list):
        return [renamed(one, name) for one in part]
    if not isinstance(part, Mapping):
        return part
    return {key: _renamed(key, value, name) for key, value in part.items()}


def _renamed(key: str, value: Any, name: Callable[[Reference], str]) -> Any:
    if key == "$ref" and isinstance(value, str):
        return _pointed(value, name)
    if key in _DATA or key.startswith("x-") or (key == "examples" and isinstance(value, list)):
        return value
    if key in _MAPS and isinstance(value, Mapping):
        return {own: renamed(inner, name) for own, inner in value.items()}
    if key == "discriminator" and isinstance(value, Mapping) and isinstance(value.get("mapping"), Mapping):
        return {**value, "mapping": {own: _mapped(to, name) for own, to in value["mapping"].items()}}
    if key == "security" and isinstance(value, list):
        return [{name(Reference("securitySchemes", own)): scopes for own, scopes in one.items()} for one in value]
    return renamed(value, name)


def _pointed(pointer: str, name: Callable[[Reference], str]) -> str:
    found = _component(pointer)
    if found is None:
        return pointer
    return f"#/components/{found[1]}/{name(Reference(found[1], found[2]))}{found[3] or ''}"


def _mapped(to: Any, name: Callable[[Reference], str]) -> Any:
    """A discriminator's value is a reference, or the bare name of a schema (OpenAPI 3.1, section 4.8.25)."""
    if not isinstance(to, str) or "/" in to or "." in to:
        return _pointed(to, name) if isinstance(to, str) else to
    return name(Reference("schemas", to))


def referenced(part: Any) -> list[Reference]:
    """The components that `part` refers to, each once, in their order."""
    found: dict[Reference, None] = {}

    def note(reference: Reference) -> str:
        found[reference] = None
        return reference.name

    renamed(part, note)
    return list(found)


def reachable(parts: Iterable[Any], document: Document) -> list[Reference]:
    """The components of `document` that `parts` need: those they refer to, and those that these refer to."""
    found: dict[Reference, None] = {}
    waiting = [reference for part in parts for reference in referenced(part)][::-1]
    while waiting:
        reference = waiting.pop()
        definition = document.get("components", {}).get(reference.section, {}).get(reference.name)
        if reference in found or definition is None:
            continue
        found[reference] = None
        waiting += referenced(definition)[::-1]
    return list(found)
