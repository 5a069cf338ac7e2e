"""What a person writes for an endpoint of the demo."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.workbench.contract.budget import TrialBudget
from gateway.workbench.contract.compare import NothingClaimed, find_contracts

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def demo() -> Gateway:
    """The demo's gateway."""
    return Gateway.from_file(Path(__file__).parents[3] / "gateway.toml")


@pytest.mark.parametrize(
    "target",
    [
        "POST /api/orders/",
        "/api/orders/",
        "post /api/orders",
        "newsvc.orders.routes.place",
        "legacy.shop.api.views.OrderViewSet",
    ],
)
def test_one_endpoint(demo, target):
    [contract] = find_contracts(demo, target, TrialBudget(examples=1))
    assert [(contract.route, one.method, one.path) for one in contract.endpoints] == [
        ("orders", "POST", "/api/orders/")
    ]


def test_parameters_may_be_called_anything(demo):
    [contract] = find_contracts(demo, "GET /api/products/{pk}/", TrialBudget(examples=1))
    assert [one.path for one in contract.endpoints] == ["/api/products/{product_id:int}/"]


def test_what_is_not_claimed_is_told_at_once(demo):
    with pytest.raises(NothingClaimed, match="POST /api/orders/"):
        find_contracts(demo, "GET /api/orders/", TrialBudget())
