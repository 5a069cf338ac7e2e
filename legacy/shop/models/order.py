"""What was bought, by whom and for how much."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .catalogue import Product

if TYPE_CHECKING:
    from legacy.accounts.models import User


class OrderQuerySet(models.QuerySet["Order"]):
    """Questions the shop asks about its orders."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the caller's own orders; staff who may view orders see all of them."""
        if user.is_staff and user.has_perm("shop.view_order"):
            return self
        return self.filter(customer_id=user.pk) if user.pk else self.none()


class Order(models.Model):
    """A purchase. Prices are copied at the time of ordering."""

    class Status(models.TextChoices):
        """Where the order stands."""

        NEW = "new", _("new")
        PAID = "paid", _("paid")
        SHIPPED = "shipped", _("shipped")
        CANCELLED = "cancelled", _("cancelled")

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders", verbose_name=_("customer")
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.NEW)
    address = models.TextField(_("address"))
    note = models.CharField(_("note"), max_length=200, blank=True)
    total = models.DecimalField(_("total"), max_digits=12, decimal_places=2, default=Decimal(0))
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False, db_index=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ("-created", "-id")
        verbose_name = _("order")
        verbose_name_plural = _("orders")

    def __str__(self) -> str:
        return f"#{self.pk}"

    def get_absolute_url(self) -> str:
        """Return the order's page."""
        return reverse("order-detail", args=[self.pk])


class OrderLine(models.Model):
    """A number of one product in an order."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", verbose_name=_("order"))
    product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="order_lines", verbose_name=_("product")
    )
    name = models.CharField(_("name"), max_length=120)
    unit_price = models.DecimalField(_("unit price"), max_digits=10, decimal_places=2)
    quantity = models.PositiveIntegerField(_("quantity"), validators=[MinValueValidator(1)])

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=["order", "product"], name="one_line_per_product"),
        ]
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")

    def __str__(self) -> str:
        return f"{self.quantity} × {self.name}"

    @property
    def total(self) -> Decimal:
        """Price of the line."""
        return self.unit_price * self.quantity
