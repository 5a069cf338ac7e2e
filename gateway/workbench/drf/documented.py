"""What drf-spectacular documents about the endpoints, if it is installed. The project's settings are not changed."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.bridge.drf.openapi.project import generator

__all__ = ["Document", "Documented", "api_document"]

_component = re.compile(r"#/components/schemas/([^/]+)$")


@dataclass(frozen=True, slots=True)
class Documented:
    """One operation of the document. `parameters` are (place, name); `responses` media types by status; `components`
    the names of the schemas that it refers to."""

    path: str
    operation_id: str | None
    tags: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]
    request_media_types: tuple[str, ...]
    responses: Mapping[str, tuple[str, ...]]
    components: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """The operations by method and path, without names of parameters: "GET /products/{}/". `notes` are the generator's
    warnings; `schema` is the whole document."""

    operations: Mapping[str, Documented]
    notes: tuple[str, ...]
    schema: Mapping[str, Any]


def api_document() -> Document | None:
    """The document that drf-spectacular makes of the URLconf, with the project's settings; None if it isn't installed.
    If it fails, the reason is the only note."""
    try:
        from drf_spectacular.settings import patched_settings
    except ImportError:
        return None
    said = io.StringIO()
    whole_paths = {"SCHEMA_PATH_PREFIX_TRIM": False, "SCHEMA_PATH_PREFIX_INSERT": ""}
    settings = {"DISABLE_ERRORS_AND_WARNINGS": False, **whole_paths}
    with redirect_stderr(said), warnings.catch_warnings(), patched_settings(settings):
        warnings.simplefilter("ignore")  # warnings of its imports; its own go to stderr
        try:
            schema = generator()().get_schema(request=None, public=True)
        except Exception as exc:  # noqa: BLE001 - a serializer of the project's that it can't read ends the whole
            return Document({}, (f"drf-spectacular made no document: {type(exc).__name__}: {exc}",), {})
    return Document(dict(_operations(schema)), _notes(said.getvalue()), schema)


def _notes(said: str) -> tuple[str, ...]:
    here = f"{Path.cwd()}/"
    lines = [line.strip().removeprefix(here) for line in said.splitlines()]
    return tuple(dict.fromkeys(line for line in lines if ": " in line and not line.startswith("Schema generation")))


def _operations(schema: Mapping[str, Any]) -> Iterator[tuple[str, Documented]]:
    for path, methods in schema.get("paths", {}).items():
        for method, operation in methods.items():
            yield f"{method.upper()} {re.sub(r'{[^}]*}', '{}', path)}", _documented(path, operation)


def _documented(path: str, operation: Mapping[str, Any]) -> Documented:
    responses = operation.get("responses", {})
    return Documented(
        path=path,
        operation_id=operation.get("operationId"),
        tags=tuple(operation.get("tags", ())),
        parameters=tuple((one["in"], one["name"]) for one in operation.get("parameters", ()) if "name" in one),
        request_media_types=tuple(operation.get("requestBody", {}).get("content", {})),
        responses={status: tuple(found.get("content", {})) for status, found in responses.items()},
        components=tuple(dict.fromkeys(_components(operation))),
    )


def _components(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        if isinstance(part.get("$ref"), str) and (found := _component.search(part["$ref"])):
            yield found[1]
        for value in part.values():
            yield from _components(value)
    elif isinstance(part, list):
        for value in part:
            yield from _components(value)
