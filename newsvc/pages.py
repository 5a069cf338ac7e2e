"""What a page of a list looks like; DRF's paginator makes it."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel

__all__ = ["PageOf"]

T = TypeVar("T")


class PageOf(BaseModel, Generic[T]):
    """One page of a list, with the whole URLs of those beside it."""

    count: int
    next: str | None
    previous: str | None
    results: list[T]
