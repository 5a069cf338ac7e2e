"""The e-mail that confirms an order: the shop's own template, with what is at hand instead of three queries."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils.translation import gettext

from legacy.accounts.models import User
from legacy.shop.models import Order, OrderLine

__all__ = ["send_confirmation"]


class Confirmed:
    """An order as the template reads it: `order.lines.all` are the lines that have just been written."""

    def __init__(self, order: Order, lines: Sequence[OrderLine]) -> None:
        self.customer: User = order.customer
        self.address = order.address
        self.total = order.total
        self.lines = {"all": lines}
        self._name = str(order)

    def __str__(self) -> str:
        return self._name


def send_confirmation(order: Order, lines: Sequence[OrderLine]) -> None:
    """Tell the customer that the order has arrived, in the language of the request."""
    subject = gettext("Your order %(number)s") % {"number": order}
    body = render_to_string("shop/text/order_confirmation.txt", {"order": Confirmed(order, lines)})
    send_mail(subject, body, None, [order.customer.email])
