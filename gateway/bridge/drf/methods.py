"""Parts of a serializer besides plain fields, on the model that it is made from: methods, validators, nested options.

class ReviewIn(BaseModel):
    product: Annotated[Product, drf_field(PrimaryKeyRelatedField, queryset=Product.objects.all(), native=Product)]
    author: Annotated[Author, drf_nested(read_only=True)]
    rating: Annotated[dict[str, Any], DRFMethod()]

    drf_validators = (UniqueTogetherValidator(Review.objects.all(), fields=["product", "author"]),)

    @serializer_method
    def validate_product(self: Any, product: Product) -> Product: ...

    @serializer_method
    def get_rating(self: Any, review: Review) -> dict[str, Any]: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, TypeVar

from django.db.models import Model
from django.utils.functional import lazy
from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import core_schema
from rest_framework import serializers
from rest_framework.utils.field_mapping import get_unique_error_message

from gateway.bridge.drf.fields import DRFField

__all__ = [
    "DRFMethod",
    "DRFNested",
    "DRFTodo",
    "drf_nested",
    "methods_of",
    "nested_options",
    "serializer_method",
    "unique_message",
]

Method = TypeVar("Method", bound=Callable[..., Any])
MARK = "drf_serializer_method"
VALIDATORS = "drf_validators"  # attribute of a model: validators of the whole serializer


def serializer_method(method: Method) -> Method:
    """Mark a method of a model as a method of the serializer that is made from it, and return it: `validate_<field>`,
    `validate`, `get_<field>` of a DRFMethod, `to_representation`. Its `self` is the serializer, with `context`,
    `instance` and `fields`; `super()` can't be used."""
    setattr(method, MARK, True)
    return method


def methods_of(model: type[BaseModel]) -> dict[str, Any]:
    """The attributes that `model` gives its serializer."""
    return dict(_attributes(model))


def _attributes(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    for cls in reversed(model.__mro__):
        if not issubclass(cls, BaseModel):
            continue
        yield from ((name, value) for name, value in vars(cls).items() if getattr(value, MARK, False))
    if validators := getattr(model, VALIDATORS, ()):
        yield "get_validators", lambda _self: [*validators]


class DRFNested:
    """Options of a nested serializer; see `drf_nested`."""

    def __init__(self, **options: Any) -> None:
        self.options = options

    def __repr__(self) -> str:
        return f"drf_nested({', '.join(f'{name}={value!r}' for name, value in self.options.items())})"


def drf_nested(**options: Any) -> DRFNested:
    """Options for a field that is a model, or a list of models: `read_only`, `source`, `validators` and any other
    argument of a nested serializer."""
    return DRFNested(**options)


def nested_options(metadata: Sequence[Any]) -> dict[str, Any]:
    """The options of `drf_nested` in the `metadata` of an annotation."""
    return {name: value for one in metadata if isinstance(one, DRFNested) for name, value in one.options.items()}


def _unique_message(model: type[Model], name: str) -> str:
    field: Any = model._meta.get_field(name)  # noqa: SLF001 - Django's manual has it
    return str(get_unique_error_message(field))


# The message of the UniqueValidator that a ModelSerializer has for a field, in the language of the caller:
# `unique_message(Category, "name")`.
unique_message = lazy(_unique_message, str)


class DRFMethod(DRFField):
    """SerializerMethodField: what `get_<field>`, a `serializer_method` of the model, returns. OpenAPI has the type."""

    field_class: ClassVar[Callable[..., Any]] = serializers.SerializerMethodField
    native = (object,)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, read_only=True, **kwargs)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """The schema of the annotated type; values aren't validated."""
        return core_schema.no_info_wrap_validator_function(lambda value, _inner: value, handler(source))

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> Any:
        """How OpenAPI describes it."""
        return handler(core) | {"readOnly": True}


class TodoField(serializers.Field):  # type: ignore[type-arg] # generic in the stubs only
    """A field that is not written yet: `what` says which."""

    def __init__(self, what: str, **options: Any) -> None:
        self.what = what
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:
        """Raises NotImplementedError."""
        raise NotImplementedError(f"TODO: {self.what}")

    def to_representation(self, value: Any) -> Any:
        """Raises NotImplementedError."""
        raise NotImplementedError(f"TODO: {self.what}")


class DRFTodo(DRFField):
    """A field that `gateway scaffold` can't translate: `DRFTodo("what it was")` raises NotImplementedError."""

    field_class: ClassVar[Callable[..., Any]] = TodoField
    native = (object,)
    schema: ClassVar[dict[str, Any]] = {}
