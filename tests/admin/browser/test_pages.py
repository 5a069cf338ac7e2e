"""Every page of the section, in light and dark, on a phone, by keyboard alone, and while news arrive."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.utils import quote

from tests.admin.browser.shop import DIFFERENCE, LONG_NAME
from tests.admin.browser.staff import Staff

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.timeout(180)]

PHONE = {"viewport": {"width": 360, "height": 740}}
PAGES = {
    "overview": "",
    "canary": "reviews/change/",
    "shadow": "orders/change/",
    "difference": f"orders/change/differences/{DIFFERENCE}/",
    "endpoints": "endpoints/",
    "endpoint": "endpoints/one/?endpoint=GET%20/api/products/",
    "why": "explain/?method=GET&path=/api/reviews/",
}
GRAVE = {"serious", "critical"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault_of_accessibility(staff, screenshots, scheme):
    from axe_playwright_python.sync_playwright import Axe

    olga: Staff = staff("olga", color_scheme=scheme)
    found: dict[str, Any] = {}
    rules = {"runOnly": ["color-contrast"]} if scheme == "dark" else None  # only colours are different there

    def examined(name: str) -> None:
        olga.look(screenshots, f"{name}-{scheme}")
        faults = Axe().run(olga.page, options=rules).response["violations"]
        found.update({f"{name}: {one['id']}": one["nodes"][0]["html"] for one in faults if one["impact"] in GRAVE})

    for name, path in PAGES.items():
        assert olga.open(path).status == 200
        examined(name)
    olga.open(PAGES["shadow"])
    olga.move("promote", "it is time", to="live")
    olga.page.locator("#gw-refusal:focus").wait_for()
    examined("refused")
    olga.move("record", "for a replay")
    olga.sees("gateway record --fetch")
    examined("recorded")
    assert found == {}


@pytest.mark.parametrize(("language", "scheme"), [("en-GB", "light"), ("el", "dark")])
def test_on_a_phone_nothing_scrolls_sideways(staff, screenshots, language, scheme):
    olga: Staff = staff("olga", locale=language, color_scheme=scheme, **PHONE)
    for name, path in (PAGES | {"long name": f"{quote(LONG_NAME)}/change/"}).items():
        olga.open(path)
        assert olga.page.evaluate("document.documentElement.lang").startswith(language[:2])
        olga.look(screenshots, f"{name}-phone-{language[:2]}-{scheme}")
        assert olga.page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), name


def test_times_are_in_the_readers_zone_and_form(staff):
    olga: Staff = staff("olga", timezone_id="Pacific/Kiritimati")  # 14 hours ahead of UTC
    olga.open("reviews/change/")
    shown = olga.page.locator("#gw-audit time").first
    there = olga.page.evaluate(
        "at => new Intl.DateTimeFormat('en-GB', {dateStyle: 'short', timeStyle: 'medium'}).format(new Date(at))",
        shown.get_attribute("datetime"),
    )
    assert shown.inner_text() == there
    assert re.match(r"\d\d/\d\d/\d{4}, \d\d:\d\d:\d\d$", there)  # not as in the United States
    assert "EET" in (shown.get_attribute("title") or "")  # as the server has it
    hour = olga.page.locator("#gw-latency [data-hour]").first
    form = "{weekday: 'short', hour: 'numeric', minute: '2-digit'}"
    there = olga.page.evaluate(
        f"at => new Intl.DateTimeFormat('en-GB', {form}).format(new Date(at))", hour.get_attribute("data-hour")
    )
    assert hour.text_content() == there


def test_who_was_logged_out_keeps_the_page(staff):
    olga: Staff = staff("olga")
    olga.open()
    olga.page.context.clear_cookies()
    with olga.page.expect_event("requestfinished", lambda request: "/login/" in request.url):
        olga.page.evaluate(
            "document.dispatchEvent(new Event('visibilitychange'))"
        )  # as when the tab comes to the front
    olga.page.wait_for_timeout(100)
    assert olga.page.locator("#gw-part-board").count() == 1
    assert olga.page.locator("[name=password]").count() == 0


# -- by keyboard -----------------------------------------------------------------------------------

FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const ours = document.getElementById("gateway-admin").contains(one);
  const outlined = style.outlineStyle !== "none" && parseInt(style.outlineWidth) > 1;
  return {id: one.id, seen: outlined || !ours};
}"""


def test_a_route_is_promoted_by_keyboard_alone(staff):
    olga: Staff = staff("olga")
    olga.open("reviews/change/")
    keys = olga.page.keyboard
    tab_to(olga, "gw-promote-to")
    tab_to(olga, "gw-promote-why")
    keys.type("by keyboard")
    keys.press("Enter")
    olga.sees("olga promoted")
    assert olga.page.locator("[aria-current=step]").inner_text() == "canary 50 %"


def tab_to(olga: Staff, wanted: str) -> None:
    """Press Tab until the element with that id has the focus, which is seen wherever it is."""
    for _ in range(80):
        olga.page.keyboard.press("Tab")
        focused = olga.page.evaluate(FOCUSED)
        assert focused["seen"], focused
        if focused["id"] == wanted:
            return
    raise AssertionError(f"Tab never reaches {wanted}")


# -- news ------------------------------------------------------------------------------------------


def test_news_leave_alone_what_somebody_does(staff):
    olga, other = staff("olga"), staff("olga")
    olga.open("orders/change/")
    page = olga.page
    page.fill("#gw-promote-why", "half a sen")
    page.click("#gw-latency-numbers summary")
    page.evaluate("document.querySelector('#gw-latency-numbers .gw-high').scrollTop = 50")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.gw-lead'))")
    page.evaluate("document.querySelector('#gw-errors-numbers summary').focus({focusVisible: true})")  # it has no id
    kept = """() => [
      document.activeElement === document.querySelector("#gw-errors-numbers summary"),
      document.getElementById("gw-latency-numbers").open,
      document.querySelector("#gw-latency-numbers .gw-high").scrollTop,
      getSelection().toString(),
      document.getElementById("gw-promote-why").value,
    ]"""
    before = page.evaluate(kept)
    assert page.locator("#gw-moved").is_hidden()

    other.open("orders/change/")
    other.page.click("#gw-pause summary")
    other.move("pause", "not today")
    page.locator("#gw-audit").get_by_text("not today").wait_for()
    assert (
        page.evaluate(kept)
        == before
        == [True, True, 50, "Legacy answers everybody, the service is compared", "half a sen"]
    )
    assert page.locator("#gw-moved").is_visible()  # what the form offers may not fit any more


def test_the_focus_goes_with_what_moves_to_another_column(staff):
    olga, other = staff("olga"), staff("olga")
    olga.open()
    olga.page.focus("#gw-link-cart")
    other.open("cart/change/")
    other.move("rollback", "a stocktaking", to="shadow")
    other.sees("olga rolled back")
    olga.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    olga.page.locator("#gw-column-shadow #gw-link-cart").wait_for()
    assert olga.page.locator("#gw-link-cart:focus").count() == 1


def test_the_focus_stays_near_when_its_element_goes(staff):
    olga, other = staff("olga"), staff("olga")
    olga.open("orders/change/")
    olga.page.focus(f"#gw-settle-{DIFFERENCE}")
    other.open(f"orders/change/differences/{DIFFERENCE}/")
    other.move("resolve", "mended", release="2026.12.1")
    olga.page.locator("#gw-differences").get_by_text("None is open.").wait_for()
    assert olga.page.locator("#gw-differences:focus").count() == 1
