"""The base class of the tables of gateway.toml."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gateway.config.salvage import KeyConflict, KeyConflicts

__all__ = [
    "IMPORT_STRING",
    "METHODS",
    "READING",
    "SAFE",
    "HeaderName",
    "ImportString",
    "Percent",
    "Seconds",
    "Section",
    "known_methods",
]


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "WEBSOCKET")

ImportString = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]

IMPORT_STRING = '"package.module:attribute", as uvicorn takes it'

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$", description='a header name such as "X-Name"')]

Seconds = Annotated[float, Field(gt=0, description="seconds, more than 0")]

Percent = Annotated[float, Field(ge=0, le=100, description="a percentage, 0 to 100")]

SAFE = ("GET", "HEAD")

READING = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, section 9.2.1


class Section(BaseModel):
    """A table of the file. Unknown keys are problems: a misspelt key would have no effect."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _lists_are_tuples(cls, value: object) -> object:
        """Lists from TOML become tuples, since the models are frozen."""
        return tuple(value) if isinstance(value, list) else value

    def conflicts(self) -> Iterator[KeyConflict]:
        """The broken rules between keys of this table."""
        return iter(())

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if found := list(self.conflicts()):
            raise KeyConflicts(found)
        return self


def known_methods(value: Iterable[object], known: Sequence[str]) -> tuple[str, ...]:
    """The methods in `value`, in upper case. Raises ValueError if one isn't in `known`."""
    methods = tuple(method.upper() if isinstance(method, str) else "" for method in value)
    if not methods or any(method not in known for method in methods):
        raise ValueError(f"a list of some of {', '.join(known)}")
    return methods
