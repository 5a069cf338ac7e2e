"""DRF's own fields in Pydantic models: what they take, and what they say about what they don't.

class QuantityIn(BaseModel):
    quantity: Annotated[int, Read(IntegerField(min_value=1))] = 1
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from django.http import QueryDict
from pydantic import BaseModel, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError as Refused
from rest_framework.settings import api_settings
from rest_framework.utils.html import parse_html_list

__all__ = ["Read", "plain_data", "refusal", "refuse"]


class Read:
    """In `Annotated`: the value is read by this DRF field. The OpenAPI document shows `schema`, or the type's own."""

    def __init__(self, field: serializers.Field[Any, Any, Any, Any], schema: CoreSchema | None = None) -> None:
        self.field = field
        self.schema = schema

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """As Pydantic asks for it."""
        return core_schema.no_info_wrap_validator_function(self._read, self.schema or handler(source))

    def _read(self, value: Any, _: object) -> Any:
        try:
            return deepcopy(self.field).run_validation(value)  # a copy, as a serializer makes of its fields
        except Refused as exc:
            raise refuse(exc.detail) from exc


def refuse(detail: Any) -> PydanticCustomError:
    """What a validator raises: `detail` as it will be told, a text, or texts by field."""
    return PydanticCustomError("refused", "refused", {"detail": detail})


def plain_data(data: Any, model: type[BaseModel]) -> Any:
    """What a parser made of the body, as JSON would have it: a form's last values, and lists by their numbers."""
    if not isinstance(data, QueryDict):
        return data
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        lines = parse_html_list(data, name, [])
        if lines:
            found[name] = [line.dict() for line in lines]
        elif name in data and (data[name] or field.is_required()):
            found[name] = data[name]
    return found


def refusal(error: ValidationError, data: Any) -> Refused:
    """All that is wrong with `data`, as DRF tells it."""
    return Refused(_by_field([(item["loc"], _told(item)) for item in error.errors()], data))


Found = Sequence[tuple[tuple[int | str, ...], Any]]


def _by_field(found: Found, data: Any) -> Any:
    """`found` are places in `data` with what is said of them: the same, as nested as `data` is."""
    told: dict[int | str, Any] = {}
    for name in dict.fromkeys(place[0] for place, _ in found if place):
        within = [(place[1:], detail) for place, detail in found if place[:1] == (name,)]
        whole = [detail for place, detail in within if not place]
        told[name] = _as_list(whole[0]) if whole else _by_field(within, data[name])
    for place, detail in found:
        if not place:
            told |= detail if isinstance(detail, Mapping) else {api_settings.NON_FIELD_ERRORS_KEY: _as_list(detail)}
    if any(isinstance(name, int) for name in told):
        return [told.get(number, {}) for number in range(len(data))]
    return told


def _as_list(detail: Any) -> Any:
    return detail if isinstance(detail, (list, dict)) else [detail]


def _told(error: ErrorDetails) -> Any:
    """What DRF says about it."""
    kind, value = error["type"], error["input"]
    if kind == "refused":
        return error["ctx"]["detail"]
    if kind == "missing":
        return serializers.Field.default_error_messages["required"]
    if value is None:
        return serializers.Field.default_error_messages["null"]
    name, of = type(value).__name__, serializers.Serializer.default_error_messages
    lists = serializers.ListSerializer.default_error_messages
    if kind == "too_short":
        return {api_settings.NON_FIELD_ERRORS_KEY: [lists["empty"]]}
    if kind == "list_type":
        return {api_settings.NON_FIELD_ERRORS_KEY: [lists["not_a_list"].format(input_type=name)]}
    return {api_settings.NON_FIELD_ERRORS_KEY: [of["invalid"].format(datatype=name)]}
