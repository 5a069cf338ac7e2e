"""What is written, by whom, and the status of Django's answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CART, ITEMS, ORDERS, REVIEWS = "/api/cart/", "/api/cart/items/", "/api/orders/", "/api/reviews/"


@dataclass(frozen=True, slots=True)
class Write:
    """A request that means to change something.

    `caller`: nobody, or a name, which is by a session with a CSRF token unless `by` says otherwise. `body` is JSON
    unless it is text. `cart` is in the session beforehand: pieces by product id.
    """

    path: str
    body: Any
    status: int
    caller: str = "ada"
    by: str = "session"
    method: str = "POST"
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    cart: Mapping[int, int] = field(default_factory=dict)

    def __str__(self) -> str:
        who = f"{self.caller or 'nobody'} by {self.by}"
        more = [f"[{name}: {value}]" for name, value in self.headers.items()]
        return " ".join([self.method, self.path, str(self.status), who, str(self.body)[:80], *more])


def item(**changes: Any) -> dict[str, Any]:
    """Something for the cart."""
    return {"product": 5, "quantity": 2} | changes


def order(*lines: Any, **changes: Any) -> dict[str, Any]:
    """An order of `(product, quantity)` pairs."""
    found = [{"product": line[0], "quantity": line[1]} if isinstance(line, tuple) else line for line in lines]
    return {"address": "Ermou 12", "lines": found} | changes


def review(**changes: Any) -> dict[str, Any]:
    """A valid review."""
    return {"product": 5, "rating": 4, "title": "Good", "text": "Heavy."} | changes


def without(name: str, body: dict[str, Any]) -> dict[str, Any]:
    """All but one field."""
    return {key: value for key, value in body.items() if key != name}


GREEK = {"Accept-Language": "el"}
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"

# Who may: for each of the three, the body that would be accepted and its status.
VALID = {ITEMS: (item(), 201), ORDERS: (order((7, 1)), 201), REVIEWS: (review(), 201)}
CALLERS = [
    write
    for path, (body, status) in VALID.items()
    for write in (
        Write(path, body, status),
        Write(path, body, status, by="token"),
        Write(path, body, 403, by="session without token"),
        Write(path, body, 403, by="session with a wrong token"),
        Write(path, body, 403, by="token beside a session"),
        Write(path, body, status if path == ITEMS else 403, caller=""),
        Write(path, body, status if path == ITEMS else 403, caller="", by="session without token"),
        Write(path, body, status if path == ITEMS else 403, caller="gone"),
        Write(path, body, 403, caller="gone", by="token"),
        Write(path, body, status, caller="boss"),
        Write(path, body, 403, caller="", headers={"Authorization": "Token unknown"}),
        Write(path, body, 403, caller="", headers={"Authorization": "Token"}),
        Write(path, body, 403, caller="", headers=GREEK | {"Authorization": "Token unknown"}),
        Write(path, body, 404, headers={"X-Tenant": "nobody"}),
        Write(path, body, 406, headers={"Accept": "application/xml"}),
        Write(f"{path}?format=xml", body, 404),
        Write(path, "{", 403, by="session without token"),
    )
]

# What is no body at all.
BODIES = [
    write
    for path in VALID
    for write in (
        Write(path, "{", 400),
        Write(path, "{", 400, headers=GREEK),
        Write(path, "", 400),
        Write(path, {}, 400),
        Write(path, {}, 400, headers=GREEK),
        Write(path, [], 400),
        Write(path, "null", 400),
        Write(path, "7", 400),
        Write(path, '"text"', 400),
        Write(path, "\xff", 400),
        Write(path, "NaN", 400),
        Write(path, "{}", 415, content_type="text/plain"),
        Write(path, "{}", 415, content_type="application/xml"),
        Write(path, "", 400, content_type=FORM),
        Write(path, "nonsense", 400, content_type=MULTIPART),
        Write(path, "{}", 400, content_type="application/json; charset=utf-16"),
    )
]

KEYS = (404, 0, -1, "5", " 5 ", "five", "", None, True, 5.0, 5.5, [5], {"id": 5}, 10**30)

CARTS = [
    Write(ITEMS, item(), 201, cart={5: 98}),
    Write(ITEMS, item(), 201, cart={1: 1, 5: 1}),
    Write(ITEMS, without("quantity", item()), 201),
    Write(ITEMS, item(more="than asked"), 201),
    Write(ITEMS, item(), 201, headers=GREEK),
    Write(ITEMS, item(product=3), 201, headers={"X-Tenant": "toys"}),
    Write(ITEMS, item(), 400, headers={"X-Tenant": "toys"}),
    Write(ITEMS, item(product=40), 400),
    Write(ITEMS, item(product=40, quantity=0), 400, headers=GREEK),
    *(Write(ITEMS, item(product=key), 201 if key in {"5", " 5 ", 5.0, 5.5} else 400) for key in KEYS[:6]),
    *(Write(ITEMS, item(product=key), 201 if key in (5.0, 5.5) else 400) for key in KEYS[6:]),
    *(Write(ITEMS, item(quantity=number), 201) for number in (1, 99, "7", 2.0, "2.0", " 3 ")),
    *(Write(ITEMS, item(quantity=number), 400) for number in (0, 100, -1, "", "two", None, 1.5, [1], {}, "9" * 1001)),
    Write(ITEMS, item(quantity=0, product="five"), 400),
    Write(ITEMS, "product=5&quantity=3", 201, content_type=FORM),
    Write(ITEMS, "product=5&quantity=", 201, content_type=FORM),
    Write(ITEMS, "product=&quantity=1", 400, content_type=FORM),
    Write(ITEMS, "product=4&product=5", 201, content_type=FORM),
    Write(
        ITEMS, '--x\r\nContent-Disposition: form-data; name="product"\r\n\r\n5\r\n--x--', 201, content_type=MULTIPART
    ),
    Write(CART, "", 200, method="GET", cart={5: 2, 40: 1, 6: 1}),
    Write(CART, "", 200, method="GET", cart={5: 2, 3: 1}, headers={"X-Tenant": "toys"}),
    Write(CART, "", 200, method="GET", caller=""),
    Write(CART, "", 200, method="GET", by="token"),
    Write(CART, {}, 405),
]

ORDERINGS = [
    Write(ORDERS, order((7, 3)), 201),
    Write(ORDERS, order((7, 1), (6, 2), (7, 1)), 201),
    Write(ORDERS, order((7, 1), note="Ring twice"), 201),
    Write(ORDERS, order((7, 1), note="", address="  Ermou 12  \n"), 201),
    Write(ORDERS, order((7, 1), total="0.01", status="paid", customer=2, created="2020-01-01"), 201),
    Write(ORDERS, order((7, 1)), 201, headers=GREEK),
    Write(ORDERS, order((3, 1)), 201, headers={"X-Tenant": "toys"}),
    Write(ORDERS, order((7, 1)), 409, headers={"X-Tenant": "toys"}),
    Write(ORDERS, order((7, 4)), 409),
    Write(ORDERS, order((7, 2), (7, 2)), 409),
    Write(ORDERS, order((7, 1), (4, 1), (6, 3), (40, 1)), 409),
    Write(ORDERS, order((4, 1)), 409, headers=GREEK),
    # the cart
    Write(ORDERS, {"address": "Ermou 12"}, 201, cart={7: 1, 6: 2}),
    Write(ORDERS, order((7, 1)), 201, cart={6: 2}),
    Write(ORDERS, {"address": "Ermou 12"}, 409, cart={7: 9}),
    Write(ORDERS, {"address": "Ermou 12"}, 201, cart={7: 1, 40: 1}),
    Write(ORDERS, {"address": "Ermou 12"}, 400),
    Write(ORDERS, {"address": "Ermou 12"}, 400, headers=GREEK),
    Write(ORDERS, {"address": "Ermou 12"}, 400, by="token"),
    Write(ORDERS, {"address": "Ermou 12"}, 400, cart={40: 1}),
    Write(ORDERS, {"address": ""}, 400, cart={7: 1}),
    # fields
    Write(ORDERS, without("address", order((7, 1))), 400),
    *(Write(ORDERS, order((7, 1), address=text), 400) for text in ("", "  ", None, True, ["x"], {}, "a\0b")),
    *(Write(ORDERS, order((7, 1), address=text), 201) for text in (12, 1.5, "<b>", "λ" * 1000)),
    *(Write(ORDERS, order((7, 1), note=text), 400) for text in (None, False, [], "x" * 201, "\0")),
    Write(ORDERS, order((7, 1), note="x" * 200), 201),
    *(Write(ORDERS, order(lines=lines), 400) for lines in ([], None, {}, "7", 7, [7], [None], [[]], [{}])),
    Write(ORDERS, order((7, 1), (404, 1), (7, 1), (None, 0)), 400),
    Write(ORDERS, order((7, 1), 7, {"product": 7}, {"quantity": 100}), 400),
    Write(ORDERS, order((404, "x"), address="", note=None), 400),
    Write(ORDERS, order((404, "x"), address="", note=None), 400, headers=GREEK),
    *(Write(ORDERS, order((key, 1)), 400) for key in (404, "seven", None, True, [7])),
    *(Write(ORDERS, order((7, number)), 400) for number in (0, 100, -1, None, "x", 1.5, 10**12)),
    # forms
    Write(ORDERS, "address=Ermou+12&lines[0]product=7&lines[0]quantity=1&lines[1]product=6&lines[1]quantity=1", 201,
          content_type=FORM),
    Write(ORDERS, "address=Ermou+12&lines[0]product=7&lines[0]quantity=0", 400, content_type=FORM),
    Write(ORDERS, "address=Ermou+12&note=", 201, content_type=FORM, cart={7: 1}),
]  # fmt: skip

REVIEWINGS = [
    Write(REVIEWS, without("text", review()), 201),
    Write(REVIEWS, review(text=""), 201),
    Write(REVIEWS, review(author=2, id=1, created="2020-01-01"), 201),
    Write(REVIEWS, review(title="  Λύχνος ", text=" \u2028 “x” </p>\n"), 201),
    Write(REVIEWS, review(), 201, headers=GREEK),
    Write(REVIEWS, review(product=3), 201, headers={"X-Tenant": "toys"}),
    Write(REVIEWS, review(), 400, headers={"X-Tenant": "toys"}),
    Write(REVIEWS, review(product=1), 400),
    Write(REVIEWS, review(product=1), 400, headers=GREEK),
    Write(REVIEWS, review(product=40), 400),
    Write(REVIEWS, review(product=40), 400, headers=GREEK),
    *(Write(REVIEWS, review(product=key), 201 if key in {"5", " 5 "} else 400) for key in KEYS[:6]),
    *(Write(REVIEWS, review(product=key), 201 if key in (5.0, 5.5) else 400) for key in KEYS[6:]),
    *(Write(REVIEWS, review(rating=number), 201) for number in (1, 5, "3", 2.0)),
    *(Write(REVIEWS, review(rating=number), 400) for number in (0, 6, None, "", "x", 1.5, [], 10**12)),
    *(Write(REVIEWS, review(title=text), 400) for text in ("", " ", None, True, [], {}, "x" * 121, "\0")),
    *(Write(REVIEWS, review(text=text), 400) for text in (None, False, {}, "\0")),
    Write(REVIEWS, review(rating=0, title="", text=None, product="five"), 400),
    Write(REVIEWS, review(rating=0, title="", text=None, product="five"), 400, headers=GREEK),
    Write(REVIEWS, review(rating=0, product=404), 400),
    Write(REVIEWS, review(title="", product=40), 400),
    Write(REVIEWS, {"product": 404}, 400),
    Write(REVIEWS, {"product": 40, "text": None}, 400, headers=GREEK),
    Write(REVIEWS, review(rating="x", title="", product=5), 400, headers={"X-Tenant": "toys"}),
    Write(REVIEWS, "product=5&rating=4&title=Good", 201, content_type=FORM),
    Write(REVIEWS, "product=5&rating=4&title=Good&text=", 201, content_type=FORM),
    Write(REVIEWS, "product=5&rating=&title=", 400, content_type=FORM),
]

WRITES = [*CALLERS, *BODIES, *CARTS, *ORDERINGS, *REVIEWINGS]
