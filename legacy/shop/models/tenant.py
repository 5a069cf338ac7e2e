"""The shops that share this site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from .catalogue import Category

if TYPE_CHECKING:
    from rest_framework.request import Request


class Tenant(models.Model):
    """A shop with its own name and, if it wants, only one category to sell."""

    slug = models.SlugField(_("slug"), unique=True, help_text=_("The value of the X-Tenant header."))
    name = models.CharField(_("name"), max_length=80)
    only_category = models.ForeignKey(
        Category,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("only category"),
        help_text=_("Leave empty to sell everything."),
    )

    class Meta:
        ordering = ("slug",)
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")

    def __str__(self) -> str:
        return self.name

    @classmethod
    def main(cls) -> Self:
        """Return the shop of callers who name none. It sells everything and has no row."""
        return cls(slug="", name=settings.SHOP_NAME)

    @classmethod
    def of(cls, request: HttpRequest | Request) -> Tenant:
        """Return the request's shop, as TenantMiddleware found it."""
        return getattr(request, "tenant", None) or cls.main()
