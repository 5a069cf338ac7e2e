"""The contract: what is asked, and the few places where the moved endpoint answers differently, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SERVICES, GATEWAY = "services", "gateway"

# Why an answer is allowed to differ.
ALONE = "alone, the service says no in its own words; through the gateway Django answers"
OTHER_PAGE = "DRF's page for browsers shows the endpoint's name and text; the service's are its own"
AMBIGUOUS = "the gateway refuses a path that another reading would send elsewhere"

# The gateway adds two headers of its own.
IGNORED_HEADERS = {"x-request-id", "x-served-by"}


@dataclass(frozen=True, slots=True)
class Difference:
    """Another answer than Django's, on purpose: its status, and the reason."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Case:
    """A request, the status of Django's answer, and who answers differently."""

    path: str
    status: int = 200
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    differs: Mapping[str, Difference] = field(default_factory=dict)
    other_headers: frozenset[str] = frozenset()  # those a service alone, or without middleware, can't know

    def __str__(self) -> str:
        shown = self.path if len(self.path) < 60 else f"{self.path[:40]}…"
        return " ".join([self.method, shown, *(f"[{name}: {value}]" for name, value in self.headers.items())])


def alone(status: int) -> dict[str, Difference]:
    """The services by themselves answer with `status`."""
    return {SERVICES: Difference(status, ALONE)}


def moved(status: int, reason: str) -> dict[str, Difference]:
    """The moved endpoint answers with `status`, alone and through the gateway."""
    return {SERVICES: Difference(status, reason), GATEWAY: Difference(status, reason)}


ALLOW = frozenset({"allow"})
LIST = "/api/products/"
ONE = "/api/products/1/"
REVIEWS = "/api/reviews/"
QUOTES = "/api/quotes/1/"
HUGE_ID = "9" * 5000  # more digits than Python converts

