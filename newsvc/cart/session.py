"""The cart of the caller's session."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from gateway.bridge import DjangoRequest, Session
from legacy.shop.cart import Cart
from legacy.shop.models import Tenant

__all__ = ["SessionCart"]


async def _cart(session: Session, request: DjangoRequest) -> Cart:
    return Cart(session, Tenant.of(request))


# Django's SessionMiddleware saves what is changed, and sets the cookie, once the endpoint has answered.
SessionCart = Annotated[Cart, Depends(_cart)]
