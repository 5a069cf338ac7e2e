"""Fills the shop of the browser tests: the demo's data, staff, and a month of what workers would have counted."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO

import django
import time_machine

from tests.admin.browser.shop import DIFFERENCE, RELEASE

DAYS, HOURS = 30, 48
DAY, HOUR = 86_400, 3_600
CHOSEN = random.Random(7)
# Routes with traffic: the median of both sides in seconds, and the service's share of requests.
ROUTES = {
    "reviews": (0.061, 0.038, 0.25),
    "cart": (0.034, 0.022, 1.0),
    "orders": (0.081, 0.075, 0.0),
    "quotes": (0.41, 0.09, 1.0),
}
# What is counted of the project's endpoints: method, URL pattern, requests a day; and which service has answered them
# since how many days, below which template.
COUNTED = (
    ("GET", "api/products/$", 4200, "", "", 0),
    ("GET", "api/products/(?P<pk>[^/.]+)/$", 2100, "", "", 0),
    ("GET", "api/categories/$", 900, "", "", 0),
    ("POST", "api/orders/$", 120, "", "", 0),
    ("GET", "products/", 1400, "", "", 0),
    ("GET", "api/cart/", 2600, "cart", "/api/cart/", 24),
    ("POST", "api/cart/items/", 800, "cart", "/api/cart/items/", 20),
    ("GET", "api/quotes/<int:product_pk>/", 1700, "quotes", "/api/quotes/{product_id:int}/", 9),
    ("GET", "api/reviews/$", 1500, "reviews", "/api/reviews/", 2),
)
STAFF = {
    "olga": ("view_route", "operate_route", "accept_differences", "override_evidence", "record_requests"),
    "victor": ("view_route",),
    "nora": (),
}


def seconds(median: float, number: int) -> list[float]:
    """Durations around a median, with a tail."""
    return [median * CHOSEN.lognormvariate(0, 0.45) for _ in range(number)]


def staff() -> None:
    """Those who look at the migration; the password is the name."""
    from django.contrib.auth.models import Permission

    from legacy.accounts.models import User

    for name, permissions in STAFF.items():
        user = User.objects.create_user(name, f"{name}@example.com", name, is_staff=True)
        found = Permission.objects.filter(content_type__app_label="gateway_control", codename__in=permissions)
        user.user_permissions.set([*found, Permission.objects.get(codename="view_product")])


def days(now: datetime) -> None:
    """Traffic of a month, which services took over bit by bit."""
    from gateway.control.models import EndpointDay

    today = int(now.timestamp()) // DAY * DAY
    rows = []
    for method, pattern, usual, service, template, since in COUNTED:
        for back in range(DAYS):
            day = today - back * DAY
            busy = 0.6 if day // DAY % 7 in (2, 3) else 1.0  # Saturday and Sunday
            number = int(usual * busy * CHOSEN.uniform(0.9, 1.1))
            upstream, label = (service, template) if back < since else ("legacy", pattern)
            made = tally(seconds(0.03, 200)).histogram.to_json()
            row = {"worker": "", "day": day, "key": f"{method} {pattern}"[:32], "method": method, "label": label}
            seen = datetime.fromtimestamp(min(day + DAY - 60, now.timestamp()), UTC)
            rows.append(EndpointDay(**row, upstream=upstream, requests=number, histogram=made, seen=seen))
    EndpointDay.objects.bulk_create(rows)


def hours(now: datetime) -> None:
    """Two days of each route's hours."""
    from gateway.control.models import Hour

    this = int(now.timestamp()) // HOUR * HOUR
    rows = []
    for route, (legacy, service, share) in ROUTES.items():
        for back in range(1, HOURS):
            for side, median, part in (("legacy", legacy, 1 - share), ("service", service, share)):
                if number := int(part * CHOSEN.uniform(150, 260)):
                    made = tally(seconds(median * CHOSEN.uniform(0.9, 1.15), number), errors=back % 17 == 3)
                    values = {"requests": made.requests, "errors": made.errors, "histogram": made.histogram.to_json()}
                    fallbacks = number // 40 if side == "service" and back % 11 == 0 else 0
                    rows.append(Hour(route=route, side=side, start=this - back * HOUR, fallbacks=fallbacks, **values))
    Hour.objects.bulk_create(rows)


def tally(durations: Sequence[float], *, errors: int = 0, buckets: Iterable[int] = ()):
    """The counts of these requests."""
    from gateway.stats.tally import Tally

    made = Tally(requests=len(durations), errors=errors, callers={1, 2, 3}, buckets=set(buckets))
    for one in durations:
        made.histogram.add(one)
    return made


def minutes(now: datetime) -> None:
    """What both sides, and mirrors, did a moment ago."""
    from gateway.control.store import Origin, write_counts
    from gateway.stats.tally import Mirrored

    for route, (legacy, service, share) in ROUTES.items():
        start = int(now.timestamp()) // 10 * 10 - 30
        edge = int(10_000 * share)
        noted = CHOSEN.sample(range(0, 10_000, 4), 300)
        above, below = [one for one in noted if one >= edge], [one for one in noted if one < edge]
        mirrored = "service mirrored" if not share else "service"
        tallies = {
            (route, "legacy", start): tally(seconds(legacy, int(400 * (1 - share))), buckets=above),
            (route, mirrored, start): tally(seconds(service, int(400 * (share or 1))), buckets=below),
        }
        compared = Mirrored(
            380, equal=380 - 4 * (not share), different=4 * (not share), callers={1, 2, 3}, differing={2, 3}
        )
        write_counts(
            "seed", tallies, {(route, start): compared}, origin=Origin(now - timedelta(hours=1), {route: RELEASE})
        )


def difference(now: datetime) -> None:
    """An order's total has another type."""
    from gateway.control.store import Origin, write_found
    from gateway.mirroring.difference_log import Example, FoundGroup

    shown = Example("/api/orders/", "/total", '"148.90"', "148.9", now.timestamp())
    values = {"kind": "type", "severity": "breaking", "summary": "type of /total changed, string → number", "count": 4}
    group = FoundGroup("orders", "POST /api/orders/", DIFFERENCE, pointer="/total", examples=(shown,), **values)
    write_found([group], {}, now, origin=Origin(now - timedelta(hours=1), {"orders": RELEASE}))


def moves(now: datetime) -> None:
    """Who has moved the routes."""
    from gateway.config.files import find_or_fail, load
    from gateway.control import transitions

    routes = {route.name: route for route in load(find_or_fail()).routes}
    for route, who, to, why, days_ago in (
        ("quotes", "ada", "live", "nothing differed for two weeks", 9),
        ("orders", "grace", "shadow", "compare first", 3),
        ("reviews", "ada", "canary", "a quarter of the readers", 1.2),
    ):
        weight = 25.0 if to == "canary" else None
        with time_machine.travel(now - timedelta(days=days_ago)):
            transitions.promote(routes[route], who=who, why=why, to=to, weight=weight, anyway=True)


def main() -> None:
    """All of it."""
    django.setup()
    from django.core.management import call_command
    from django.db import transaction

    call_command("migrate", verbosity=0)
    now = datetime.now(UTC)
    with transaction.atomic():
        call_command("load_demo", verbosity=0, stdout=StringIO())
        staff()
        for fill in (days, hours, moves, minutes, difference):
            fill(now)


if __name__ == "__main__":
    main()
