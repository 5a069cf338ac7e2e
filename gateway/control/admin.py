"""What Django's autodiscover finds: registers the section "Migration" of the admin.

The pages are in `gateway.admin`, which knows more than this app may. They are loaded by name, as Django loads what
INSTALLED_APPS names: the one plug-in by name in this package (docs/DESIGN.md).
"""

from __future__ import annotations

from importlib import import_module

from django.contrib import admin

from gateway.control.models import Route

__all__ = ["register"]


def register(site: admin.AdminSite) -> None:
    """Add the section to `site`. Django's own site has it already; any other needs this line:

    register(my_admin_site)
    """
    site.register(Route, import_module("gateway.admin.section").MigrationAdmin)


register(admin.site)
