"""The service's endpoint."""

from __future__ import annotations

from typing import cast

from django.utils.translation import gettext
from fastapi import APIRouter, Depends
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.views import APIView

from gateway.bridge import DjangoRequest
from gateway.bridge.drf.credentials import DRFUser, drf
from gateway.bridge.drf.route import DRFRoute
from legacy.accounts.models import User
from legacy.shop.api.throttling import WriteThrottle
from legacy.shop.models import Tenant
from newsvc.cart.session import SessionCart
from newsvc.errors import ErrorBody, InvalidBody
from newsvc.orders.placing import place_order
from newsvc.orders.schemas import OrderIn, OrderOut

__all__ = ["router"]

router = APIRouter(
    prefix="/api/orders",
    tags=["orders"],
    route_class=DRFRoute,
    dependencies=[
        Depends(
            drf(permissions=[IsAuthenticated], throttles=[*APIView.throttle_classes, WriteThrottle]),
        )
    ],
)


@router.post(
    "/",
    status_code=201,
    responses={400: {"model": InvalidBody}, 403: {"model": ErrorBody}, 409: {"model": InvalidBody}},
)
def place(order: OrderIn, customer: DRFUser, cart: SessionCart, request: DjangoRequest) -> OrderOut:
    """Order products, or the cart, which is empty then. 409 when there is not enough of something.

    A plain `def`: the transaction, its locks and the e-mail after the commit are on this request's own thread and
    connection, so they need nothing of us.
    """
    quantities = order.quantities or cart.ordered()
    if not quantities:
        raise ValidationError({"lines": [gettext("Your cart is empty.")]})
    user = cast("User", customer)  # IsAuthenticated has let in nobody else
    placed, lines = place_order(user, quantities, tenant=Tenant.of(request), address=order.address, note=order.note)
    if not order.lines:
        cart.clear()
    return OrderOut.of(placed, lines)
