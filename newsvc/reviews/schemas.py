"""What the service takes and gives."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field

from gateway.bridge.drf.fields import DRFChar, DRFInteger
from newsvc.reviews.tables import Author, Review
from newsvc.types import Moment, SoldProduct

__all__ = ["ReviewIn", "ReviewOut", "ReviewQuery"]


class ReviewQuery(BaseModel):
    """The query string, as text: what is wrong with it is said as it always was."""

    product: str = Field("", description="Id of a product.")
    rating: str = Field("", description="1 to 5.")
    author: str = Field("", description="Id of a customer.")
    ordering: str = Field("", description="created or rating, or both with a comma; - turns one round.")


class ReviewIn(BaseModel):
    """A new review. The field asks for the product, so that one that isn't sold is refused beside the other errors."""

    product: SoldProduct
    rating: Annotated[int, DRFInteger(min_value=1, max_value=5)]
    title: Annotated[str, DRFChar(max_length=120)]
    text: Annotated[str, DRFChar(allow_blank=True)] = ""


class AuthorOut(BaseModel):
    """A customer as other customers see them."""

    id: int
    username: str

    @classmethod
    def of(cls, author: Author) -> Self:
        """From the row."""
        return cls(id=author.id, username=author.username)


class ReviewOut(BaseModel):
    """A review."""

    id: int
    product: int
    author: AuthorOut
    rating: int
    title: str
    text: str
    created: Moment

    @classmethod
    def of(cls, review: Review) -> Self:
        """From a row with its author."""
        return cls(
            id=review.id,
            product=review.product_id,
            author=AuthorOut.of(review.author),
            rating=review.rating,
            title=review.title,
            text=review.text,
            created=review.created,
        )
