"""Responses of the project that fail where Django has no hand in it any more."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.support.asgi import ask, running

pytestmark = pytest.mark.anyio


class Leaking(HttpResponse):
    """It can't be closed."""

    def close(self) -> None:
        raise RuntimeError("still open")


class Unreadable(HttpResponse):
    """Its content is asked for once too often."""

    @property
    def content(self) -> bytes:
        raise RuntimeError("a secret")

    @content.setter
    def content(self, value: Any) -> None:
        """Kept nowhere."""


def leaking(request: HttpRequest) -> HttpResponse:
    return Leaking(b"text")


def unreadable(request: HttpRequest) -> HttpResponse:
    return Unreadable()


urls = ModuleType("tests_legacy_closing_urls")
urls.urlpatterns = [path("leaking/", leaking), path("unreadable/", unreadable)]  # type: ignore[attr-defined] # a URLconf
sys.modules[urls.__name__] = urls


@pytest.fixture
def site(gateway, project):
    project.ROOT_URLCONF, project.MIDDLEWARE = urls.__name__, []
    return gateway()


async def test_one_that_can_not_be_closed_is_sent_and_the_log_says_so(site, caplog):
    async with running(site) as app:
        for _ in range(2):
            found = await ask(app, "/leaking/")
            assert (found.status, found.text) == (200, "text")
    assert "cleaning up after /leaking/ failed" in caplog.text
    assert "still open" in caplog.text


async def test_one_that_can_not_be_read_is_an_error_of_its_own_request_alone(site):
    async with running(site) as app:
        for _ in range(2):
            found = await ask(app, "/unreadable/")
            assert (found.status, "secret" in found.text) == (500, False)
