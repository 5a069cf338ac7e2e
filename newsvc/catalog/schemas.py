"""What the catalogue gives."""

from __future__ import annotations

from typing import Self

from django.http import HttpRequest
from pydantic import BaseModel

from legacy.shop.models import Category, Product, ProductImage
from newsvc.types import Moment, Money

__all__ = ["ProductDetail", "ProductSummary"]


class CategoryRef(BaseModel):
    """A category where a product mentions it."""

    id: int
    name: str
    slug: str

    @classmethod
    def of(cls, category: Category) -> Self:
        """From the row."""
        return cls(id=category.pk, name=category.name, slug=category.slug)


class Rating(BaseModel):
    """How customers rate a product: the average to two places, none without reviews."""

    average: float | None
    count: int

    @classmethod
    def of(cls, product: Product) -> Self:
        """From a row of `with_ratings()`."""
        average = product.rating_average
        return cls(average=None if average is None else round(average, 2), count=product.rating_count)


class ProductSummary(BaseModel):
    """A product in a list."""

    id: int
    sku: str
    name: str
    slug: str
    category: CategoryRef
    price: Money
    in_stock: bool
    rating: Rating
    created: Moment

    @classmethod
    def of(cls, product: Product) -> Self:
        """From a row of `with_ratings()`."""
        return cls(
            id=product.pk,
            sku=product.sku,
            name=product.name,
            slug=product.slug,
            category=CategoryRef.of(product.category),
            price=product.price,
            in_stock=product.in_stock,
            rating=Rating.of(product),
            created=product.created,
        )


class Image(BaseModel):
    """A picture of a product, with its whole URL."""

    id: int
    image: str | None
    alt: str
    position: int

    @classmethod
    def of(cls, image: ProductImage, request: HttpRequest) -> Self:
        """From the row; `request` says under which address the caller reaches us."""
        url = request.build_absolute_uri(image.image.url) if image.image else None
        return cls(id=image.pk, image=url, alt=image.alt, position=image.position)


class ProductDetail(ProductSummary):
    """A product on its own."""

    description: str
    stock: int
    images: list[Image]

    @classmethod
    def with_images(cls, product: Product, request: HttpRequest) -> Self:
        """From a row of `with_ratings()`."""
        return cls(
            **ProductSummary.of(product).__dict__,
            description=product.description,
            stock=product.stock,
            images=[Image.of(image, request) for image in product.images.all()],
        )
