"""The operations of an OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["METHODS", "Document", "Operation", "names_in", "operations", "shape"]

Document: TypeAlias = Mapping[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")  # OpenAPI 3.1, section 4.8.9

_parameter = re.compile(r"{([^}]*)}")


def shape(path: str) -> str:
    """`path` without the names of its parameters: templates of equal shape are the same path (OpenAPI 3.1, 4.8.8)."""
    return _parameter.sub("{}", path)


def names_in(path: str) -> Sequence[str]:
    """The names of the parameters of a path template, in their order."""
    return _parameter.findall(path)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `content` is the Operation Object, with what its path and its document say for all."""

    method: str  # in upper case
    path: str
    content: Document

    @property
    def key(self) -> str:
        """Identifies it, whatever the names of parameters: "GET /products/{}/"."""
        return f"{self.method} {shape(self.path)}"


def operations(document: Document) -> Iterator[Operation]:
    """Every operation of `document`, in its order."""
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if isinstance(content := item.get(method), Mapping):
                yield Operation(method.upper(), path, _whole(content, item, document))


def _whole(content: Document, item: Document, document: Document) -> Document:
    """`content` with the parameters of its path and the security of its document."""
    whole = dict(content)
    if common := item.get("parameters"):
        own = {_identity(one) for one in content.get("parameters", ())}
        whole["parameters"] = [
            *(one for one in common if _identity(one) not in own),
            *content.get("parameters", ()),
        ]
    if "security" not in content and "security" in document:
        whole["security"] = document["security"]
    return whole


def _identity(parameter: Document) -> object:
    """Parameters of an operation replace those of its path with the same name and place."""
    return parameter.get("$ref") or (parameter.get("in"), parameter.get("name"))
