"""The serializers with which a view reads bodies and writes responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rest_framework.fields import Field as DRFFieldClass
from rest_framework.relations import ManyRelatedField, RelatedField
from rest_framework.serializers import BaseSerializer, ListSerializer, Serializer

from gateway.workbench.drf.contract.rows import NoRows
from gateway.workbench.drf.contract.source import handler_of, used_serializers

__all__ = ["WrittenResponse", "fields_below", "legacy_reader", "legacy_writer", "prepare", "without_hooks"]

Field = DRFFieldClass[Any, Any, Any, Any]
HOOK = "validate_"


class WrittenResponse(NamedTuple):
    """The serializer of one object in a response, whether there are several, and where they are in a page (None: it is
    no page): the keys of the page, and the one with the objects."""

    serializer: BaseSerializer[Any]
    many: bool
    page: tuple[str, ...] | None = None
    results: str = ""


def legacy_reader(view: Any, method: str) -> BaseSerializer[Any] | None:
    """The serializer with which the view reads a body; None if it reads none, or if that is unknown. May raise what the
    view's own code raises."""
    partial = method == "PATCH"
    if hasattr(view, "get_serializer"):
        made: BaseSerializer[Any] = view.get_serializer(data={}, partial=partial)
        return made
    used = used_serializers(handler) if (handler := handler_of(view, method)) is not None else None
    if used is None or len(used.reads) != 1:
        return None
    return used.reads[0](data={}, partial=partial, context=_context(view))


def legacy_writer(view: Any, method: str) -> WrittenResponse | None:
    """The serializer with which the view writes its response, in the same way."""
    if hasattr(view, "get_serializer"):
        many = _is_list(view, method)
        return WrittenResponse(view.get_serializer(), many, *_page(view, many=many))
    used = used_serializers(handler) if (handler := handler_of(view, method)) is not None else None
    if used is None or len(used.writes) != 1:
        return None
    ((kind, many),) = used.writes
    return WrittenResponse(kind(context=_context(view)), many)


def _context(view: Any) -> dict[str, Any]:
    return {"request": view.request, "format": None, "view": view}


def _is_list(view: Any, method: str) -> bool:
    """Recognises lists like DRF's own schema generator: by the action, or by the mixin's method behind GET."""
    action = getattr(view, "action", None)
    if action is not None:
        return bool(action == "list")
    return method == "GET" and hasattr(view, "list")


def _page(view: Any, *, many: bool) -> tuple[tuple[str, ...] | None, str]:
    paginator = getattr(view, "paginator", None) if many else None
    if paginator is None:
        return None, ""
    marker = {"type": "array", "items": {"title": "gateway"}}
    described: Mapping[str, Any] = paginator.get_paginated_response_schema(marker)
    properties: Mapping[str, Any] = described.get("properties", {})
    results = next((name for name, schema in properties.items() if schema is marker or schema == marker), "")
    return tuple(properties), results


def fields_below(field: Any) -> Mapping[str, Field] | None:
    """The fields of a serializer, or of each object in a list of them; None for any other field."""
    inner = field.child if isinstance(field, ListSerializer) else field
    return inner.fields if isinstance(inner, Serializer) else None


def prepare(field: Any) -> Iterator[str]:
    """Make `field`, and all fields in it, work without rows: every key of a related field exists, and every value is
    unique. Yields the checks that are left out by that."""
    if isinstance(field, ManyRelatedField):
        yield from prepare(field.child_relation)
    elif isinstance(field, RelatedField) and (rows := vars(field).get("queryset")) is not None:
        vars(field)["queryset"] = NoRows(getattr(rows, "model", None))
        yield f"whether {_path(field)} is there"
    for validator in [one for one in _validators(field) if hasattr(one, "queryset")]:
        field.validators = [one for one in field.validators if one is not validator]
        names = getattr(validator, "fields", None)
        what = f" ({', '.join(names)})" if names else ""
        yield f"whether {_path(field)}{what} is unique"
    if isinstance(field, ListSerializer):
        yield from prepare(field.child)
    for inner in (fields_below(field) or {}).values() if isinstance(field, Serializer) else ():
        if not inner.read_only:
            yield from prepare(inner)
    if (child := getattr(field, "child", None)) is not None and not isinstance(field, ListSerializer):
        yield from prepare(child)


def _validators(field: Any) -> Sequence[Any]:
    return field.validators  # type: ignore[no-any-return] # made when asked for, some of them by the model


def _path(field: Any) -> str:
    names = []
    while field is not None and getattr(field, "parent", None) is not None:
        if field.field_name:
            names.append(field.field_name)
        field = field.parent
    return ".".join(reversed(names)) or "the body"


def without_hooks(field: Any) -> Iterator[str]:
    """Remove the project's own `validate…` methods from `field` and all serializers in it; yields their names."""
    if isinstance(field, ListSerializer):
        yield from without_hooks(field.child)
    elif isinstance(field, Serializer):
        name = type(field).__name__
        if type(field).validate is not Serializer.validate:
            vars(field)["validate"] = _unchanged  # of this instance only
            yield f"{name}.validate()"
        for inner_name, inner in field.fields.items():
            if hasattr(field, f"{HOOK}{inner_name}"):
                vars(field)[f"{HOOK}{inner_name}"] = _unchanged
                yield f"{name}.{HOOK}{inner_name}()"
            yield from without_hooks(inner)


def _unchanged(value: Any) -> Any:
    return value
