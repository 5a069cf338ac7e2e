"""Registers the app with Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ShopConfig(AppConfig):
    """Products, reviews and orders."""

    name = "legacy.shop"
    verbose_name = _("Shop")
