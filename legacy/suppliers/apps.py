"""Registers the app with Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SuppliersConfig(AppConfig):
    """Quotes of suppliers."""

    name = "legacy.suppliers"
    verbose_name = _("Suppliers")
