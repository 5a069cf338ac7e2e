"""Which of the shops on this site the caller wants, as `legacy.middleware.tenant` finds it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header

from legacy.shop.models import Tenant
from newsvc.quotes.errors import UnknownTenant

__all__ = ["TenantSlug", "find_tenant"]

TenantSlug = Annotated[str | None, Header(alias="X-Tenant", description="One of the shops; default: the main one.")]


def find_tenant(slug: str | None) -> Tenant:
    """The shop of this name, with a query only where one is named. Raises UnknownTenant."""
    if slug is None:
        return Tenant.main()
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        raise UnknownTenant
    return tenant
