"""The names in the project's own API document, so that generated clients don't change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.bridge.drf.openapi.spectacular import in_project_document, path_in_document
from gateway.workbench.inventory import Endpoint

__all__ = ["ChoiceNames", "DocumentedOperation", "DocumentedSchema", "is_left_out", "operation"]

PLACE = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class ChoiceNames:
    """The components for a field's choices; `blank` and `null` are empty where the document has none for them."""

    name: str
    blank: str
    null: str


@dataclass(frozen=True, slots=True)
class DocumentedSchema:
    """A part of the document. `components` are all schemas of the document, by name."""

    schema: Mapping[str, Any]
    components: Mapping[str, Any]

    @property
    def name(self) -> str | None:
        """The name of the component that it is, or is a list of; None without one."""
        return next((name for name in self._names() if "enum" not in self.components[name]), None)

    @property
    def choices(self) -> ChoiceNames | None:
        """The names of the components for choices, if it has such."""
        found = {"name": "", "blank": "", "null": ""}
        for name in self._names():
            schema = self.components[name]
            kind = "null" if schema in ({"type": "null"}, {"enum": [None]}) else "name"
            found["blank" if schema.get("enum") == [""] else kind] = name
        known = ChoiceNames(**found)
        return known if known.name and "enum" in self.components[known.name] else None

    def field(self, name: str) -> DocumentedSchema | None:
        """The schema of a property of the component."""
        whole = self.components[self.name] if self.name is not None else self.schema
        found = whole.get("properties", {}).get(name)
        return None if found is None else DocumentedSchema(found, self.components)

    def _names(self) -> Iterator[str]:
        for name in _referred(self.schema):
            if name in self.components:
                yield name


def _referred(schema: Mapping[str, Any]) -> Iterator[str]:
    """The components that a schema consists of, not those of its properties."""
    place = schema.get("$ref", "")
    if place.startswith(PLACE):
        yield place.removeprefix(PLACE)
    for combined in ("allOf", "oneOf", "anyOf"):
        for one in schema.get(combined, ()):
            yield from _referred(one)
    if isinstance(schema.get("items"), Mapping):
        yield from _referred(schema["items"])


@dataclass(frozen=True, slots=True)
class DocumentedOperation:
    """`id` is the `operationId`. `request` and `response` are the schemas of the bodies, if there are any."""

    id: str
    tags: tuple[str, ...]
    request: DocumentedSchema | None
    response: DocumentedSchema | None


def operation(endpoint: Endpoint) -> DocumentedOperation | None:
    """The document's operation for an endpoint; None without a document by drf-spectacular, or if it isn't there."""
    found = in_project_document(endpoint.method, endpoint.template, None)
    if found is None or found[0].get("operationId") is None:
        return None
    said, components = found
    responses = said.get("responses") or {}
    success: Mapping[str, Any] = next((responses[status] for status in sorted(responses) if status.startswith("2")), {})
    return DocumentedOperation(
        id=said["operationId"],
        tags=tuple(said["tags"]),
        request=_body(said.get("requestBody") or {}, components),
        response=_body(success, components),
    )


def _body(said: Mapping[str, Any], components: Mapping[str, Any]) -> DocumentedSchema | None:
    schemas = [media["schema"] for media in said.get("content", {}).values() if "schema" in media]
    return DocumentedSchema(schemas[0], components) if schemas else None


def is_left_out(endpoint: Endpoint) -> bool:
    """Whether the project keeps the endpoint out of its document."""
    return path_in_document(endpoint.callback, endpoint.method, endpoint.template) is None
