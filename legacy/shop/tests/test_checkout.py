"""Placing and cancelling orders: stock, e-mail and who may see what."""

import threading
from smtplib import SMTPException

import pytest
from django.core import mail
from django.db import connection, transaction
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from legacy.accounts.models import User
from legacy.conftest import MakeProduct
from legacy.shop import emails
from legacy.shop.checkout import NotCancellableError, OutOfStockError, cancel_order, place_order
from legacy.shop.models import Order, Product, Tenant


def order(customer: User, quantities: dict[int, int]) -> Order:
    """Order in the main shop."""
    return place_order(customer, quantities, tenant=Tenant.main(), address="Ermou 12")


def stock(product: Product) -> int:
    """What is left now."""
    return Product.objects.values_list("stock", flat=True).get(pk=product.pk)


def test_an_order_takes_its_products_out_of_stock(ada: User, atlas: Product) -> None:
    order(ada, {atlas.pk: 3})
    assert stock(atlas) == 7


def test_an_order_keeps_the_price_of_the_day(ada: User, atlas: Product) -> None:
    placed = order(ada, {atlas.pk: 3})
    Product.objects.update(price="99.00")
    assert str(placed.lines.get().total) == "60.00"
    assert str(placed.total) == "60.00"


def test_more_than_there_is_cannot_be_ordered(ada: User, atlas: Product) -> None:
    with pytest.raises(OutOfStockError, match="Atlas: 11 wanted, 10 available"):
        order(ada, {atlas.pk: 11})


def test_one_shortage_leaves_everything_as_it_was(ada: User, make_product: MakeProduct) -> None:
    plenty, none = make_product("Atlas"), make_product("Kite", stock=0)
    with pytest.raises(OutOfStockError):
        order(ada, {plenty.pk: 1, none.pk: 1})
    assert stock(plenty) == 10
    assert not Order.objects.exists()


def test_every_shortage_is_named(ada: User, make_product: MakeProduct) -> None:
    scarce = [make_product("Atlas", stock=0), make_product("Kite", stock=1)]
    with pytest.raises(OutOfStockError) as caught:
        order(ada, {product.pk: 2 for product in scarce})
    assert [shortage.name for shortage in caught.value.shortages] == ["Atlas", "Kite"]


def test_what_is_withdrawn_cannot_be_ordered(ada: User, make_product: MakeProduct) -> None:
    with pytest.raises(OutOfStockError):
        order(ada, {make_product("Secret", is_active=False).pk: 1})


@pytest.mark.django_db(transaction=True)
def test_two_customers_cannot_buy_the_last_piece(ada: User, grace: User, make_product: MakeProduct) -> None:
    last = make_product("Last", stock=1)
    start, failures = threading.Barrier(2), []

    def buy(customer: User) -> None:
        start.wait()
        try:
            order(customer, {last.pk: 1})
        except OutOfStockError as error:
            failures.append(error)
        finally:
            connection.close()

    buyers = [threading.Thread(target=buy, args=(customer,)) for customer in (ada, grace)]
    for buyer in buyers:
        buyer.start()
    for buyer in buyers:
        buyer.join()
    assert (Order.objects.count(), len(failures), stock(last)) == (1, 1, 0)


