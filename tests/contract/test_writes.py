"""What is written through a moved endpoint is answered as Django does, and changes the same rows, session and mail."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from rest_framework.authtoken.models import Token
from rest_framework.throttling import SimpleRateThrottle

from legacy.accounts.models import User
from legacy.shop.cart import SESSION_KEY as CART_KEY
from legacy.shop.models import Order, OrderLine, Product, Review
from tests.contract.cases import IGNORED_HEADERS
from tests.contract.targets import Answer, Application, Django, Target
from tests.contract.test_answers import in_order
from tests.contract.writes import ITEMS, ORDERS, REVIEWS, WRITES, Write, item, order, review

pytestmark = pytest.mark.table

SECRET = "c" * 32
BACKEND = "django.contrib.auth.backends.ModelBackend"
# New with each row.
NEW = re.compile(rb'^{"id":\d+|"created":"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+0[23]:00"')


@dataclass
class Effects:
    """What a write left behind."""

    stock: dict[int, int] = field(default_factory=dict)
    orders: list[Any] = field(default_factory=list)
    reviews: list[Any] = field(default_factory=list)
    carts: list[Any] = field(default_factory=list)
    mails: list[Any] = field(default_factory=list)


@contextmanager
def undone() -> Iterator[Effects]:
    """Note what is written meanwhile, and take it back."""
    stock = dict(Product.objects.values_list("pk", "stock"))
    last = Order.objects.order_by("-pk").first()
    orders = Order.objects.filter(pk__gt=last.pk if last else 0).order_by("pk")
    known = [*Review.objects.values_list("pk", flat=True)]
    Session.objects.all().delete()
    mail.outbox.clear()
    effects = Effects()
    try:
        yield effects
        effects.stock = {pk: left for pk, left in Product.objects.values_list("pk", "stock") if left != stock[pk]}
        effects.orders = [*orders.values_list("customer", "status", "address", "note", "total")]
        lines = OrderLine.objects.filter(order__in=orders)
        effects.orders += lines.values_list("product", "name", "unit_price", "quantity")
        written = Review.objects.exclude(pk__in=known)
        effects.reviews = [*written.values_list("product", "author", "rating", "title", "text")]
        effects.carts = [row.get_decoded().get(CART_KEY) for row in Session.objects.all()]
        effects.mails = [(sent.to, re.sub(r"#\d+", "#", f"{sent.subject}\n{sent.body}")) for sent in mail.outbox]
    finally:
        orders.delete()
        Review.objects.exclude(pk__in=known).delete()
        Session.objects.all().delete()
        for pk, left in stock.items():
            Product.objects.filter(pk=pk).exclude(stock=left).update(stock=left)


def session_of(name: str, cart: Mapping[int, int]) -> str:
    """The key of a session with a cart, of somebody who is logged in."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    if name:
        user = User.objects.get(username=name)
        session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), BACKEND
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    if cart:
        session[CART_KEY] = {str(pk): quantity for pk, quantity in cart.items()}
    session.save()
    return str(session.session_key)


def credentials(write: Write) -> dict[str, str]:
    """The headers that say who it is."""
    if write.by == "token":
        return {"Authorization": f"Token {Token.objects.get(user__username=write.caller).key}"}
    if not write.caller and write.by == "session" and not write.cart:
        return {}
    cookies = f"sessionid={session_of(write.caller, write.cart)}"
    if write.by == "session without token":
        return {"Cookie": cookies}
    if write.by == "token beside a session":
        return {"Cookie": cookies} | {"Authorization": f"Token {Token.objects.get(user__username=write.caller).key}"}
    wrong = write.by == "session with a wrong token"
    return {"Cookie": f"{cookies}; csrftoken={SECRET}", "X-CSRFToken": "d" * 32 if wrong else SECRET}


def ask(target: Target, write: Write) -> Answer:
    body = write.body.encode("latin-1") if isinstance(write.body, str) else json.dumps(write.body).encode()
    headers = {**credentials(write), **write.headers}
    if body or write.method != "GET":
        headers["Content-Type"] = write.content_type
    return target.ask(write.method, write.path, headers, body)


