"""A member of staff takes a route up and back in a browser, with callers asking meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.admin.browser.shop import UNFOLD, Shop
from tests.admin.browser.staff import SECTION, Staff

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def themed(seeded: Path) -> Iterator[Shop]:
    """The shop with django-unfold."""
    with Shop(seeded, seeded.with_name("themed"), UNFOLD) as shop:
        yield shop


def test_routes_go_up_and_back(staff, shop, themed):
    """Under a strict policy, in an AdminSite of the project's own, and under django-unfold: step by step in all three,
    since each step takes a while to be seen."""
    walks = [
        (staff("olga"), "products"),
        (staff("olga", site="backstage"), "product"),
        (staff("olga", url=themed.url), "products"),
    ]
    with shop.asked("/api/products/", "/api/products/7/"), themed.asked("/api/products/"):
        for step in (shadowed, refused_for_a_difference, accepted, in_canary, rolled_back):
            for olga, route in walks:
                step(olga, route)


def shadowed(olga: Staff, route: str) -> None:
    """From the index to the route's page, and to shadow."""
    olga.page.get_by_role("link", name="Migration").first.click()
    olga.page.locator(f"#gw-link-{route}").click()
    olga.move("promote", "compare first", to="shadow")
    olga.sees("olga promoted")
    assert olga.page.locator("[aria-current=step]").inner_text() == "shadow"


def refused_for_a_difference(olga: Staff, _: str) -> None:
    """What differs appears on the open page; the next step is refused, with the reason, and what was typed stays."""
    olga.sees("price changed, string → number")
    olga.move("promote", "it looks good", to="canary:1")
    refusal = olga.page.get_by_role("alert")
    assert "1 breaking difference is open" in refusal.inner_text()
    assert olga.page.locator("#gw-promote [name=why]").input_value() == "it looks good"


def accepted(olga: Staff, _: str) -> None:
    """The difference is accepted until a day, with a reason."""
    olga.page.get_by_role("link", name="Accept or resolve").click()
    olga.page.locator("#gw-accept [name=until]").fill(f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}")
    olga.move("accept", "the apps read both")
    olga.sees("olga accepted")
    assert "None is open." in olga.page.locator("#gw-differences").inner_text()


def in_canary(olga: Staff, _: str) -> None:
    """Once enough was compared, half of the callers get the service; the numbers move on the open page."""
    olga.sees("ready for canary at 1 %")
    olga.move("promote", "half of them", to="canary:1", weight="50")
    assert olga.page.locator("[aria-current=step]").inner_text() == "canary 50 %"
    first = answered(olga, lambda number: number > 0)
    assert answered(olga, lambda number: number > first) > first


def answered(olga: Staff, enough: Callable[[int], bool]) -> int:
    """How many requests the service has answered, as the open page says, once that is enough."""
    shown = olga.page.locator("[data-metric=errors] td:last-child")
    while not enough(number := int(re.findall(r"[\d,]+", shown.inner_text())[0].replace(",", ""))):
        olga.page.wait_for_timeout(250)
    return number


def rolled_back(olga: Staff, _: str) -> None:
    """Back at once. Who did what, and why, is in the audit trail."""
    olga.move("rollback", "that is enough", to="legacy")
    olga.sees("olga rolled back")
    assert olga.page.locator("[aria-current=step]").inner_text() == "legacy"
    rows = olga.page.locator("#gw-audit tbody tr").all_inner_texts()
    assert [row.split("\t")[-1] for row in rows] == ["that is enough", "half of them", "compare first"]
    assert all("olga" in row for row in rows)


def test_who_may_only_look_cannot_move_a_route(staff, shop):
    victor: Staff = staff("victor")
    assert victor.open("reviews/change/").status == 200
    assert "canary 25 %" in victor.page.locator("[aria-current=step]").inner_text()
    assert victor.page.locator("#gateway-admin form[method=post]").count() == 0
    token = next(one["value"] for one in victor.page.context.cookies() if one["name"] == "csrftoken")
    form = {"verb": "rollback", "to": "legacy", "why": "I can", "csrfmiddlewaretoken": token}
    assert victor.page.request.post(victor.page.url, form=form).status == 403


def test_for_whom_the_section_is_not_it_is_not_there(staff, shop):
    nora: Staff = staff("nora")
    assert nora.page.get_by_role("link", name="Migration").count() == 0
    assert nora.page.request.get(f"{nora.admin}{SECTION}").status == 403