def test_the_confirmation_is_sent_after_the_commit(
    ada: User, atlas: Product, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        placed = order(ada, {atlas.pk: 2})
        assert mail.outbox == []
    assert mail.outbox[0].to == ["ada@example.com"]
    assert mail.outbox[0].subject == f"Your order #{placed.pk}"
    assert "2 × Atlas: € 40.00" in mail.outbox[0].body


@pytest.mark.django_db(transaction=True)
def test_an_order_that_is_rolled_back_sends_nothing(ada: User, atlas: Product) -> None:
    with transaction.atomic():
        order(ada, {atlas.pk: 2})
        transaction.set_rollback(True)
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_an_order_stays_placed_when_the_mail_server_is_away(
    ada: User, atlas: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise SMTPException

    monkeypatch.setattr(emails, "send_mail", fail)
    assert order(ada, {atlas.pk: 2}).pk


def test_a_cancelled_order_returns_its_products(ada: User, atlas: Product) -> None:
    cancelled = cancel_order(order(ada, {atlas.pk: 3}))
    assert cancelled.status == Order.Status.CANCELLED
    assert stock(atlas) == 10


@pytest.mark.parametrize("status", [Order.Status.PAID, Order.Status.SHIPPED, Order.Status.CANCELLED])
def test_only_a_new_order_can_be_cancelled(ada: User, atlas: Product, status: Order.Status) -> None:
    placed = order(ada, {atlas.pk: 3})
    Order.objects.update(status=status)
    with pytest.raises(NotCancellableError):
        cancel_order(placed)
    assert stock(atlas) == 7


def test_checking_out_orders_the_cart_and_empties_it(as_ada: Client, atlas: Product) -> None:
    as_ada.post(f"/cart/add/{atlas.slug}/", {"quantity": 2})
    page = as_ada.post("/checkout/", {"address": "Ermou 12"}, follow=True)
    assert f"Your order #{Order.objects.get().pk} is placed." in page.content.decode()
    assert "Cart (0)" in page.content.decode()


def test_checking_out_suggests_the_customers_address(as_ada: Client, atlas: Product) -> None:
    as_ada.post(f"/cart/add/{atlas.slug}/", {"quantity": 2})
    assert "Ermou 12, Athens" in as_ada.get("/checkout/").content.decode()


def test_checking_out_more_than_there_is_says_what_is_missing(as_ada: Client, atlas: Product) -> None:
    as_ada.post(f"/cart/add/{atlas.slug}/", {"quantity": 11})
    page = as_ada.post("/checkout/", {"address": "Ermou 12"}, follow=True)
    assert "Atlas: 11 wanted, 10 available" in page.content.decode()


def test_an_empty_cart_cannot_be_checked_out(as_ada: Client) -> None:
    assert as_ada.get("/checkout/").headers["Location"] == "/products/"


def test_checking_out_needs_a_login(client: Client, db: None) -> None:
    assert client.get("/checkout/").headers["Location"].startswith("/accounts/login/")


def test_customers_list_their_own_orders(as_ada: Client, ada: User, grace: User, atlas: Product) -> None:
    own, other = order(ada, {atlas.pk: 1}), order(grace, {atlas.pk: 1})
    page = as_ada.get("/orders/").content.decode()
    assert own.get_absolute_url() in page
    assert other.get_absolute_url() not in page


def test_another_customers_order_does_not_exist(as_ada: Client, grace: User, atlas: Product) -> None:
    assert as_ada.get(order(grace, {atlas.pk: 1}).get_absolute_url()).status_code == 404


def test_staff_with_permission_see_every_order(client: Client, clerk: User, grace: User, atlas: Product) -> None:
    client.force_login(clerk)
    assert client.get(order(grace, {atlas.pk: 1}).get_absolute_url()).status_code == 200


def test_an_invoice_is_downloaded_as_a_file(as_ada: Client, ada: User, atlas: Product) -> None:
    placed = order(ada, {atlas.pk: 2})
    response = as_ada.get(f"/orders/{placed.pk}/invoice/")
    assert f"invoice-{placed.pk}.txt" in response.headers["Content-Disposition"]
    assert "2 × Atlas, € 20.00: € 40.00" in response.getvalue().decode()


def test_customers_cancel_their_own_orders_on_the_page(as_ada: Client, ada: User, atlas: Product) -> None:
    placed = order(ada, {atlas.pk: 1})
    page = as_ada.post(f"/orders/{placed.pk}/cancel/", follow=True)
    assert f"Your order #{placed.pk} is cancelled." in page.content.decode()


def test_a_shipped_order_says_that_it_cannot_be_cancelled(as_ada: Client, ada: User, atlas: Product) -> None:
    placed = order(ada, {atlas.pk: 1})
    Order.objects.update(status=Order.Status.SHIPPED)
    page = as_ada.post(f"/orders/{placed.pk}/cancel/", follow=True)
    assert "This order can no longer be cancelled." in page.content.decode()
