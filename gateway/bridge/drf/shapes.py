"""Finds DRF fields in the parameters of an endpoint, and those among them that can't read what is sent."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any, get_args, get_origin, get_type_hints

from fastapi import params
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel, Json
from typing_extensions import is_typeddict  # knows its own TypedDict, which Pydantic requires before Python 3.12

from gateway.bridge.drf.fields import DRFField, DRFFile
from gateway.compat.fastapi import parameters

__all__ = ["fields_in", "has_field", "read_by_drf", "unreadable"]


def has_field(annotation: Any, metadata: Sequence[Any] = ()) -> bool:
    """Whether `annotation` or its `metadata` contain a DRF field: in unions, containers and models, too."""
    return next(fields_in(annotation, metadata), None) is not None


def fields_in(annotation: Any, metadata: Sequence[Any] = ()) -> Iterator[DRFField]:
    """Every DRF field in them."""
    yield from (found for found in _parts(annotation, metadata, set()) if isinstance(found, DRFField))


def _parts(annotation: Any, metadata: Sequence[Any], seen: set[int]) -> Iterator[Any]:
    """The parts of `annotation`."""
    yield annotation
    yield from metadata
    if id(annotation) in seen:  # a model that contains itself
        return
    seen.add(id(annotation))
    if hasattr(annotation, "__value__"):  # type Name = …
        yield from _parts(annotation.__value__, (), seen)
    for part in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
        yield from _parts(part, (), seen)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for info in annotation.model_fields.values():
            yield from _parts(info.annotation, info.metadata, seen)
        yield from _parts(_extra_of(annotation), (), seen)
    elif dataclasses.is_dataclass(annotation) or is_typeddict(annotation) or hasattr(annotation, "_fields"):
        for inner in get_type_hints(annotation, include_extras=True).values():
            yield from _parts(inner, (), seen)


def _extra_of(model: type[BaseModel]) -> Any:
    """The type of a model's extra fields, if it allows them and declares their type."""
    for cls in model.__mro__:
        if cls is not BaseModel and "__pydantic_extra__" in inspect.get_annotations(cls):
            return get_type_hints(cls, include_extras=True)["__pydantic_extra__"]
    return None


def read_by_drf(dependant: Dependant) -> list[str]:
    """The names of the parameters of an endpoint and its dependencies that contain a DRF field."""
    return [name for name, info in parameters(dependant, body=True) if has_field(info.annotation, info.metadata)]


def unreadable(dependant: Dependant) -> str | None:
    """What DRF can't read in the parameters of an endpoint, in words; None when there is nothing."""
    for name, info in parameters(dependant, body=True):
        fields = list(fields_in(info.annotation, info.metadata))
        if isinstance(info, params.Form) and any(isinstance(field, DRFFile) for field in fields):
            return f"{name}: in Form() and File(), files are Starlette's, which no field of DRF reads; declare a model"
        if (lazy := _lazy(info.annotation, info.metadata)) is not None:
            return f"{name}: what is in {lazy}[…] is only read while the endpoint goes through it; write list[…]"
        if fields and any(part is Json or type(part) is Json for part in _parts(info.annotation, info.metadata, set())):
            return f"{name}: what Pydantic reads out of Json no field of DRF gets to see; declare a model, or DRFJSON"
    return None


def _lazy(annotation: Any, metadata: Sequence[Any]) -> str | None:
    """The name of a type for which Pydantic returns a generator: it validates items during iteration, when a 400 is no
    longer possible."""
    origins: Iterator[Any] = map(get_origin, _parts(annotation, metadata, set()))
    return next((str(origin.__name__) for origin in origins if origin in (Iterable, Generator)), None)
