"""What every page needs to know."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from .cart import Cart
from .models import Tenant


def shop(request: HttpRequest) -> dict[str, Any]:
    """Provide the shop and the cart; both lazily, as error pages may come before any session."""
    return {"tenant": Tenant.of(request), "cart": SimpleLazyObject(lambda: Cart.of(request))}
