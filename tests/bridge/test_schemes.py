"""Security schemes that need a library or a setting: scopes of OAuth 2, API keys, names in settings."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from django.urls import include, path
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import (
    AllowAny,
    BasePermission,
    DjangoModelPermissions,
    DjangoModelPermissionsOrAnonReadOnly,
    IsAuthenticated,
    IsAuthenticatedOrReadOnly,
)
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from gateway.bridge.drf.openapi.requirements import lets_in_anybody
from gateway.bridge.drf.openapi.schemes import Known, schemes_of_view

SCOPES = {"read": "Read", "write": "Write"}


def schemes(method: str = "GET", **attributes: Any) -> list[Known]:
    """Those of a view with these attributes, asked by `method`."""
    attributes = {"authentication_classes": [], "permission_classes": []} | attributes
    kind = type("Secured", (APIView,), {"get": lambda self, request: Response(), **attributes})
    view = kind()
    view.request = getattr(APIRequestFactory(), method.lower())("/")
    return schemes_of_view(view)


# -- django-oauth-toolkit, which is not installed: its classes have this module, and its scopes this function --------


class OAuth2Authentication(BaseAuthentication):
    def authenticate_header(self, request: Any) -> str:
        return 'Bearer realm="api"'


OAuth2Authentication.__module__ = "oauth2_provider.contrib.rest_framework"


class TokenHasScope(BasePermission):
    def get_scopes(self, request: Any, view: Any) -> Any:
        return view.required_scopes


class TokenMatchesOASRequirements(BasePermission):
    def get_required_alternate_scopes(self, request: Any, view: Any) -> Any:
        return view.required_alternate_scopes


@pytest.fixture
def toolkit(monkeypatch):
    class Backend:
        def get_all_scopes(self) -> dict[str, str]:
            return SCOPES

    module = ModuleType("oauth2_provider.scopes")
    module.get_scopes_backend = Backend  # type: ignore[attr-defined] # the function's name
    monkeypatch.setitem(sys.modules, "oauth2_provider", ModuleType("oauth2_provider"))
    monkeypatch.setitem(sys.modules, "oauth2_provider.scopes", module)

    def called() -> list[Known]:
        # A class of its own: what one means is looked up once.
        return schemes(authentication_classes=[type("OAuth2", (OAuth2Authentication,), {})])

    return called


def flows(found: list[Known]) -> Any:
    [(name, definition, _)] = found
    assert (name, definition["type"]) == ("OAuth2", "oauth2")
    return definition["flows"]


def test_scopes_and_addresses_of_oauth_2_are_the_projects(toolkit, settings, monkeypatch):
    urls = ModuleType("own_urls")
    places = [path("t/", lambda request: None, name="token"), path("a/", lambda request: None, name="authorize")]
    urls.urlpatterns = [path("oauth/", include((places, "oauth2_provider")))]  # type: ignore[attr-defined] # a URLconf
    monkeypatch.setitem(sys.modules, "own_urls", urls)
    settings.ROOT_URLCONF = "own_urls"
    token = {"tokenUrl": "/oauth/t/", "scopes": SCOPES}
    assert flows(toolkit()) == {
        "authorizationCode": {"authorizationUrl": "/oauth/a/", "refreshUrl": "/oauth/t/"} | token,
        "clientCredentials": token,
    }


def test_where_another_server_issues_tokens_its_usual_addresses_are_named(toolkit):
    assert flows(toolkit())["authorizationCode"]["authorizationUrl"] == "/o/authorize/"
    assert flows(toolkit())["clientCredentials"]["tokenUrl"] == "/o/token/"


@pytest.mark.parametrize(
    ("method", "permissions", "attributes", "scopes"),
    [
        ("GET", [TokenHasScope], {"required_scopes": ["read"]}, ("read",)),
        ("GET", [TokenMatchesOASRequirements], {"required_alternate_scopes": {"GET": [["read"], ["all"]]}}, ("read",)),
        (
            "POST",
            [TokenMatchesOASRequirements],
            {"required_alternate_scopes": {"GET": [["read"]], "POST": [["read", "write"]]}},
            ("read", "write"),
        ),
        ("GET", [TokenMatchesOASRequirements], {"required_alternate_scopes": {}}, ()),
        ("GET", [TokenHasScope], {}, ()),  # it looks for them in the request
        ("GET", [BasePermission], {}, ()),
    ],
)
def test_an_operation_asks_for_the_scopes_of_its_permissions(toolkit, method, permissions, attributes, scopes):
    classes = {"authentication_classes": [OAuth2Authentication], "permission_classes": permissions}
    assert [one.scopes for one in schemes(method, **classes, **attributes)] == [scopes]


# -- djangorestframework-api-key, which is not installed either ------------------------------------------------------


class KeyParser:
    keyword = "Key"


@pytest.mark.parametrize(
    ("custom", "definition"),
    [
        (None, {"name": "Authorization", "description": "`Key`, a space, and the key."}),
        ("HTTP_X_API_KEY", {"name": "X-Api-Key"}),
    ],
)
def test_an_api_key_is_in_the_header_that_the_settings_name(settings, custom, definition):
    settings.API_KEY_CUSTOM_HEADER = custom
    permission = type("HasKey", (BasePermission,), {"key_parser": KeyParser()})
    [found] = schemes(permission_classes=[permission])
    assert found == Known("HasKey", {"type": "apiKey", "in": "header"} | definition)


# -- what the source says --------------------------------------------------------------------------------------------


def test_a_name_may_be_a_setting(settings):
    from django.conf import settings as project

    settings.ACCESS_COOKIE, settings.ACCESS_HEADERS = "access", ["X-Access"]

    class ByCookie(BaseAuthentication):
        def authenticate(self, request: Any) -> Any:
            return request.COOKIES[settings.ACCESS_COOKIE]

    class ByOneOfSeveral(BaseAuthentication):
        def authenticate(self, request: Any) -> Any:
            return request.headers[settings.ACCESS_HEADERS] or request.headers[project.ACCESS]

    found = schemes(authentication_classes=[ByCookie, ByOneOfSeveral])
    assert found == [Known("ByCookie", {"type": "apiKey", "in": "cookie", "name": "access"})]


def test_a_class_without_source_says_what_its_header_says():
    found = type("Made", (BaseAuthentication,), {"authenticate_header": lambda self, request: "Token"})
    assert schemes(authentication_classes=[found]) == [
        Known("Made", {
            "type": "apiKey", "in": "header", "name": "Authorization",
            "description": "`Token`, a space, and the credentials.",
        })
    ]  # fmt: skip


# -- who is let in -----------------------------------------------------------------------------------------------------


class Own(BasePermission):
    """One of the project's, which may ask for anything."""


class HasKey(BasePermission):
    key_parser = KeyParser()


@pytest.mark.parametrize(
    ("permission", "reads", "writes"),
    [
        (AllowAny, True, True),
        (IsAuthenticated, False, False),
        (IsAuthenticatedOrReadOnly, True, False),
        (DjangoModelPermissions, False, False),
        (DjangoModelPermissionsOrAnonReadOnly, True, False),
        (HasKey, True, True),  # the key stands for the user
        (Own, False, False),
        (AllowAny | IsAuthenticated, False, False),  # what is made of several can't be asked
        (object, False, False),
    ],
)
def test_which_permissions_ask_for_no_user(permission, reads, writes):
    assert (lets_in_anybody(permission, "GET"), lets_in_anybody(permission, "POST")) == (reads, writes)
