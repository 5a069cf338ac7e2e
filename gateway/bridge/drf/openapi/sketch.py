"""An operation for a project without an API document: DRF's own description of the view's serializers, filters and
pagination, and the statuses found in its source.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from rest_framework import serializers
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.schemas.openapi import AutoSchema
from rest_framework.schemas.utils import is_list_view
from rest_framework.utils.encoders import JSONEncoder

from gateway.bridge.drf.openapi.asked import asked
from gateway.bridge.drf.openapi.components import PLACE
from gateway.bridge.drf.openapi.errors import ERRORS
from gateway.bridge.drf.openapi.outcomes import SourceOutcome, outcome_of
from gateway.bridge.drf.openapi.parameters import described, query_parameters
from gateway.bridge.drf.openapi.requirements import requirements
from gateway.bridge.drf.original import Original
from gateway.routing.template import ANY_SEGMENT

__all__ = ["sketched"]

logger = logging.getLogger("gateway.bridge")

Schema = dict[str, Any]
KNOWN = {r"[0-9]+": {"type": "integer"}, r"\d+": {"type": "integer"}, "[^/.]+": {"type": "string"}}


def sketched(original: Original, method: str, path: str, arguments: Mapping[str, str]) -> tuple[Schema, Schema]:
    """The operation, and the components that it refers to. `arguments` are the regular expressions of the path's
    parameters by name."""
    sketch = Sketch(original, method, path)
    operation = {
        "parameters": [*map(_argument, arguments.items()), *sketch.parameters()],
        "requestBody": sketch.body(),
        "responses": sketch.responses(),
        "security": requirements(sketch.view),
    }
    said = {name: value for name, value in operation.items() if value is not None}
    return _plain(said), _plain(sketch.components)


class Sketch:
    """The documentation that a view's classes give for one method."""

    def __init__(self, original: Original, method: str, path: str) -> None:
        self.view = asked(original, method)
        self.method, self.path = method, path
        self.components: dict[str, Schema] = {}
        self._schema = AutoSchema()
        self._schema.view = self.view
        self._handler = original.handler(method)
        self._outcome: SourceOutcome = outcome_of(original.kind, original.name_of(method))

    @property
    def is_list(self) -> bool:
        """Whether the response is a list."""
        return bool(is_list_view(self.path, self.method, self.view))

    def parameters(self) -> Iterator[Mapping[str, Any]]:
        """Query parameters of the paginator and the filter backends."""
        if self.is_list and (paginator := self._paginator()) is not None:
            describe = getattr(paginator, "get_schema_operation_parameters", None)
            yield from described(paginator, partial(describe, self.view)) if describe is not None else ()
        if self.is_list:
            yield from query_parameters(self.view)

    def body(self) -> Schema | None:
        """The body, in each of the parsers' media types; None if the method reads none."""
        if self.method not in ("POST", "PUT", "PATCH") or not self._outcome.reads_body:
            return None
        schema = self._of_serializer(partial=self.method == "PATCH")
        return {"content": {parser.media_type: {"schema": schema} for parser in self.view.parser_classes}}

    def responses(self) -> Schema:
        """Successful responses by status, according to the source."""
        status = self._outcome.success or (204 if self.method == "DELETE" and not self._outcome.statuses else 200)
        answer: Schema = {"description": ""}
        if status != 204:
            answer["content"] = {media: {"schema": self._answer()} for media in self._media()}
        return {str(status): answer} | {str(key): value for key, value in ERRORS.items()}

    def _paginator(self) -> Any:
        return self._schema.get_paginator()

    def _media(self) -> list[str]:
        return [one.media_type for one in self.view.renderer_classes if not issubclass(one, BrowsableAPIRenderer)]

    def _answer(self) -> Schema:
        if not self._outcome.serializes:
            return {}
        item = self._of_serializer()
        if not self.is_list:
            return item
        several = {"type": "array", "items": item}
        paginator = self._paginator()
        whole: Schema = several if paginator is None else paginator.get_paginated_response_schema(several)
        return whole

    def _of_serializer(self, **options: Any) -> Schema:
        """A reference to the schema of the view's serializer; {} for a view without one."""
        if not hasattr(self.view, "get_serializer"):
            return {}
        try:
            serializer = self.view.get_serializer(**options)
            if isinstance(serializer, serializers.ListSerializer):
                return {"type": "array", "items": self._component(serializer.child)}
            return self._component(serializer)
        except Exception:
            logger.warning("the serializer of %s is not in the OpenAPI document", type(self.view), exc_info=True)
            return {}

    def _component(self, serializer: Any) -> Schema:
        if not isinstance(serializer, serializers.Serializer):
            return {}
        kind = type(serializer)
        name = ("Patched" if serializer.partial else "") + (kind.__name__.removesuffix("Serializer") or kind.__name__)
        key = f"{kind.__module__}.{name}"
        self.components[key] = {**self._schema.map_serializer(serializer), "title": name}
        if kind.__doc__ and not kind.__doc__.startswith(f"{kind.__name__}("):
            self.components[key]["description"] = kind.__doc__
        return {"$ref": f"{PLACE}{key}"}


def _argument(argument: tuple[str, str]) -> Schema:
    name, regex = argument
    schema = KNOWN.get(regex) or ({"type": "string"} if regex == ANY_SEGMENT else {"type": "string", "pattern": regex})
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _plain(schema: Any) -> Any:
    """As plain JSON, with OpenAPI 3.0's `nullable` in the form of 3.1."""
    return _nullable(json.loads(json.dumps(schema, cls=JSONEncoder)))


def _nullable(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_nullable(value) for value in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _nullable(value) for name, value in schema.items()}
    if found.get("nullable") is not True:
        return found
    del found["nullable"]
    if "enum" in found:
        found["enum"] = [*found["enum"], None]
    if isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found
