"""The forms that a body may have: a model, a list of models, either, or one of several models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from rest_framework.exceptions import ValidationError
from rest_framework.fields import empty
from rest_framework.serializers import BaseSerializer, ChoiceField, Field, ListSerializer
from rest_framework.settings import api_settings

from gateway.bridge.drf.serializers import is_model, serializer_for

__all__ = ["BodyModels", "body_of"]


@dataclass(frozen=True, slots=True)
class BodyModels:
    """`models` are the possible models, by the value of the field `by` if there are several; `one` and `many` say
    whether the body may be one of them, and whether it may be a list."""

    models: Mapping[Any, type[BaseModel]]
    by: str
    one: bool
    many: bool

    def serializer(self, data: Any, **options: Any) -> BaseSerializer[Any]:
        """The serializer for `data`, or of the first model when `data` is `empty`. Raises ValidationError for data that
        is of none of the models."""
        many = self.many and (not self.one or isinstance(data, list))
        if data is not empty:
            options["data"] = data
        if len(self.models) == 1 or data is None or data is empty:
            return serializer_for(next(iter(self.models.values())))(many=many, **options)
        if not self.many or (self.one and not many):
            return serializer_for(self._model(data))(**options)
        return OneOfSeveral(self, data, options)

    def _model(self, data: Any) -> type[BaseModel]:
        """The model that the discriminator in `data` names."""
        kind = data.get(self.by) if isinstance(data, Mapping) else None
        found = self.models.get(kind) if isinstance(kind, str | int | bool) else None
        if found is not None or not isinstance(data, Mapping):
            return found or next(iter(self.models.values()))  # whose serializer says what is wrong
        if self.by not in data:
            raise ValidationError({self.by: [Field.default_error_messages["required"]]}, code="required")
        message = ChoiceField.default_error_messages["invalid_choice"]
        raise ValidationError({self.by: [str(message).format(input=kind)]}, code="invalid_choice")


class OneOfSeveral(BaseSerializer):  # type: ignore[type-arg] # generic in the stubs only
    """A list whose items may be of different models."""

    def __init__(self, body: BodyModels, data: Sequence[Any], options: Mapping[str, Any]) -> None:
        super().__init__(data=data, context=dict(options.get("context", {})))
        self._body, self._options = body, {name: value for name, value in options.items() if name != "data"}

    def to_internal_value(self, data: Any) -> Any:
        """Read each item with the serializer of its model."""
        if not isinstance(data, list):
            message = str(ListSerializer.default_error_messages["not_a_list"])
            text = message.format(input_type=type(data).__name__)
            raise ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [text]}, code="not_a_list")
        errors: list[Any] = []
        found: list[Any] = []
        for item in data:
            try:
                serializer = serializer_for(self._body._model(item))(data=item, **self._options)  # noqa: SLF001 - its own
                serializer.is_valid(raise_exception=True)
            except ValidationError as exc:
                errors.append(exc.detail)
            else:
                errors.append({})
                found.append(serializer.validated_data)
        if any(errors):
            raise ValidationError(errors)
        return found


def body_of(annotation: Any, metadata: Sequence[Any] = ()) -> BodyModels | None:
    """The body for this annotation; None when that doesn't consist of models only."""
    by = next((one.discriminator for one in metadata if isinstance(one, FieldInfo) and one.discriminator), None)
    one, many = dict[Any, type[BaseModel]](), dict[Any, type[BaseModel]]()
    for member, is_list, inner_by in _members(annotation):
        by = by or inner_by
        if not is_model(member):
            return None
        for kind in _kinds(member, by if isinstance(by, str) else None):
            (many if is_list else one)[kind] = member
    models = one | many
    if not models or (len({*models.values()}) > 1 and not isinstance(by, str)):
        return None  # there is no discriminator
    return BodyModels(models, by if isinstance(by, str) and len(models) > 1 else "", bool(one), bool(many))


def _members(annotation: Any) -> Iterator[tuple[Any, bool, Any]]:
    """Each member of a union, whether it is in a list, and its discriminator."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        by = next((one.discriminator for one in metadata if isinstance(one, FieldInfo)), None)
        yield from ((member, is_list, inner_by or by) for member, is_list, inner_by in _members(inner))
    elif get_origin(annotation) in (Union, UnionType):
        for member in get_args(annotation):
            if member is not type(None):
                yield from _members(member)
    elif get_origin(annotation) is list and get_args(annotation):
        yield from ((member, True, by) for member, _, by in _members(get_args(annotation)[0]))
    else:
        yield annotation, False, None


def _kinds(model: Any, by: str | None) -> Iterator[Any]:
    """The values of the discriminator of a `model`; the model's name if there is none."""
    info = model.model_fields.get(by) if by else None
    if info is not None and get_origin(info.annotation) is Literal:
        yield from get_args(info.annotation)
    else:
        yield model.__name__
