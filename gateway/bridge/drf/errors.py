"""Translates errors of FastAPI and Pydantic into DRF's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from http.client import responses
from typing import Any

from django.http import Http404
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from rest_framework import exceptions, serializers
from rest_framework.settings import api_settings
from starlette.exceptions import HTTPException

__all__ = ["api_exception", "body_error", "validation_error"]

KINDS: Mapping[int, type[exceptions.APIException]] = {
    400: exceptions.ParseError,
    401: exceptions.NotAuthenticated,
    403: exceptions.PermissionDenied,
    404: exceptions.NotFound,
    406: exceptions.NotAcceptable,
}

# Pydantic's type of error → the field and the key of its message.
MESSAGES: Mapping[str, tuple[type[Any], str]] = {
    "missing": (serializers.Field, "required"),
    "int_parsing": (serializers.IntegerField, "invalid"),
    "int_type": (serializers.IntegerField, "invalid"),
    "int_from_float": (serializers.IntegerField, "invalid"),
    "float_parsing": (serializers.FloatField, "invalid"),
    "float_type": (serializers.FloatField, "invalid"),
    "bool_parsing": (serializers.BooleanField, "invalid"),
    "bool_type": (serializers.BooleanField, "invalid"),
    "decimal_parsing": (serializers.DecimalField, "invalid"),
    "decimal_type": (serializers.DecimalField, "invalid"),
    "decimal_max_digits": (serializers.DecimalField, "max_digits"),
    "decimal_max_places": (serializers.DecimalField, "max_decimal_places"),
    "string_type": (serializers.CharField, "invalid"),
    "string_too_long": (serializers.CharField, "max_length"),
    "string_too_short": (serializers.CharField, "min_length"),
    "greater_than_equal": (serializers.IntegerField, "min_value"),
    "less_than_equal": (serializers.IntegerField, "max_value"),
    "uuid_parsing": (serializers.UUIDField, "invalid"),
    "uuid_type": (serializers.UUIDField, "invalid"),
    "list_type": (serializers.ListField, "not_a_list"),
    "dict_type": (serializers.DictField, "not_a_dict"),
    "model_type": (serializers.Serializer, "invalid"),
    "model_attributes_type": (serializers.Serializer, "invalid"),
    "enum": (serializers.ChoiceField, "invalid_choice"),
    "literal_error": (serializers.ChoiceField, "invalid_choice"),
}
# Names of limits: Pydantic's and DRF's.
LIMITS = {
    "ge": "min_value",
    "le": "max_value",
    "max_length": "max_length",
    "min_length": "min_length",
    "max_digits": "max_digits",
    "decimal_places": "max_decimal_places",
}


def validation_error(error: RequestValidationError) -> Exception:
    """DRF's ValidationError for FastAPI's; Http404 if the error is in the path, which then matches no view."""
    errors = error.errors()
    if any(found["loc"][0] == "path" for found in errors):
        return Http404()
    return exceptions.ValidationError(_detail(errors))


def _detail(errors: Sequence[Any]) -> Any:
    tree: dict[Any, Any] = {}
    for found in errors:
        # In a union, the member is named by a function of the gateway's, which DRF doesn't know.
        place = [part for part in found["loc"][1:] if not str(part).startswith("function-")]
        *parents, last = place or (api_settings.NON_FIELD_ERRORS_KEY,)
        node = tree
        for part in parents:
            inner = node.get(part)
            node[part] = inner if isinstance(inner, dict) else {}
            node = node[part]
        _add(node, last, _messages(found))
    return tree


def _add(node: dict[Any, Any], key: Any, messages: Any) -> None:
    there = node.get(key)
    if isinstance(there, list) and isinstance(messages, list):
        there += messages
    elif there is None:
        node[key] = messages


def _messages(found: Mapping[str, Any]) -> Any:
    context = found.get("ctx", {})
    if "detail" in context:  # from a DRF field: DRF's own detail
        return context["detail"]
    own = context.get("error")
    if found["type"] == "value_error" and own is not None:
        return [str(own)]
    if found.get("input", "") is None and found["type"] != "missing":
        return [serializers.Field.default_error_messages["null"]]
    return [exceptions.ErrorDetail(*_message(found, context))]


def _message(found: Mapping[str, Any], context: Mapping[str, Any]) -> tuple[str, str]:
    field, key = MESSAGES.get(found["type"], (None, ""))
    if field is None:
        return str(found["msg"]), str(found["type"])
    value = found.get("input")
    known = {LIMITS[name]: limit for name, limit in context.items() if name in LIMITS}
    messages = _known_messages(field)
    text = str(messages[key]).format(
        input=value, datatype=type(value).__name__, input_type=type(value).__name__, **known
    )
    return text, key


def _known_messages(field: type[Any]) -> dict[str, Any]:
    """The messages of a field class and its bases, as a field collects them."""
    messages: dict[str, Any] = {}
    for base in reversed(field.__mro__):
        messages |= getattr(base, "default_error_messages", {})
    return messages


def api_exception(error: HTTPException) -> exceptions.APIException:
    """DRF's exception for an HTTPException of an endpoint or dependency; with DRF's text if it has none of its own."""
    detail: Any = error.detail
    if detail in ("", responses.get(error.status_code)):
        detail = None
    if error.status_code == HTTPStatus.BAD_REQUEST and isinstance(detail, list | dict):
        return exceptions.ValidationError(detail)
    if error.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return exceptions.Throttled(_seconds(error), detail)
    kind: Callable[..., exceptions.APIException] | None = KINDS.get(error.status_code)
    if kind is not None:
        return kind(detail)
    found = exceptions.APIException(detail or error.detail)
    found.status_code = error.status_code
    return found


def _seconds(error: HTTPException) -> float | None:
    value = (error.headers or {}).get("Retry-After", "")
    return float(value) if value.isdecimal() else None


def body_error(error: ValidationError) -> exceptions.ValidationError:
    """DRF's ValidationError for Pydantic's errors in a body, worded as in `validation_error`."""
    return exceptions.ValidationError(_detail([{**found, "loc": ("body", *found["loc"])} for found in error.errors()]))
