"""Names of components in a service's OpenAPI document that are not those of its models.

    class ProductRequest(BaseModel, json_schema_extra=component("Product")):
        status: Annotated[str, DRFChoice(choices=[…]), Field(json_schema_extra=component("StatusEnum"))]

A project's own API document may have one component for requests and responses, and components for choices. Generated
clients have classes with these names, so the service's document has them too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from gateway.bridge.drf.openapi.components import PLACE, referred_to, with_references

__all__ = ["component", "marking", "of_the_project", "with_component_names"]

MARK = "x-gateway-component"
_marks: ContextVar[bool] = ContextVar("component marks", default=False)

Schema = Mapping[str, Any]


def component(name: str, *, blank: str = "", null: str = "") -> Callable[[dict[str, Any]], None]:
    """`json_schema_extra` of a model, or of a field with choices: the component `name` of the document that the gateway
    serves. A request and a response may have the same name: their properties are put together, read-only where only
    the response has them, write-only where only the request has. `blank` and `null` name the components for "" and null
    among the choices; without a name they stay in place."""

    def mark(schema: dict[str, Any]) -> None:
        if _marks.get():
            schema[MARK] = {"name": name, "blank": blank, "null": null}

    return mark


def of_the_project(name: str, schema: Schema) -> Schema:
    """`schema`, marked as the component `name` of the project's own document, which wins over models of that name."""
    return {**schema, MARK: {"name": name, "own": True}} if _marks.get() else schema


@contextmanager
def marking() -> Iterator[None]:
    """Documents made meanwhile have marks, for `with_component_names`."""
    token = _marks.set(True)
    try:
        yield
    finally:
        _marks.reset(token)


def with_component_names(document: Mapping[str, Any]) -> dict[str, Any]:
    """`document`, with each marked schema as the component that it names, except where a model without a mark has that
    name."""
    schemas: Mapping[str, Any] = document.get("components", {}).get("schemas", {})
    plain = {key for key, schema in schemas.items() if MARK not in schema}
    names = {key: schema[MARK]["name"] for key, schema in schemas.items() if key not in plain}
    names = {key: key if name in plain else name for key, name in names.items()}
    asked = _reached(document.get("paths", {}), schemas)
    made = {key: schemas[key] for key in plain}
    for name in set(names.values()):
        made[name] = _together({key: schemas[key] for key, called in names.items() if called == name}, asked)
    choices: dict[str, Any] = {}
    others = {kind: named for kind, named in document.get("components", {}).items() if kind != "schemas"}
    renamed = with_references(
        {**document, "components": others, "schemas": made}, lambda key: {"$ref": f"{PLACE}{names.get(key, key)}"}
    )
    whole: dict[str, Any] = _with_choices(renamed, choices)
    named = choices | whole.pop("schemas")
    if named:
        whole["components"]["schemas"] = {name: named[name] for name in sorted(named)}
    return {name: value for name, value in whole.items() if name != "components" or value}


def _reached(paths: Any, schemas: Mapping[str, Any]) -> frozenset[str]:
    """The keys of the schemas that requests are made of."""
    bodies = [
        operation["requestBody"]
        for operations in paths.values()
        for operation in operations.values()
        if isinstance(operation, Mapping) and "requestBody" in operation
    ]
    found: set[str] = set()
    missing = [*referred_to(bodies)]
    while missing:
        if (key := missing.pop()) not in found and key in schemas:
            found.add(key)
            missing += referred_to(schemas[key])
    return frozenset(found)


def _together(parts: Mapping[str, Schema], asked: frozenset[str]) -> dict[str, Any]:
    """One schema for `parts`: the project's own if it is among them."""
    own = [schema for schema in parts.values() if schema[MARK].get("own")]
    read = [schema for key, schema in parts.items() if key not in asked]
    written = [schema for key, schema in parts.items() if key in asked]
    if own or not (read and written):
        first = (own or [*parts.values()])[0]
        return {name: value for name, value in first.items() if name != MARK}
    answer, request = read[0], written[0]
    given, taken = answer.get("properties", {}), request.get("properties", {})
    properties = {
        **{name: {**schema, **({} if name in taken else {"readOnly": True})} for name, schema in given.items()},
        **{name: {**schema, "writeOnly": True} for name, schema in taken.items() if name not in given},
    }
    needed = {*request.get("required", ()), *(name for name in answer.get("required", ()) if name not in taken)}
    whole = {**answer, "properties": properties, "required": [name for name in properties if name in needed]}
    return {name: value for name, value in whole.items() if name != MARK and value != []}


def _with_choices(schema: Any, found: dict[str, Any]) -> Any:
    """`schema` with references to components for marked choices, which are put into `found`."""
    if isinstance(schema, list | tuple):
        return [_with_choices(value, found) for value in schema]
    if not isinstance(schema, Mapping):
        return schema
    plain = {name: _with_choices(value, found) for name, value in schema.items() if name != MARK}
    return _of_choices(plain, schema[MARK], found) if MARK in schema else plain


def _of_choices(schema: dict[str, Any], mark: Mapping[str, str], found: dict[str, Any]) -> dict[str, Any]:
    if "items" in schema:
        return {**schema, "items": _of_choices(schema["items"], mark, found)}
    alternatives = schema.get("anyOf", [schema])
    values = [value for one in alternatives for value in one.get("enum", ())]
    if not values:
        return schema
    found[mark["name"]] = _enum([value for value in values if value not in ("", None)])
    references = [{"$ref": f"{PLACE}{mark['name']}"}]
    if "" in values:
        references.append(_alternative(mark["blank"], {"enum": [""], "type": "string"}, found))
    if None in values or {"type": "null"} in alternatives:
        references.append(_alternative(mark["null"], {"type": "null"}, found))
    rest = {name: value for one in (*alternatives, schema) for name, value in one.items() if name not in _VALUES}
    return rest | (references[0] if len(references) == 1 else {"oneOf": references})


_VALUES = ("enum", "type", "anyOf")


def _enum(values: list[Any]) -> dict[str, Any]:
    kinds = {type(value) for value in values}
    known = {str: "string", int: "integer"}
    return {"enum": values} | ({"type": known[kind]} if len(kinds) == 1 and (kind := kinds.pop()) in known else {})


def _alternative(name: str, schema: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    if not name:
        return schema
    found[name] = schema
    return {"$ref": f"{PLACE}{name}"}
