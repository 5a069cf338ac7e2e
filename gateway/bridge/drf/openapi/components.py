"""Named schemas in FastAPI's document that no Pydantic model of an endpoint stands for.

FastAPI puts into `components` what the parameters and bodies of its endpoints consist of. So a lifted endpoint has a
parameter that is neither shown nor ever read, whose type consists of these schemas; Pydantic sees to names that others
have too, as always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

__all__ = ["Components", "referred_to", "with_references"]

PLACE = "#/components/schemas/"

Schema = Mapping[str, Any]


class Components:
    """The annotation of such a parameter. `named` gives the schemas by name, when the document is made."""

    def __init__(self, named: Callable[[], Mapping[str, Schema]]) -> None:
        self._named = named
        self._made: dict[str, Any] = {}

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """All of them, one after the other."""
        named = self._named()
        if not named:
            return {}
        kinds = [TypeAdapter(_kind(name, schema)).core_schema for name, schema in named.items()]
        whole = handler(core_schema.tuple_schema(kinds))
        self._made = dict(zip(named, whole["prefixItems"], strict=True))
        return whole

    @property
    def references(self) -> Mapping[str, str]:
        """Where each of them is in the document that was made last."""
        return {name: found.get("$ref", f"{PLACE}{name}") for name, found in self._made.items()}


def referred_to(schema: Any) -> Iterator[str]:
    """The names of the components that `schema` refers to."""
    if isinstance(schema, Mapping):
        for name, value in schema.items():
            if name == "$ref" and isinstance(value, str) and value.startswith(PLACE):
                yield value.removeprefix(PLACE)
            else:
                yield from referred_to(value)
    elif isinstance(schema, list | tuple):
        for value in schema:
            yield from referred_to(value)


def with_references(schema: Any, refer: Callable[[str], Any]) -> Any:
    """`schema`, with what `refer` gives for a name in the place of each reference."""
    if isinstance(schema, list | tuple):
        return [with_references(value, refer) for value in schema]
    if not isinstance(schema, Mapping):
        return schema
    found: dict[str, Any] = {}
    for name, value in schema.items():
        if name == "$ref" and isinstance(value, str) and value.startswith(PLACE):
            found |= refer(value.removeprefix(PLACE))
        else:
            found[name] = with_references(value, refer)
    return found


def _core(name: str) -> str:
    """What Pydantic calls a component of that name among the types that it knows. What is before its last dot says
    which one it is, where there are several."""
    return f"{name if '.' in name else f'{__name__}.{name}'}:lifted"


def _kind(name: str, schema: Schema) -> type[Any]:
    """A type of which Pydantic knows nothing but that it is called `name` and what JSON Schema says of it."""

    def core(_cls: Any, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.any_schema(ref=_core(name))

    def json(_cls: Any, _core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return with_references(schema, lambda other: handler(core_schema.definition_reference_schema(_core(other))))  # type: ignore[no-any-return]

    hooks = {"__get_pydantic_core_schema__": classmethod(core), "__get_pydantic_json_schema__": classmethod(json)}
    return type(name, (), hooks)
