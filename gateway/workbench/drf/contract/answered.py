"""The declared responses of a service: the model of one object, whether there are several, and the page around them."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, RootModel, TypeAdapter
from typing_extensions import is_typeddict  # knows its own TypedDict, which Pydantic requires before Python 3.12

from gateway.bridge.drf.serializers import written
from gateway.bridge.route import REPRESENT

__all__ = ["AnswerField", "DeclaredResponse", "FieldWriter", "answered", "inner_model", "nullable", "parts_of"]

SEQUENCES = (list, tuple, set, frozenset, Sequence)


class AnswerField(NamedTuple):
    """A field of a response: its type and metadata. `own`: the model's own code writes it."""

    annotation: Any
    metadata: tuple[Any, ...] = ()
    own: bool = False


class DeclaredResponse(NamedTuple):
    """As `gateway.workbench.drf.contract.serializers.WrittenResponse`, for a service."""

    model: Any
    many: bool
    page: tuple[str, ...] | None = None
    results: str = ""


def answered(annotation: Any, *, page: bool) -> DeclaredResponse | None:
    """What responses of this type contain; None without a model: any object, a dictionary. `page`: if one of its fields
    is a list of objects, it may be a page."""
    annotation = _plain(annotation)
    if (item := _item(annotation)) is not None:
        return DeclaredResponse(item, many=True) if _is_model(item) else None
    if not _is_model(annotation):
        return None
    parts = parts_of(annotation)
    lists = [(name, item) for name, part in parts.items() if _is_model(item := _item(part.annotation))]
    if page and len(lists) == 1:
        return DeclaredResponse(lists[0][1], True, tuple(parts), lists[0][0])
    return DeclaredResponse(annotation, many=False)


def _plain(annotation: Any) -> Any:
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    rest = [one for one in get_args(annotation) if one is not type(None)]
    return rest[0] if nullable(annotation) and len(rest) == 1 else annotation


def nullable(annotation: Any) -> bool:
    """Whether this type allows None."""
    if get_origin(annotation) is Annotated:
        return nullable(get_args(annotation)[0])
    if annotation in (Any, None, type(None)):
        return True
    return get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation)


def _item(annotation: Any) -> Any:
    annotation = _plain(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    return _plain(arguments[0]) if origin in SEQUENCES and arguments else None


def _is_model(annotation: Any) -> bool:
    if is_typeddict(annotation):
        return True
    return isinstance(annotation, type) and issubclass(annotation, BaseModel) and not issubclass(annotation, RootModel)


def inner_model(annotation: Any) -> tuple[Any, bool]:
    """The model in `annotation`, and whether there are several; None without one."""
    found = _item(annotation)
    if found is not None:
        return (found if _is_model(found) else None), True
    found = _plain(annotation)
    return (found if _is_model(found) else None), False


def parts_of(model: Any, *, by_alias: bool = True) -> Mapping[str, AnswerField]:
    """The fields of a model or TypedDict, by their names in responses."""
    if is_typeddict(model):
        return {
            name: AnswerField(annotation) for name, annotation in get_type_hints(model, include_extras=True).items()
        }
    model.model_rebuild()
    decorators = model.__pydantic_decorators__
    own = {name for one in decorators.field_serializers.values() for name in one.info.fields}
    found = {
        _alias(name, info) if by_alias else name: AnswerField(
            info.annotation, tuple(info.metadata), name in own or "*" in own
        )
        for name, info in model.model_fields.items()
        if not info.exclude
    }
    computed = {info.alias or name: AnswerField(info.return_type) for name, info in model.model_computed_fields.items()}
    return {**found, **computed}


def _alias(name: str, info: Any) -> str:
    return str(info.serialization_alias or info.alias or name)


class FieldWriter:
    """Writes values of one field as the service does: `drf`, as a DRFRoute, or else as FastAPI."""

    def __init__(self, part: AnswerField, *, drf: bool) -> None:
        annotation: Any = Annotated[part.annotation, *part.metadata] if part.metadata else part.annotation
        self._adapter = TypeAdapter[Any](annotation)
        self._drf = drf

    def __call__(self, value: Any) -> Any:
        """The value as in JSON. Raises Pydantic's ValidationError if the service would fail."""
        taken = self._adapter.validate_python(value, from_attributes=True)
        if not self._drf:
            return self._adapter.dump_python(taken, mode="json")
        return written(self._adapter.dump_python(taken, mode="python", context={REPRESENT: True}))
