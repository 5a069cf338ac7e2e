"""A recorded request as both sides of a replay get it: by a user of the copy, and otherwise as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.urls import path
from django.views import View
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.views import APIView

from gateway import Gateway
from gateway.workbench.corpus import Case, User
from gateway.workbench.replay.asker import Asker, CaseSkipped, Prepared
from gateway.workbench.replay.users import CSRF

pytestmark = pytest.mark.django_db


class ByPassword(APIView):
    authentication_classes = (BasicAuthentication,)


class BySession(APIView):
    authentication_classes = (SessionAuthentication,)


urlpatterns = [
    path("api/password/", ByPassword.as_view()),
    path("api/session/", BySession.as_view()),
    path("api/page/", View.as_view()),
    path("api/function/", lambda _: None),
]
CASE = Case("/api/x/", "GET", "/api/x/")


@pytest.fixture
def prepare(settings: Any) -> Any:
    """What becomes of a case."""
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["shop.example", ".shop.test"]
    gateway = Gateway(
        {
            "legacy": {"settings": "legacy.settings", "static": False},
            "services": {"items": {"url": "http://127.0.0.1:9"}},
            "routes": [{"name": "items", "prefix": "/api", "service": "items", "claim": "all"}],
        }
    )

    def prepared(case: Case, acting: str | None = None) -> Prepared:
        return Asker(gateway, None, None, in_place=True).prepare(case, acting)  # type: ignore[arg-type] # asks nobody

    return prepared


def headers(prepared: Prepared) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in prepared.scope["headers"]}


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/elsewhere/", "no route claims it: there is no service to compare with"),
        ("/elsewhere/%2e%2e/api/x/", "the gateway itself refuses it: the path can be read in more than one way"),
    ],
)
def test_what_no_service_would_get_is_skipped(prepare, target, reason):
    with pytest.raises(CaseSkipped) as raised:
        prepare(replace(CASE, path=target))
    assert str(raised.value) == reason


@pytest.mark.parametrize(
    ("recorded", "host"),
    [
        ((("host", "www.shop.test"),), "www.shop.test"),
        ((("host", "shop.example:8000"),), "shop.example:8000"),
        ((("host", "evil.example"),), "shop.example"),
        ((("host", "a b"),), "shop.example"),
        ((), "shop.example"),
    ],
)
def test_the_host_is_the_recorded_one_where_it_is_allowed(prepare, recorded, host):
    assert headers(prepare(replace(CASE, headers=recorded)))["host"] == host


def test_headers_of_the_recorded_connection_and_caller_are_replaced_and_others_stay(prepare):
    recorded = {
        "accept": "text/html",
        "authorization": "Bearer secret",
        "connection": "close",
        "content-length": "99",
        "x-csrftoken": "old",
        "cookie": "sessionid=old; csrftoken=old; django_language=el",
    }
    found = headers(prepare(replace(CASE, method="POST", headers=tuple(recorded.items()), body=b"abc")))
    assert found == {
        "host": "shop.example",
        "accept": "text/html",
        "content-length": "3",
        "cookie": f"django_language=el; csrftoken={CSRF}",
        "x-csrftoken": CSRF,
        "referer": "http://shop.example/",
    }


@pytest.mark.parametrize("name", ["referer", "origin"])
def test_where_it_came_from_is_the_recorded_one(prepare, name):
    found = headers(prepare(replace(CASE, method="POST", headers=((name, "http://shop.example/cart/"),))))
    assert {key: found[key] for key in ("referer", "origin") if key in found} == {name: "http://shop.example/cart/"}


def test_nobody_may_have_no_cookies_at_all(prepare, settings):
    settings.CSRF_USE_SESSIONS = True
    assert "cookie" not in headers(prepare(CASE))


def test_the_token_in_a_form_is_the_one_that_is_sent(prepare):
    form = b"a=1&csrfmiddlewaretoken=old&b=2"
    found = prepare(replace(CASE, method="POST", body=form))
    assert found.body == f"a=1&csrfmiddlewaretoken={CSRF}&b=2".encode()
    assert found.sent.endswith(found.body)


@pytest.mark.parametrize(
    ("where", "forced"),
    [("password", True), ("session", False), ("page", False), ("function", False), ("only-the-service-has-it", False)],
)
def test_a_user_is_forced_on_views_that_know_no_sessions(prepare, where, forced):
    get_user_model().objects.create_user("ada", "ada@example.com")
    case = replace(CASE, path=f"/api/{where}/", user=User("user"))
    assert prepare(case).forced is forced
    assert prepare(replace(case, user=User())).forced is False
