"""A page that looks for news gets 304 while there are none, renews no session, and is in no count."""

from collections import defaultdict
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.sessions.models import Session
from django.test import RequestFactory

from gateway.admin import polling
from gateway.admin.pages import FRAGMENTS, SECONDS
from gateway.admin.polling import Fragments, unseen
from gateway.clock import SYSTEM
from gateway.control.transitions import promote
from gateway.stats.traffic import ROUTE, UNCOUNTED, Traffic
from tests.control.conftest import make_route

pytestmark = pytest.mark.django_db

NEWS = ["/admin/gateway_control/route/news/", "/admin/gateway_control/route/catalog/change/news/"]


@pytest.mark.parametrize("url", NEWS)
def test_nothing_new_is_not_sent_again(admin_client, toml, url):
    first = admin_client.get(url)
    again = admin_client.get(url, headers={"If-None-Match": first["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_time_that_passes_is_no_news(admin_client, toml, monkeypatch, now):
    promote(make_route(name="catalog"), who="ana", to="shadow")
    first = admin_client.get(NEWS[1])
    FRAGMENTS.clear()
    monkeypatch.setattr("gateway.admin.pages.utc_now", lambda: now + timedelta(seconds=5))
    assert admin_client.get(NEWS[1], headers={"If-None-Match": first["ETag"]}).status_code == 304


@pytest.mark.parametrize("url", NEWS)
def test_a_change_is_sent(admin_client, toml, url):
    first = admin_client.get(url)
    promote(make_route(name="catalog"), who="ana", to="shadow")
    FRAGMENTS.clear()
    again = admin_client.get(url, headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 200
    assert "ana" in again.content.decode()


def test_the_page_has_the_etag_of_its_own_part(admin_client, toml):
    page = admin_client.get("/admin/gateway_control/route/").content.decode()
    etag = admin_client.get(NEWS[0])["ETag"]
    assert f'data-etag="{etag.replace(chr(34), "&quot;")}"' in page


@pytest.mark.parametrize("url", NEWS)
def test_no_session_is_renewed(admin_client, toml, settings, url):
    settings.SESSION_SAVE_EVERY_REQUEST = True
    admin_client.get("/admin/")
    before = Session.objects.get().expire_date
    response = admin_client.get(url)
    assert response.status_code == 200
    assert "sessionid" not in response.cookies
    assert Session.objects.get().expire_date == before
    assert "Cookie" in response["Vary"]


def test_whoever_was_logged_out_gets_nothing(staff, toml):
    client = staff("view_route")
    client.logout()
    assert client.get(NEWS[0]).status_code == 302


def test_languages_do_not_share_what_was_made(admin_client, toml):
    english = admin_client.get(NEWS[0], headers={"Accept-Language": "en"})
    greek = admin_client.get(NEWS[0], headers={"Accept-Language": "el"})
    assert english["ETag"] != greek["ETag"]


def test_a_look_for_news_is_counted_nowhere():
    request = RequestFactory().get("/")
    request.scope = {}
    unseen(request)
    traffic = Traffic()
    traffic["legacy", "GET", request.scope[ROUTE]].requests += 1
    assert request.scope[ROUTE] == UNCOUNTED
    assert traffic == {}


def test_each_look_at_a_route_finds_what_is_new(admin_client, toml, monkeypatch):
    """What is kept for other open pages is older than their last look."""
    first = admin_client.get(NEWS[1])
    now = SYSTEM.monotonic()
    promote(make_route(name="catalog"), who="ana", to="shadow")
    monkeypatch.setattr("gateway.admin.polling.SYSTEM", SimpleNamespace(monotonic=lambda: now + SECONDS))
    assert admin_client.get(NEWS[1])["ETag"] != first["ETag"]


def test_what_is_shown_is_made_once_for_all_open_pages():
    made = []
    fragments = Fragments()
    first, again = (fragments.get(("page",), lambda: made.append(1) or "html") for _ in range(2))
    assert first is again
    assert made == [1]


# -- what open pages may take ----------------------------------------------------------------------


class OpenPages:
    """Pages that are open for so many seconds, each of which polls every few. What each making takes is said, and what
    all of them took is counted."""

    def __init__(self, monkeypatch, takes: float) -> None:
        self.now, self.spent, self.takes = 1000.0, 0.0, takes
        self.made: dict[str, list[float]] = defaultdict(list)
        self.fragments = Fragments(lambda: self.spent)
        monkeypatch.setattr("gateway.admin.polling.SYSTEM", SimpleNamespace(monotonic=lambda: self.now))

    def make(self, page: str) -> str:
        self.spent += self.takes
        self.made[page].append(self.now)
        return f"{page} {self.now}"

    def poll(self, pages: dict[str, float], seconds: float) -> None:
        due = {page: self.now + number / 100 for number, page in enumerate(pages)}
        end = self.now + seconds
        while (page := min(due, key=due.__getitem__)) and due[page] < end:
            self.now = due[page]
            due[page] += pages[page]
            self.fragments.get((page,), lambda page=page: self.make(page), fresh=pages[page] - 1)


def test_open_pages_take_less_than_a_hundredth_of_a_processor_however_many_they_are(monkeypatch):
    pages = OpenPages(monkeypatch, takes=0.05)
    each = {f"page {number}": 5.0 for number in range(10)}
    pages.poll(each, 5)
    before = pages.spent
    pages.poll(each, 600)
    assert 0.4 < 100 * (pages.spent - before) / 600 < 1
    times = [len(made) for made in pages.made.values()]
    assert max(times) - min(times) <= 1  # none of them waits longer than others


def test_a_page_that_is_closed_holds_up_no_other(monkeypatch):
    pages = OpenPages(monkeypatch, takes=0.05)
    pages.poll({"closed": 5.0, "open": 5.0}, 16)
    pages.poll({"open": 5.0}, 100)
    assert len([made for made in pages.made["open"] if made > 1016]) >= 8


def test_one_page_alone_has_each_looks_news(monkeypatch):
    pages = OpenPages(monkeypatch, takes=0.03)
    pages.poll({"route": 5.0}, 60)
    assert len(pages.made["route"]) == 12


def test_while_one_is_made_the_others_get_what_is_kept(monkeypatch):
    pages = OpenPages(monkeypatch, takes=0.0)
    first = pages.fragments.get(("a",), lambda: "old")
    pages.now += 60

    def slow() -> str:
        found.append(pages.fragments.get(("a",), lambda: "never", fresh=1.0))
        return "new"

    found: list[object] = []
    assert pages.fragments.get(("a",), slow, fresh=1.0).html == "new"
    assert found == [first]


def test_so_many_parts_of_pages_are_kept_and_no_more(monkeypatch):
    monkeypatch.setattr(polling, "MOST", 2)
    made: list[str] = []
    fragments = Fragments()
    for key in ("a", "b", "a", "c", "c", "a"):
        fragments.get((key,), lambda key=key: made.append(key) or key)
    assert made == ["a", "b", "c", "a"]
