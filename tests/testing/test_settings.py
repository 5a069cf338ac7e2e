"""Every setting that the gateway reads when it is built is followed when a test changes it."""

from __future__ import annotations

from unittest import mock

import pytest
from django.conf import settings as django_settings
from django.test import Client, override_settings

from gateway.testing import GatewayClient, running

MIDDLEWARE = ["django.middleware.clickjacking.XFrameOptionsMiddleware"]


def answered(path="/echo/", **environ):
    response = GatewayClient(raise_request_exception=False).get(path, **environ)
    return response.status_code, response.headers.get("X-Frame-Options"), response.served_by


def urls():
    found = GatewayClient().get("/echo/").wsgi_request
    return found.path, found.path_info, found.META["SCRIPT_NAME"]


def site():
    return running().gateway.snapshot.site


def signs():
    return site().signer.able and site().signer.__hash__()


def legacy():
    return running().gateway.legacy


# A setting, another value, what shows it, and whether that is the value's own consequence.
FOLLOWED = {
    "FORCE_SCRIPT_NAME": ("/shop", urls, ("/shop/echo/", "/echo/", "/shop")),
    "MIDDLEWARE": (MIDDLEWARE, answered, (200, "DENY", "legacy")),
    "ROOT_URLCONF": ("legacy.urls", lambda: answered()[0], 404),
    "ALLOWED_HOSTS": (["one.example"], lambda: answered("/plain/thread/", HTTP_HOST="one.example")[0], 200),
    "DEBUG": (True, lambda: answered("/plain/thread/", HTTP_HOST="localhost")[0], 200),
    "USE_X_FORWARDED_HOST": (True, lambda: answered("/plain/thread/", HTTP_X_FORWARDED_HOST="evil.example")[0], 400),
    "SECRET_KEY": ("another", lambda: running().gateway.legacy.secrets[0], "another"),
    "SECRET_KEY_FALLBACKS": (["older"], lambda: running().gateway.legacy.secrets[1:], ["older"]),
    "SESSION_COOKIE_NAME": ("sid", lambda: (site().session_cookie, legacy().session_cookie), (b"sid", b"sid")),
    "STATIC_URL": ("/assets/", lambda: answered("/assets/admin/css/base.css")[0], 200),
    "MEDIA_URL": ("/uploads/", lambda: running().gateway.legacy._entry.static is not None, True),
    "LANGUAGE_CODE": ("el", lambda: GatewayClient().get("/language/").content, b"el"),
    "CSRF_TRUSTED_ORIGINS": (["https://a.example"], lambda: legacy().trusts_origin(b"https://a.example"), True),
    "APPEND_SLASH": (False, lambda: legacy().knows("/echo"), False),
}


@pytest.fixture(autouse=True)
def started(gateway_app):
    """Built with the settings as they were."""
    answered()


def overridden(name, value):
    return override_settings(**{name: value})


def patched(name, value):
    """Django is not told of it."""
    return mock.patch.object(django_settings, name, value)


@pytest.mark.parametrize("change", [overridden, patched])
@pytest.mark.parametrize("name", FOLLOWED)
def test_a_setting_is_followed_there_and_back(name, change):
    value, ask, expected = FOLLOWED[name]
    GatewayClient().get("/echo/")
    before = ask()
    with change(name, value):
        GatewayClient().get("/echo/")
        assert ask() == expected
    GatewayClient().get("/echo/")
    assert ask() == before


def test_a_client_that_has_asked_before_follows_too():
    client = GatewayClient()
    client.get("/echo/")
    with override_settings(FORCE_SCRIPT_NAME="/shop"):
        assert client.get("/echo/").wsgi_request.path == "/shop/echo/"
    assert client.get("/echo/").wsgi_request.path == "/echo/"


@pytest.mark.parametrize("kind", [Client, GatewayClient])
@pytest.mark.parametrize("path", ["/echo/", "/shop/echo/"])
def test_a_forced_script_name_is_what_it_is_to_djangos_client(kind, path):
    with override_settings(FORCE_SCRIPT_NAME="/shop"):
        response = kind().get(path)
    found = response.wsgi_request
    assert (found.path, found.path_info) == (f"/shop{path}", path)
    assert response.status_code == (200 if path == "/echo/" else 404)


def test_a_service_is_below_the_forced_script_name():
    with override_settings(FORCE_SCRIPT_NAME="/shop"):
        response = GatewayClient().get("/bridged/echo/")
    assert (response.served_by, response.wsgi_request.path) == ("bridged", "/shop/bridged/echo/")


def test_a_change_of_secrets_leaves_routes_where_a_test_has_put_them(override_route):
    override_route("moved", "legacy")
    with override_settings(SECRET_KEY="another"):
        GatewayClient().get("/echo/")
        assert running().gateway.snapshot.compiled["moved"].policy.state.stage == "legacy"
