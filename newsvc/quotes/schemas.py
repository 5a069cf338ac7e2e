"""What the service gives."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from newsvc.quotes.rendering import Money

__all__ = ["Failure", "Quote", "Quotes"]


class Quote(BaseModel):
    """One supplier's offer."""

    supplier: str
    price: Money
    currency: str
    delivery_days: int


class Failure(BaseModel):
    """Why a supplier gave no offer."""

    supplier: str
    reason: Literal["timeout", "unreachable", "refused", "garbled"]


class Quotes(BaseModel):
    """The offers for one product, cheapest first, and who made none."""

    product: int
    sku: str
    quotes: list[Quote]
    unavailable: list[Failure]
