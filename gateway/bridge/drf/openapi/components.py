"""Named schemas in FastAPI's document for which no endpoint has a Pydantic model.

FastAPI adds to `components` the types of its endpoints' parameters and bodies. So a lifted endpoint has a parameter
that is neither shown nor read, whose type consists of these schemas; Pydantic resolves conflicts between names, as
always.
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
    """The annotation of such a parameter. `named` returns the schemas by name, when the document is made."""

    def __init__(self, named: Callable[[], Mapping[str, Schema]]) -> None:
        self._named = named
        self._made: dict[str, Any] = {}

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """All schemas, one after the other."""
        named = self._named()
        if not named:
            return {}
        kinds = [TypeAdapter(_kind(name, schema)).core_schema for name, schema in named.items()]
        whole = handler(core_schema.tuple_schema(kinds))
        self._made = dict(zip(named, whole["prefixItems"], strict=True))
        return whole

    @property
    def references(self) -> Mapping[str, str]:
        """The reference of each schema in the last document."""
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
    """`schema`, with each reference replaced by what `refer` returns for its name."""
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
    """Pydantic's name for the component. The part before its last dot distinguishes several with the same name."""
    return f"{name if '.' in name else f'{__name__}.{name}'}:lifted"


def _kind(name: str, schema: Schema) -> type[Any]:
    """A type of which Pydantic knows only its name and its JSON schema."""

    def core(_cls: Any, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.any_schema(ref=_core(name))

    def json(_cls: Any, _core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return with_references(schema, lambda other: handler(core_schema.definition_reference_schema(_core(other))))  # type: ignore[no-any-return]

    hooks = {"__get_pydantic_core_schema__": classmethod(core), "__get_pydantic_json_schema__": classmethod(json)}
    return type(name, (), hooks)
