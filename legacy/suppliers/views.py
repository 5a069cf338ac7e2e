"""The suppliers' quotes in the API."""

from typing import Any

from django.conf import settings
from django.shortcuts import get_object_or_404
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from legacy.shop.models import Product, Tenant

from .quotes import ask_all


class QuoteSerializer(serializers.Serializer[Any]):
    """A supplier's offer."""

    supplier = serializers.CharField()
    price = serializers.DecimalField(max_digits=10, decimal_places=2)
    currency = serializers.CharField()
    delivery_days = serializers.IntegerField()


class FailureSerializer(serializers.Serializer[Any]):
    """A supplier that made no offer."""

    supplier = serializers.CharField()
    reason = serializers.CharField()


class QuotesView(APIView):
    """What the suppliers ask for a product."""

    permission_classes = (AllowAny,)

    def get(self, request: Request, product_pk: int) -> Response:
        """Answer with the offers, cheapest first; 502 only if no supplier made one."""
        product = get_object_or_404(Product.objects.visible_to(Tenant.of(request)), pk=product_pk)
        quotes, failures = ask_all(settings.SUPPLIERS, product.sku, settings.SUPPLIERS_TIMEOUT)
        body = {
            "product": product.pk,
            "sku": product.sku,
            "quotes": QuoteSerializer(quotes, many=True).data,
            "unavailable": FailureSerializer(failures, many=True).data,
        }
        return Response(body, status=status.HTTP_200_OK if quotes else status.HTTP_502_BAD_GATEWAY)
