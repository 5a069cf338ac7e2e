"""E-mails to customers."""

from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from .models import Order


def send_order_confirmation(order_pk: int) -> None:
    """Tell the customer that the order has arrived, in the language of the request."""
    order = Order.objects.select_related("customer").prefetch_related("lines").get(pk=order_pk)
    subject = _("Your order %(number)s") % {"number": order}
    body = render_to_string("shop/text/order_confirmation.txt", {"order": order})
    send_mail(subject, body, None, [order.customer.email])
