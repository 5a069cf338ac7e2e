"""What is sold: categories, products and their images."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Self

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from .tenant import Tenant


class CategoryQuerySet(models.QuerySet["Category"]):
    """Questions the shop asks about its categories."""

    def visible_to(self, tenant: Tenant) -> Self:
        """Keep the shop's own category, if it has one."""
        return self if tenant.only_category_id is None else self.filter(pk=tenant.only_category_id)

    def with_product_counts(self) -> Self:
        """Add `product_count`: how many products are offered."""
        return self.annotate(product_count=models.Count("products", filter=models.Q(products__is_active=True)))


class Category(models.Model):
    """A shelf of the shop."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    slug = models.SlugField(_("slug"), max_length=80, unique=True)
    description = models.TextField(_("description"), blank=True)

    objects = CategoryQuerySet.as_manager()

    # Set by CategoryQuerySet.with_product_counts().
    product_count: int

    class Meta:
        ordering = ("name", "id")
        verbose_name = _("category")
        verbose_name_plural = _("categories")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the product list of this category."""
        return f"{reverse('product-list')}?category={self.slug}"


class ProductQuerySet(models.QuerySet["Product"]):
    """Questions the shop asks about its products."""

    def visible_to(self, tenant: Tenant) -> Self:
        """Keep what this shop sells: active products, of its own category if it has one."""
        products = self.filter(is_active=True)
        if tenant.only_category_id is not None:
            products = products.filter(category_id=tenant.only_category_id)
        return products

    def with_ratings(self) -> Self:
        """Add `rating_average` (None without reviews) and `rating_count`.

        Subqueries, not a join: the page's 20 rows are rated, not the whole table.
        """
        from .review import Review

        of_product = Review.objects.filter(product=models.OuterRef("pk")).order_by().values("product")
        average = of_product.annotate(value=models.Avg("rating")).values("value")
        count = of_product.annotate(value=models.Count("pk")).values("value")
        return self.annotate(
            rating_average=models.Subquery(average, output_field=models.FloatField()),
            rating_count=Coalesce(models.Subquery(count, output_field=models.IntegerField()), 0),
        )


class Product(models.Model):
    """Something that can be bought."""

    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, related_name="products", verbose_name=_("category")
    )
    sku = models.CharField(_("SKU"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("slug"), max_length=140, unique=True)
    description = models.TextField(_("description"), blank=True)
    price = models.DecimalField(
        _("price"), max_digits=10, decimal_places=2, validators=[MinValueValidator(Decimal("0.01"))]
    )
    stock = models.PositiveIntegerField(_("stock"), default=0)
    is_active = models.BooleanField(_("active"), default=True)
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects = ProductQuerySet.as_manager()

    # Set by ProductQuerySet.with_ratings().
    rating_average: float | None
    rating_count: int

    class Meta:
        ordering = ("name", "id")
        indexes = [
            models.Index(fields=["name", "id"]),
            models.Index(fields=["price", "id"]),
            models.Index(fields=["created", "id"]),
        ]
        verbose_name = _("product")
        verbose_name_plural = _("products")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the product's page."""
        return reverse("product-detail", args=[self.slug])

    def is_visible_to(self, tenant: Tenant) -> bool:
        """Whether this shop sells it: ProductQuerySet.visible_to() for a row that is at hand."""
        return self.is_active and tenant.only_category_id in {None, self.category_id}

    @property
    def in_stock(self) -> bool:
        """Whether at least one can be sold now."""
        return self.stock > 0


class ProductImage(models.Model):
    """A picture of a product."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="images", verbose_name=_("product"))
    image = models.ImageField(_("image"), upload_to="products/")
    alt = models.CharField(_("alternative text"), max_length=120, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        ordering = ("position", "id")
        verbose_name = _("product image")
        verbose_name_plural = _("product images")

    def __str__(self) -> str:
        return self.alt or str(self.image)
