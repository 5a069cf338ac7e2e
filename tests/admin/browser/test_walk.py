"""A member of staff takes a route up and back in a browser, with callers asking meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass
class Walk:
    """A route on its way, and who moves it."""

    olga: Staff
    route: str

    @property
    def stage(self) -> str:
        """Where it stands, as the page says."""
        return self.olga.page.locator("[aria-current=step]").inner_text()


def test_routes_go_up_and_back(staff, shop, themed):
    """Under a strict policy, in an AdminSite of the project's own, and under django-unfold: step by step in all three,
    since it takes a while until each step is seen."""
    walks = [
        Walk(staff("olga"), "products"),
        Walk(staff("olga", site="backstage"), "product"),
        Walk(staff("olga", url=themed.url), "products"),
    ]
    with shop.asked("/api/products/", "/api/products/7/"), themed.asked("/api/products/"):
        for step in (shadowed, refused, accepted, half_of_them, numbers_move, rolled_back):
            for walk in walks:
                step(walk)


def shadowed(walk: Walk) -> None:
    """From the index to the route's page, and to shadow."""
    walk.olga.page.get_by_role("link", name="Migration").first.click()
    walk.olga.page.locator(f"#gw-link-{walk.route}").click()
    walk.olga.move("promote", "compare first", to="shadow")
    walk.olga.sees("olga promoted")
    assert walk.stage == "shadow"


def refused(walk: Walk) -> None:
    """What differs appears on the open page; the next step is refused, with the reason, and what was typed stays."""
    walk.olga.sees("price changed, string → number")
    walk.olga.move("promote", "it looks good", to="canary:1")
    refusal = walk.olga.page.get_by_role("alert")
    assert "1 breaking difference is open" in refusal.inner_text()
    assert walk.olga.page.locator("#gw-promote [name=why]").input_value() == "it looks good"


def accepted(walk: Walk) -> None:
    """The difference is accepted until a day, with a reason."""
    walk.olga.page.get_by_role("link", name="Accept or resolve").click()
    walk.olga.page.fill("#gw-accept [name=until]", f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}")
    walk.olga.move("accept", "the apps read both")
    walk.olga.sees("olga accepted")
    assert "None is open." in walk.olga.page.locator("#gw-differences").inner_text()


def half_of_them(walk: Walk) -> None:
    """Once enough was compared, and the open page says so, half of the callers get the service."""
    walk.olga.sees("ready for canary at 1 %")
    walk.olga.move("promote", "half of them", to="canary:1", weight="50")
    walk.olga.sees("olga promoted")
    assert walk.stage == "canary 50 %"
    assert walk.olga.page.locator("[data-metric=errors] td:last-child").inner_text() == "0 / 0"


def numbers_move(walk: Walk) -> None:
    """The open page, without a reload, says how many requests both sides have answered since."""
    samples = walk.olga.page.locator("[data-metric=errors] td:last-child")
    samples.filter(has_text=re.compile(r"^[1-9]\d* / [1-9]\d*$")).wait_for()


def rolled_back(walk: Walk) -> None:
    """Back at once. Who did what, and why, is in the audit trail."""
    walk.olga.move("rollback", "that is enough", to="legacy")
    walk.olga.sees("olga rolled back")
    assert walk.stage == "legacy"
    rows = walk.olga.page.locator("#gw-audit tbody tr").all_inner_texts()
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