SAME = [
    # pages
    Case(LIST),
    Case(f"{LIST}?page=2"),
    Case(f"{LIST}?page=last"),
    Case(f"{LIST}?page=3&page_size=7"),
    Case(f"{LIST}?page=2&page_size=7&z=1&a=%CE%BB&a=2&empty="),
    Case(f"{LIST}?page_size=100"),
    Case(f"{LIST}?page_size=1000"),
    Case(f"{LIST}?page_size=0"),
    Case(f"{LIST}?page_size=-1"),
    Case(f"{LIST}?page_size=many"),
    Case(f"{LIST}?page="),
    Case(f"{LIST}?page=1&page=2"),
    Case(f"{LIST}?page=0", 404),
    Case(f"{LIST}?page=99", 404),
    Case(f"{LIST}?page=two", 404),
    Case(f"{LIST}?page=1.0", 404),
    Case(f"{LIST}?page=-1", 404),
    Case(f"{LIST}?page=%D9%A2"),  # an Arabic two
    # filters
    Case(f"{LIST}?category=toys"),
    Case(f"{LIST}?category=nothing"),
    Case(f"{LIST}?category="),
    Case(f"{LIST}?price_min=10&price_max=20.00"),
    Case(f"{LIST}?price_min=1e1"),
    Case(f"{LIST}?price_min=%20%2012%20"),
    Case(f"{LIST}?price_min=&price_max="),
    Case(f"{LIST}?in_stock=true"),
    Case(f"{LIST}?in_stock=False"),
    Case(f"{LIST}?in_stock=perhaps"),
    Case(f"{LIST}?in_stock=1&category=books&search=atlas&ordering=-price"),
    Case(f"{LIST}?unknown=1"),
    Case(f"{LIST}?price_min=cheap", 400),
    Case(f"{LIST}?price_min=cheap&price_max=dear&page=99", 400),
    Case(f"{LIST}?price_min=NaN", 400),
    Case(f"{LIST}?price_min=1e60", 400),
    Case(f"{LIST}?category=a%00", 400),
    # search
    Case(f"{LIST}?search=atlas"),
    Case(f"{LIST}?search=SEAS"),
    Case(f"{LIST}?search=atlas,seas%20%20all"),
    Case(f"{LIST}?search=%22all%20the%20seas%22"),
    Case(f"{LIST}?search='unfinished"),
    Case(f"{LIST}?search=%25"),
    Case(f"{LIST}?search=%CE%BB%CF%8D%CF%87%CE%BD%CE%BF%CF%82"),
    Case(f"{LIST}?search="),
    Case(f"{LIST}?search=%FF"),
    Case(f"{LIST}?search=a%00b", 400),
    # order
    Case(f"{LIST}?ordering=price"),
    Case(f"{LIST}?ordering=-price,name"),
    Case(f"{LIST}?ordering=%20-created%20,price"),
    Case(f"{LIST}?ordering=created,nonsense"),
    Case(f"{LIST}?ordering=stock"),
    Case(f"{LIST}?ordering=--price"),
    Case(f"{LIST}?ordering="),
    # one product
    Case(ONE),
    Case("/api/products/2/"),
    Case("/api/products/3/"),
    Case("/api/products/001/"),
    Case(f"{ONE}?category=books"),
    Case(f"{ONE}?category=toys", 404),
    Case(f"{ONE}?price_max=x", 400),
    Case("/api/products/99999/", 404),
    Case("/api/products/0/", 404),
    Case("/api/products/99999999999999999999999999/", 404),
    Case("/api/products/40/", 404),  # withdrawn
    # another shop
    Case(LIST, headers={"X-Tenant": "toys"}),
    Case(ONE, 404, headers={"X-Tenant": "toys"}),
    Case(LIST, 404, headers={"X-Tenant": "nobody"}),
    Case(LIST, 404, headers={"X-Tenant": ""}),
    Case(f"{LIST}?price_min=x", 404, headers={"X-Tenant": "nobody"}),
    # reviews
    Case(REVIEWS),
    Case(f"{REVIEWS}?page=2&page_size=3"),
    Case(f"{REVIEWS}?page=last&page_size=2"),
    Case(f"{REVIEWS}?page=99", 404),
    Case(f"{REVIEWS}?product=1"),
    Case(f"{REVIEWS}?product=%201%20"),
    Case(f"{REVIEWS}?product="),
    Case(f"{REVIEWS}?product=40"),  # withdrawn
    Case(f"{REVIEWS}?product=1&author=2&rating=3"),
    Case(f"{REVIEWS}?rating=4.0"),
    Case(f"{REVIEWS}?rating=4.9"),
    Case(f"{REVIEWS}?rating=-1"),
    Case(f"{REVIEWS}?rating=1e50"),
    Case(f"{REVIEWS}?rating=%20", 400),
    Case(f"{REVIEWS}?product=0", 400),
    Case(f"{REVIEWS}?product=99999999999999999999", 400),
    Case(f"{REVIEWS}?product=one", 400),
    Case(f"{REVIEWS}?author=99999", 400),
    Case(f"{REVIEWS}?rating=many", 400),
    Case(f"{REVIEWS}?rating=NaN", 400),
    Case(f"{REVIEWS}?rating=NaN&product=x&author=1.0", 400),
    Case(f"{REVIEWS}?ordering=rating"),
    Case(f"{REVIEWS}?ordering=-rating,created"),
    Case(f"{REVIEWS}?ordering=-rating,%20-created%20,title"),
    Case(f"{REVIEWS}?ordering=id"),
    Case(f"{REVIEWS}?ordering=--rating"),
    Case(f"{REVIEWS}?search=Fine"),
    Case(REVIEWS, headers={"X-Tenant": "toys"}),
    Case(REVIEWS, 404, headers={"X-Tenant": "nobody"}),
    Case(REVIEWS, headers={"Accept-Language": "el"}),
    Case(f"{REVIEWS}?product=x&rating=y", 400, headers={"Accept-Language": "el"}),
    Case(REVIEWS, 406, headers={"Accept": "application/xml"}),
    Case(REVIEWS, 403, headers={"Authorization": "Token none"}),
    Case(REVIEWS, method="HEAD"),
    # quotes, apart from the suppliers themselves; without DRF around them, only a 405 names the allowed methods
    Case("/api/quotes/99999/", 404, other_headers=ALLOW),
    Case("/api/quotes/40/", 404, other_headers=ALLOW),
    Case(QUOTES, 404, headers={"X-Tenant": "toys"}, other_headers=ALLOW),
    # the same address under another name
    Case(f"{LIST}?page=2&page_size=7", headers={"Host": "localhost:8000"}),
    Case("/api/products/2/", headers={"Host": "127.0.0.1"}),
    # what a client may accept
    Case(LIST, headers={"Accept": "application/json"}),
    Case(LIST, headers={"Accept": "application/json;q=0.5, */*;q=0.1"}),
    Case(f"{LIST}?format=json"),
    Case(f"{LIST}?format=xml", 404),
    Case(LIST, 406, headers={"Accept": "application/xml"}),
    # another language
    Case(LIST, headers={"Accept-Language": "el"}),
    Case(f"{LIST}?page=99", 404, headers={"Accept-Language": "el"}),
    Case(f"{LIST}?price_min=x", 400, headers={"Accept-Language": "el"}),
    Case("/api/products/99999/", 404, headers={"Accept-Language": "el"}),
    Case(LIST, 404, headers={"X-Tenant": "nobody", "Accept-Language": "el"}),
    # methods and slashes
    Case(LIST, method="HEAD"),
    Case(ONE, method="HEAD"),
    Case(f"{ONE}?price_max=x", 400, method="HEAD"),
    Case("/api/products/1", 301),
    Case("/api/products?page=2", 301),
    Case("/api/products", 301),
    # somebody else
    Case(LIST, 403, headers={"Authorization": "Token none"}),
    Case(LIST, 403, headers={"Authorization": "Token a b"}),
    Case(LIST, headers={"Authorization": "Bearer none"}),
    Case(LIST, headers={"Cookie": "sessionid=unknown"}),
]

DIFFERENT = [
    Case("/api/products/abc/", 404, differs=alone(404)),
    Case(LIST, method="OPTIONS", differs=alone(200)),
    Case(QUOTES, method="OPTIONS", differs=alone(405)),
    Case(LIST, 403, method="POST", other_headers=ALLOW),
    Case(ONE, 403, method="PUT", other_headers=ALLOW),
    Case(ONE, 403, method="DELETE", other_headers=ALLOW),
    Case(LIST, 405, method="PURGE", other_headers=ALLOW),
    Case(QUOTES, 405, method="POST", other_headers=ALLOW),
    Case(
        "/api/products//",
        404,
        differs={GATEWAY: Difference(400, AMBIGUOUS)},
    ),
    Case("/api/products/1.5/", 404),
    Case("/api/products/+1/", 200, differs=alone(404)),
    Case("/api/products/%D9%A1/", 200, differs=alone(404)),  # an Arabic one
    Case("/api/products/-1/", 404, differs=alone(404)),
    Case("/api/quotes/abc/", 404, differs=alone(404)),
    Case(LIST, 200, headers={"Accept": "text/html"}, differs=moved(200, OTHER_PAGE)),
    Case(f"/api/products/{HUGE_ID}/", 404, differs=alone(404)),
]
