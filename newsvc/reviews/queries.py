"""The service's questions to the database, in SQLAlchemy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError as FormError
from django.utils import timezone
from django.utils.translation import gettext
from rest_framework.exceptions import ValidationError
from sqlalchemy import ColumnElement, Select, UnaryExpression, false, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from legacy.accounts.models import User
from legacy.shop.models import Tenant
from newsvc.reviews.schemas import ReviewIn, ReviewQuery
from newsvc.reviews.tables import Author, Product, Review

__all__ = ["add_review", "count_of", "find_reviews"]

ORDERING_FIELDS = {"created": Review.created, "rating": Review.rating}
DEFAULT_ORDERING = (Review.created.desc(), Review.id.desc())
IDS = range(1, 2**63)  # of a BigAutoField


async def find_reviews(db: AsyncSession, query: ReviewQuery, tenant: Tenant) -> Select[Review]:
    """The reviews that the query asks for, in its order. Raises ValidationError."""
    reviews = select(Review).join(Review.product).join(Review.author).where(_sold_by(tenant))
    reviews = reviews.where(*await _filters(db, query)).order_by(*_ordering(query.ordering))
    return reviews.options(contains_eager(Review.author))


async def count_of(db: AsyncSession, reviews: Select[Review]) -> int:
    """How many there are."""
    return await db.scalar(select(func.count()).select_from(reviews.order_by(None).subquery())) or 0


async def add_review(db: AsyncSession, new: ReviewIn, author: User) -> Review:
    """Save a review; the database decides whether it is the author's first of this product. Raises ValidationError."""
    values = new.model_dump(exclude={"product"}) | {"product_id": new.product.pk, "author_id": author.pk}
    review = Review(**values, created=timezone.now())
    db.add(review)
    try:
        await db.commit()
    except IntegrityError as exc:
        raise ValidationError({"product": [gettext("You have already reviewed this product.")]}, "unique") from exc
    await db.refresh(review, ["author", *Review.__table__.columns.keys()])
    return review


def _sold_by(tenant: Tenant) -> ColumnElement[bool]:
    """As ProductQuerySet.visible_to()."""
    if tenant.only_category_id is None:
        return Product.is_active.is_(True)
    return Product.is_active.is_(True) & (Product.category_id == tenant.only_category_id)


async def _filters(db: AsyncSession, query: ReviewQuery) -> list[ColumnElement[bool]]:
    """What the query keeps. Raises ValidationError with everything that is wrong with it."""
    found: list[ColumnElement[bool]] = []
    errors: dict[str, list[str]] = {}
    for name, read in (("product", _reference(Product)), ("rating", _rating), ("author", _reference(Author))):
        text = getattr(query, name)
        try:
            if text:
                found.append(await read(db, text))
        except FormError as exc:
            errors[name] = exc.messages
    if errors:
        raise ValidationError(errors)
    return found


def _reference(table: type[Product | Author]) -> Callable[..., Any]:
    """Keep what refers to the row of `table` that a text names."""
    column = Review.product_id if table is Product else Review.author_id

    async def read(db: AsyncSession, text: str) -> ColumnElement[bool]:
        try:
            key = int(text)
        except ValueError:
            key = 0
        if key not in IDS or await db.get(table, key) is None:
            raise FormError(forms.ModelChoiceField.default_error_messages["invalid_choice"])
        return column == key

    return read


async def _rating(_: AsyncSession, text: str) -> ColumnElement[bool]:
    number = forms.DecimalField().clean(text)
    return Review.rating == int(number) if abs(number) < 10 else false()


def _ordering(text: str) -> list[UnaryExpression[Any] | Any]:
    """The known fields in `text`, with the primary key last, so that equal rows keep their order."""
    asked = [term.strip() for term in text.split(",")]
    known = [term for term in asked if term.removeprefix("-") in ORDERING_FIELDS]
    columns = [_column(term) for term in known]
    return [*columns, Review.id] if columns else [*DEFAULT_ORDERING]


def _column(term: str) -> UnaryExpression[Any]:
    column = ORDERING_FIELDS[term.removeprefix("-")]
    return column.desc() if term.startswith("-") else column.asc()
