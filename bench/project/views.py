"""The views that are timed. They are synchronous, as nearly all Django views are."""

import os
import time
from typing import Any

import httpx
from django.http import HttpRequest, JsonResponse

from bench.project.models import Product
from bench.supplier import NAMES, supplier_url

ROWS = 20
WAIT_SECONDS = 0.020

# Conventional for careful synchronous code: one client for the process, connections kept alive, and
# room for every thread of the pool, so that the comparison with the service is not one of handshakes.
_suppliers = httpx.Client(
    limits=httpx.Limits(max_connections=None, max_keepalive_connections=None), timeout=30, trust_env=False
)


def small_json(_request: HttpRequest) -> JsonResponse:
    """Return a constant: what is timed is everything around the view."""
    return JsonResponse({"message": "Hello, world", "items": [1, 2, 3]})


def worker(_request: HttpRequest) -> JsonResponse:
    """Return which process answers."""
    return JsonResponse({"pid": os.getpid()})


def orm(_request: HttpRequest) -> JsonResponse:
    """Read 20 rows as model instances and return them."""
    products = [
        {
            "sku": product.sku,
            "name": product.name,
            "price": str(product.price),
            "available": product.available,
            "created": product.created.isoformat(),
        }
        for product in Product.objects.all()[:ROWS]
    ]
    return JsonResponse({"products": products})


def wait(_request: HttpRequest) -> JsonResponse:
    """Block the thread for 20 ms, as a query or a call to a neighbour does."""
    time.sleep(WAIT_SECONDS)
    return JsonResponse({"waited_ms": 20})


def quotes(_request: HttpRequest, sku: str) -> JsonResponse:
    """Ask three suppliers, one after another."""
    offers: list[dict[str, Any]] = []
    for name in NAMES:
        response = _suppliers.get(supplier_url(name, sku))
        response.raise_for_status()
        offers.append(response.json())
    return JsonResponse({"sku": sku, "offers": offers})
