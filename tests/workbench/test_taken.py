"""Every command that concerns what a route claims names the project's URLs that it takes over."""

from __future__ import annotations

import json
import textwrap

import pytest

pytestmark = pytest.mark.long

URLCONF = """
from django.http import HttpResponse
from django.urls import path, re_path


def view(request, **_):
    return HttpResponse()


urlpatterns = [
    path("api/articles/", view, name="articles"),
    path("api/articles/feed/", view, name="feed"),
    re_path(r"^api/articles/(?P<slug>[^/.]+)/$", view, name="article"),
    path("api/articles/<slug:slug>/comments/", view, name="comments"),
    path("api/authors/<int:pk>/", view, name="author"),
    path("about/", view, name="about"),
]
"""
SERVICE = """
from fastapi import FastAPI

app = FastAPI()


@app.get("/api/articles/")
@app.get("/api/articles/{slug}/")
@app.delete("/api/articles/{slug}/")
def article() -> None: ...
"""


@pytest.fixture
def articles(here, monkeypatch, settings):
    """Write gateway.toml with these keys of the route "articles"."""
    (here / "taken_urls.py").write_text(URLCONF)
    (here / "taken_service.py").write_text(SERVICE)
    monkeypatch.syspath_prepend(str(here))
    settings.ROOT_URLCONF = "taken_urls"

    def write(keys=""):
        (here / "gateway.toml").write_text(
            textwrap.dedent(f"""
            [legacy]
            settings = "legacy.settings"
            [services.articles]
            app = "taken_service:app"
            middleware = "none"
            [[routes]]
            name = "articles"
            prefix = "/api/articles"
            service = "articles"
            stage = "shadow"
            {keys}
            """)
        )

    return write


def taken(invoke, command="routes"):
    [route] = json.loads(invoke(command, "--json").stdout)["routes"]
    return {url["name"]: url["methods"] for url in route["takes_over"]}


@pytest.mark.parametrize("command", ["routes", "check"])
def test_the_urls_that_a_route_takes_over_are_named_with_their_methods(invoke, articles, command):
    articles()
    assert taken(invoke, command) == {"articles": ["GET", "HEAD"], "article": ["DELETE", "GET", "HEAD"]}


def test_what_is_excluded_is_given_back(invoke, articles):
    articles('exclude = ["/api/articles"]')
    assert taken(invoke) == {"article": ["DELETE", "GET", "HEAD"]}
    articles('exclude = ["/api/articles/{slug}/"]')
    assert taken(invoke) == {"articles": ["GET", "HEAD"]}


def test_of_a_claim_on_everything_all_are(invoke, articles):
    articles('claim = "all"')
    assert set(taken(invoke)) == {"articles", "article", "comments"}
    articles('claim = "all"\nexclude = ["/api/articles/{slug}/comments/"]')
    assert set(taken(invoke)) == {"articles", "article"}


@pytest.mark.parametrize("command", [["routes", "--verbose"], ["check"]])
def test_a_reader_is_shown_them(invoke, articles, command):
    articles()
    assert "GET, HEAD api/articles/ (articles)" in invoke(*command).stdout


def test_a_promotion_that_gives_callers_to_the_service_says_so(invoke, articles):
    articles()
    stdout = invoke("promote", "articles", "--anyway", "--why", "tested").stdout
    assert "It takes over DELETE, GET, HEAD ^api/articles/(?P<slug>[^/.]+)/$ (article)" in stdout
    assert "(feed)" not in stdout


def test_it_says_which_of_their_methods_were_not_compared(invoke, articles):
    articles()
    promote = ["promote", "articles", "--anyway", "--why", "tested"]
    assert "  DELETE of it was not compared: `methods` in [routes.mirror]" in invoke(*promote).stdout
    invoke("rollback", "articles")
    articles('mirror = { methods = ["GET", "DELETE"] }\n[mirror]\ndatabase = "scratch"')
    assert "not compared" not in invoke(*promote).stdout


def test_a_wrong_exclusion_is_a_problem(invoke, articles):
    articles('exclude = ["api/articles/"]')
    result = invoke("check")
    assert result.exit_code == 3
    assert "routes[articles].exclude" in result.stderr