def tried(target: Target, write: Write) -> tuple[Any, ...]:
    """What comes of it: status, body, headers, cookies and effects."""
    with undone() as effects:
        answer = ask(target, write)
    left_out = IGNORED_HEADERS | {"content-length"}  # ids grow
    headers = {name: in_order(name, value) for name, value in answer.headers.items() if name not in left_out}
    return answer.status, NEW.sub(b"new", answer.body), headers, answer.cookies, effects


@pytest.mark.parametrize("write", WRITES, ids=str)
def test_a_write_has_the_answer_and_the_effects_that_it_has_in_django(
    gateway: Application, legacy: Django, write: Write
) -> None:
    expected = tried(legacy, write)
    assert expected[0] == write.status
    assert tried(gateway, write) == expected


RATES = {"anon": None, "user": None}


@pytest.mark.parametrize(("path", "body"), [(ORDERS, order((7, 1))), (REVIEWS, review())])
@pytest.mark.parametrize("target", ["legacy", "gateway"], indirect=True)
def test_writing_has_a_rate_of_its_own(target: Target, monkeypatch: pytest.MonkeyPatch, path: str, body: Any) -> None:
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", RATES | {"write": "1/day"})
    cache.clear()
    with undone():
        answers = [ask(target, Write(path, body, 201)) for _ in range(2)]
    cache.clear()
    assert [answer.status for answer in answers] == [201, 429]


@pytest.mark.parametrize("path", [ITEMS, ORDERS, REVIEWS])
@pytest.mark.parametrize("caller", ["ada", "boss"])
def test_maintenance_closes_what_writes_too(gateway: Application, legacy: Django, path: str, caller: str) -> None:
    write = Write(path, "{", 400 if caller == "boss" else 503, caller=caller)
    settings.MAINTENANCE_FILE.touch()
    try:
        expected, answer = tried(legacy, write), tried(gateway, write)
    finally:
        settings.MAINTENANCE_FILE.unlink()
    assert expected[0] == write.status
    assert answer == expected


@pytest.mark.parametrize(
    ("path", "body", "upstream"),
    [(ITEMS, item(), "cart"), (ORDERS, order((7, 1)), "orders"), (REVIEWS, review(), "reviews")],
)
def test_the_services_answer(gateway: Application, path: str, body: Any, upstream: str) -> None:
    with undone():
        assert ask(gateway, Write(path, body, 201)).headers["x-served-by"] == upstream


def crowd(gateway: Application, path: str, body: Any, number: int) -> list[int]:
    """So many at the same time."""
    headers = [credentials(Write(path, body, 201)) for _ in range(number)]

    async def work() -> list[int]:
        async with gateway.client() as client:
            answers = await asyncio.gather(*(client.post(path, json=body, headers=header) for header in headers))
            return sorted(answer.status_code for answer in answers)

    return gateway.run(work())


def test_a_crowd_buys_no_more_than_there_is(gateway: Application) -> None:
    """Ten customers want one of three."""
    with undone() as effects:
        assert crowd(gateway, ORDERS, order((7, 1)), 10) == [201] * 3 + [409] * 7
    assert effects.stock == {7: 0}
    assert len(effects.mails) == 3


def test_an_impatient_customer_writes_one_review(gateway: Application) -> None:
    with undone() as effects:
        assert crowd(gateway, REVIEWS, review(), 10) == [201] + [400] * 9
    assert len(effects.reviews) == 1


def test_an_order_that_fails_half_way_leaves_nothing(gateway: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(OrderLine.objects, "bulk_create", fail)
    with undone() as effects:
        answer = ask(gateway, Write(ORDERS, order((7, 1)), 500, cart={7: 1}))
    assert answer.status == 500
    assert effects == Effects(carts=[{"7": 1}])


def test_a_mail_server_that_is_away_costs_no_order(gateway: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsvc.orders.confirmation.send_mail", lambda *_: 1 / 0)
    with undone() as effects:
        assert ask(gateway, Write(ORDERS, order((7, 1)), 201)).status == 201
    assert effects.stock == {7: 2}
    assert effects.mails == []
