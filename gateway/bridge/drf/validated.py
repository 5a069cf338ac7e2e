"""Converts between the two names of a value: the field's name and its `source`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from rest_framework.serializers import BaseSerializer, ListSerializer, Serializer

from gateway.bridge.drf.serializers import field_names, serializer_for

__all__ = ["by_name", "validated_data"]


def by_name(serializer: Any, validated: Any) -> Any:
    """`validated`, in which `serializer` uses `source` as keys, with the names of its fields as keys, as in a model."""
    if isinstance(serializer, ListSerializer):
        return [by_name(serializer.child, item) for item in validated] if isinstance(validated, list) else validated
    if not isinstance(serializer, Serializer) or not isinstance(validated, Mapping):
        return validated
    found = dict(_named(serializer, validated))
    taken = {field.source_attrs[0] for field in serializer.fields.values() if field.source_attrs}
    return found | {name: value for name, value in validated.items() if name not in taken and name not in found}


def _named(serializer: Serializer[Any], validated: Mapping[str, Any]) -> Any:
    for name, field in serializer.fields.items():
        if field.read_only:
            continue
        value: Any = validated
        try:
            for attribute in field.source_attrs:
                value = value[attribute]
        except (KeyError, TypeError):
            continue
        yield name, by_name(field, value) if isinstance(field, BaseSerializer) else value


def validated_data(model: BaseModel) -> dict[str, Any]:
    """A serializer's `validated_data` for this body: by `source`, without fields that the caller didn't send.

    For `Model.objects.create(**validated_data(body))`, and for updates. A dotted source becomes nested dictionaries.
    """
    fields = serializer_for(type(model))().fields
    found: dict[str, Any] = {}
    for attribute, name in field_names(type(model)).items():
        if attribute not in model.model_fields_set or fields[name].read_only:
            continue
        value, place = _plain(getattr(model, attribute)), found
        *way, last = fields[name].source_attrs or [""]
        for step in way:
            place = place.setdefault(step, {})
        if last:
            place[last] = value
        else:
            found |= value
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return validated_data(value)
    return [_plain(item) for item in value] if isinstance(value, list) else value
