"""Django's tables, as SQLAlchemy sees them. Migrations stay Django's; `tests/contract/test_tables.py` compares.

A table with `info={"part": True}` has only those of its columns that are read here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    SmallInteger,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

__all__ = ["Author", "Base", "Product", "Review", "UTCDateTime"]


class UTCDateTime(TypeDecorator[datetime]):
    """A moment, as Django stores it with USE_TZ: with its zone where the database has one, else in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From the database."""
        return value if value is None or value.tzinfo is not None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """Every table of this service."""


class Author(Base):
    """`legacy.accounts.models.User`, as other customers see it."""

    __tablename__ = "accounts_user"
    __table_args__: Any = {"info": {"part": True}}

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    username: Mapped[str] = mapped_column(String(150), unique=True)


class Product(Base):
    """`legacy.shop.models.Product`, as far as it decides who may see it."""

    __tablename__ = "shop_product"
    __table_args__: Any = {"info": {"part": True}}

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    category_id: Mapped[int] = mapped_column(BigInteger)
    is_active: Mapped[bool] = mapped_column(Boolean)


class Review(Base):
    """`legacy.shop.models.Review`."""

    __tablename__ = "shop_review"
    __table_args__ = (
        UniqueConstraint("product_id", "author_id", name="one_review_per_customer"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating_from_1_to_5"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey(Product.id))
    author_id: Mapped[int] = mapped_column(ForeignKey(Author.id))
    rating: Mapped[int] = mapped_column(SmallInteger)
    title: Mapped[str] = mapped_column(String(120))
    text: Mapped[str] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(UTCDateTime)

    product: Mapped[Product] = relationship(lazy="raise")
    author: Mapped[Author] = relationship(lazy="raise")
