"""What errors look like, for the documentation; `legacy.shop.api.exceptions` makes them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

__all__ = ["ErrorBody", "InvalidBody"]


class ErrorBody(BaseModel):
    """Every error."""

    code: str
    detail: str


class InvalidBody(ErrorBody):
    """A request that was not understood: what is wrong, by field."""

    errors: Any
