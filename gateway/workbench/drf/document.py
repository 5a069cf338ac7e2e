"""The names of operations in the project's own API document, so that generated clients don't change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from gateway.bridge.drf.openapi.spectacular import is_spectacular
from gateway.workbench.drf.documented import api_document

__all__ = ["OperationName", "operation", "operations"]

_parameter = re.compile(r"{[^}]*}")


@dataclass(frozen=True, slots=True)
class OperationName:
    """An `operationId`, and its tags."""

    id: str
    tags: tuple[str, ...]


def operation(method: str, template: str) -> OperationName | None:
    """The document's operation for an endpoint; None without a document, or if it isn't there."""
    return operations().get(f"{method} {_parameter.sub('{}', template)}")


@cache
def operations() -> Mapping[str, OperationName]:
    """Every operation of the project's document, by method and path without names of parameters; empty if the project
    doesn't use drf-spectacular, or the document can't be made."""
    known = api_document() if is_spectacular() else None
    found = {} if known is None else known.operations
    return {
        key: OperationName(one.operation_id, one.tags) for key, one in found.items() if one.operation_id is not None
    }
