"""The examples of docs/credentials.md run as they are printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from rest_framework.permissions import IsAuthenticated

from legacy.shop.api.pagination import PagePagination
from legacy.shop.api.serializers import ProductSerializer
from legacy.shop.api.throttling import WriteThrottle
from legacy.shop.api.views import ProductViewSet
from legacy.shop.filters import ProductFilter
from legacy.shop.models import Order, Product
from tests.support.asgi import ask, running

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

MANUAL = Path(__file__).parents[2] / "docs" / "credentials.md"
NAMES = {
    "IsOwner": IsAuthenticated,
    "Order": Order,
    "PagePagination": PagePagination,
    "Product": Product,
    "ProductFilter": ProductFilter,
    "ProductSerializer": ProductSerializer,
    "ProductViewSet": ProductViewSet,
    "WriteThrottle": WriteThrottle,
}

app = FastAPI()


@pytest.fixture
def examples():
    names = NAMES | {"app": app, "__name__": __name__}
    app.router.routes.clear()
    for code in re.findall(r"```python\n(.*?)```", MANUAL.read_text(), re.DOTALL):
        exec(compile(code, str(MANUAL), "exec"), names)  # noqa: S102 - it is our own
    app.include_router(names["router"])


@pytest.mark.parametrize(
    ("target", "method", "status"),
    [
        ("/orders/mine/", "GET", 403),
        ("/orders/1/cancel/", "POST", 403),
        ("/api/products/", "GET", 200),
        ("/catalogue/?search=x&ordering=-price", "GET", 200),
        ("/names/", "GET", 200),
    ],
)
async def test_the_examples_work(gateway, examples, target, method, status):
    services = {"manual": {"app": "tests.bridge.test_manual:app"}}
    async with running(
        gateway(services=services, routes=[{"name": "m", "prefix": "/", "service": "manual"}])
    ) as served:
        answer = await ask(served, target, method)
    assert (answer.status, answer["x-served-by"]) == (status, "manual")
