"""The back office."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from legacy.accounts.models import User
from legacy.conftest import MakeProduct
from legacy.shop.checkout import place_order
from legacy.shop.models import Order, Product, Tenant

pytestmark = pytest.mark.long

MODELS = (
    "accounts/user",
    "shop/category",
    "shop/order",
    "shop/product",
    "shop/review",
    "shop/tenant",
)


@pytest.fixture
def order(ada: User, atlas: Product) -> Order:
    """Ada's order of three atlases."""
    return place_order(ada, {atlas.pk: 3}, tenant=Tenant.main(), address="Ermou 12")


def act(admin_client: Client, model: str, action: str, *pks: int) -> str:
    """Run an action on the change list and return the page it leads to."""
    chosen = {"action": action, "_selected_action": pks}
    return admin_client.post(f"/admin/shop/{model}/", chosen, follow=True).content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_every_change_list_opens_and_searches(admin_client: Client, order: Order, model: str) -> None:
    assert admin_client.get(f"/admin/{model}/").status_code == 200
    assert admin_client.get(f"/admin/{model}/?q=a").status_code == 200


@pytest.mark.parametrize("model", [model for model in MODELS if model != "shop/order"])
def test_every_add_form_opens(admin_client: Client, model: str) -> None:
    assert admin_client.get(f"/admin/{model}/add/").status_code == 200


def test_customers_have_no_business_here(as_ada: Client) -> None:
    assert as_ada.get("/admin/").status_code == 302


@pytest.mark.parametrize(("level", "found"), [("none", "Kite"), ("low", "Ball"), ("enough", "Atlas")])
def test_products_are_filtered_by_stock(
    admin_client: Client, make_product: MakeProduct, level: str, found: str
) -> None:
    for name, stock in (("Kite", 0), ("Ball", 3), ("Atlas", 10)):
        make_product(name, stock=stock)
    page = admin_client.get(f"/admin/shop/product/?stock={level}").content.decode()
    assert {name for name in ("Kite", "Ball", "Atlas") if f">{name}<" in page} == {found}


def test_products_are_withdrawn_and_offered(admin_client: Client, atlas: Product) -> None:
    act(admin_client, "product", "deactivate", atlas.pk)
    assert not Product.objects.get().is_active
    act(admin_client, "product", "activate", atlas.pk)
    assert Product.objects.get().is_active


def test_stock_is_added(admin_client: Client, make_product: MakeProduct) -> None:
    products = [make_product("Atlas"), make_product("Kite", stock=0)]
    page = act(admin_client, "product", "restock", *(product.pk for product in products))
    assert "2 products were changed." in page
    assert set(Product.objects.values_list("stock", flat=True)) == {10, 20}


def test_a_picture_is_uploaded_on_the_products_page(admin_client: Client, atlas: Product, pixel: bytes) -> None:
    form = {
        "category": atlas.category_id,
        "sku": "T-1",
        "name": "Atlas",
        "slug": "atlas",
        "price": "20",
        "stock": 1,
        "images-TOTAL_FORMS": 1,
        "images-INITIAL_FORMS": 0,
        "images-0-position": 0,
        "images-0-image": SimpleUploadedFile("cover.png", pixel),
    }
    assert admin_client.post(f"/admin/shop/product/{atlas.pk}/change/", form).status_code == 302
    assert atlas.images.count() == 1


def test_orders_are_paid_and_shipped_in_that_order(admin_client: Client, order: Order) -> None:
    act(admin_client, "order", "mark_shipped", order.pk)
    assert Order.objects.get().status == Order.Status.NEW
    act(admin_client, "order", "mark_paid", order.pk)
    act(admin_client, "order", "mark_shipped", order.pk)
    assert Order.objects.get().status == Order.Status.SHIPPED


def test_cancelling_orders_returns_their_products(admin_client: Client, order: Order, atlas: Product) -> None:
    assert "1 order was changed." in act(admin_client, "order", "cancel", order.pk)
    assert Product.objects.get(pk=atlas.pk).stock == 10


def test_what_cannot_be_cancelled_is_left_alone(admin_client: Client, order: Order) -> None:
    Order.objects.update(status=Order.Status.PAID)
    assert "0 orders were changed." in act(admin_client, "order", "cancel", order.pk)


def test_an_order_shows_its_lines_but_does_not_change_them(admin_client: Client, order: Order) -> None:
    page = admin_client.get(f"/admin/shop/order/{order.pk}/change/").content.decode()
    assert "Atlas" in page
    assert 'name="lines-0-quantity"' not in page


def test_actions_need_permission(client: Client, clerk: User, order: Order) -> None:
    client.force_login(clerk)  # sees orders, does not change them
    act(client, "order", "mark_paid", order.pk)
    assert Order.objects.get().status == Order.Status.NEW
