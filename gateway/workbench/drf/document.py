"""The names of operations in the project's own API document, so that generated clients don't change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from rest_framework.settings import api_settings

__all__ = ["OperationName", "operation", "operations"]

_parameter = re.compile(r"{[^}]*}")


@dataclass(frozen=True, slots=True)
class OperationName:
    """An `operationId`, and its tags."""

    id: str
    tags: tuple[str, ...]


def operation(method: str, template: str) -> OperationName | None:
    """The document's operation for an endpoint; None without a document, or if it isn't there."""
    return operations().get((method, _shape(template)))


@cache
def operations() -> Mapping[tuple[str, str], OperationName]:
    """Every operation of the project's document, made by drf-spectacular; empty if the project doesn't use it."""
    try:
        from drf_spectacular.drainage import GENERATOR_STATS
        from drf_spectacular.generators import SchemaGenerator
        from drf_spectacular.openapi import AutoSchema
    except ImportError:
        return {}
    schema: Any = api_settings.DEFAULT_SCHEMA_CLASS
    if not issubclass(schema, AutoSchema):
        return {}
    with GENERATOR_STATS.silence():
        generator: Any = SchemaGenerator
        document: Mapping[str, Any] = generator().get_schema(request=None, public=True)
    return {
        (method.upper(), _shape(path)): OperationName(found["operationId"], tuple(found.get("tags", ())))
        for path, item in document["paths"].items()
        for method, found in item.items()
        if isinstance(found, Mapping) and "operationId" in found
    }


def _shape(template: str) -> str:
    return _parameter.sub("{}", template)
