"""From Django 6.1 on RemoteUserMiddleware reads by `get_username`: another key under ASGI than under WSGI."""

from __future__ import annotations

import pytest
from django.contrib.auth.middleware import RemoteUserMiddleware
from django.core.exceptions import ImproperlyConfigured

from gateway.legacy.remote_user import ways_of_project

PATH = "django.contrib.auth.middleware.RemoteUserMiddleware"


class OwnHeader(RemoteUserMiddleware):
    """It reads a header that clients could send, under either server."""

    header = "HTTP_X_USER"


class OwnReading(RemoteUserMiddleware):
    """It reads as it likes."""

    def get_username(self, request):
        raise NotImplementedError


@pytest.fixture(autouse=True)
def django_6_1(settings, monkeypatch):
    def get_username(self, request):
        raise NotImplementedError

    monkeypatch.setattr(RemoteUserMiddleware, "get_username", get_username, raising=False)
    settings.MIDDLEWARE = [PATH, f"{__name__}.OwnHeader", f"{__name__}.OwnReading"]
    settings.ASGI_APPLICATION = settings.WSGI_APPLICATION = None


def test_only_django_s_own_header_read_in_its_own_way_may_be_either(settings):
    settings.WSGI_APPLICATION = "mysite.wsgi.application"
    assert ways_of_project(asgi=False) == {PATH: False}


@pytest.mark.parametrize("asgi", [True, False])
def test_where_asgi_serves_the_project_it_reads_as_there(settings, asgi):
    settings.ASGI_APPLICATION = None if asgi else "mysite.asgi.application"
    assert ways_of_project(asgi=asgi) == {PATH: True}


def test_settings_for_both_are_refused_and_say_what_to_do(settings):
    settings.ASGI_APPLICATION, settings.WSGI_APPLICATION = "mysite.asgi.application", "mysite.wsgi.application"
    with pytest.raises(ImproperlyConfigured, match="where WSGI does, take ASGI_APPLICATION out of the settings"):
        ways_of_project(asgi=False)
    assert ways_of_project(asgi=True) == {PATH: True}
