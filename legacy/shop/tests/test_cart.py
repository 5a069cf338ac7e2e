"""The cart and its pages."""

from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.test import Client

from legacy.conftest import MakeProduct
from legacy.shop.cart import MAX_QUANTITY, Cart
from legacy.shop.models import Product, Tenant


def new_cart() -> Cart:
    """An empty cart of the main shop."""
    return Cart(SessionStore(), Tenant.main())


def test_adding_twice_adds_up(atlas: Product) -> None:
    cart = new_cart()
    cart.add(atlas, 2)
    cart.add(atlas)
    assert cart.quantities == {atlas.pk: 3}


def test_setting_zero_takes_the_product_out(atlas: Product) -> None:
    cart = new_cart()
    cart.add(atlas)
    cart.set(atlas.pk, 0)
    assert cart.lines == []


def test_a_quantity_has_an_upper_bound(atlas: Product) -> None:
    cart = new_cart()
    cart.add(atlas, 1000)
    assert cart.count == MAX_QUANTITY


def test_the_total_is_exact(make_product: MakeProduct) -> None:
    cart = new_cart()
    cart.add(make_product("Penny", "0.10"), 3)
    assert str(cart.total) == "0.30"


def test_prices_are_todays(atlas: Product) -> None:
    cart = new_cart()
    cart.add(atlas)
    Product.objects.update(price="25.00")
    assert str(cart.total) == "25.00"


def test_a_withdrawn_product_leaves_the_cart(atlas: Product) -> None:
    cart = new_cart()
    cart.add(atlas)
    Product.objects.update(is_active=False)
    assert cart.lines == []


def test_adding_on_the_page_says_so(client: Client, atlas: Product) -> None:
    page = client.post(f"/cart/add/{atlas.slug}/", {"quantity": 2}, follow=True)
    assert "Atlas is in your cart." in page.content.decode()


def test_every_page_shows_how_much_is_in_the_cart(client: Client, atlas: Product) -> None:
    client.post(f"/cart/add/{atlas.slug}/", {"quantity": 3})
    assert "Cart (3)" in client.get("/products/").content.decode()


def test_a_quantity_is_changed_on_the_page(client: Client, atlas: Product) -> None:
    client.post(f"/cart/add/{atlas.slug}/", {"quantity": 3})
    page = client.post(f"/cart/set/{atlas.pk}/", {"quantity": 5}, follow=True)
    assert "€ 100.00" in page.content.decode()


def test_what_is_not_a_number_changes_nothing(client: Client, atlas: Product) -> None:
    page = client.post(f"/cart/add/{atlas.slug}/", {"quantity": "many"}, follow=True)
    assert "Please enter a quantity." in page.content.decode()


def test_two_browsers_have_two_carts(atlas: Product) -> None:
    Client().post(f"/cart/add/{atlas.slug}/", {"quantity": 1})
    assert "Your cart is empty." in Client().get("/cart/").content.decode()


def test_adding_needs_a_csrf_token(atlas: Product) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(f"/cart/add/{atlas.slug}/", {"quantity": 1}).status_code == 403
