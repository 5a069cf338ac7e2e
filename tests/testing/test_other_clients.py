"""Whatever calls Django in a test goes through the gateway; what has a server of its own doesn't."""

from __future__ import annotations

import json
import urllib.request
import warnings
from contextlib import closing

import httpx
import pytest
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.asgi import get_asgi_application
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.test import Client, RequestFactory
from rest_framework.test import APIClient, APIRequestFactory, RequestsClient

from gateway.testing import tally, through_gateway
from gateway.testing.environ import scope_of

with warnings.catch_warnings():  # WebOb imports cgi
    warnings.simplefilter("ignore", DeprecationWarning)
    from django_webtest import DjangoTestApp, WebTestMixin

SERVED_BY = "X-Served-By"


@pytest.fixture(autouse=True)
def through(gateway_app):
    with through_gateway():
        yield


class Mixin(WebTestMixin):
    """As django_webtest's fixtures use it."""


@pytest.fixture
def webtest():
    mixin = Mixin()
    mixin._patch_settings()
    mixin.renew_app()
    yield mixin.app
    mixin._unpatch_settings()


def by_webtest(path):
    return DjangoTestApp().get(path).headers


def by_requests(path):
    return RequestsClient().get(f"http://testserver{path}").headers


def by_httpx(path):
    with httpx.Client(transport=httpx.WSGITransport(get_wsgi_application()), base_url="http://testserver") as client:
        return client.get(path).headers


def by_hand(path):
    found = {}
    environ = RequestFactory().get(path).environ
    list(WSGIHandler()(environ, lambda _, headers: found.update(headers)))
    return found


def by_django(path):
    return Client().get(path).headers


def by_rest_framework(path):
    return APIClient().get(path).headers


CLIENTS = [by_webtest, by_requests, by_httpx, by_hand, by_django, by_rest_framework]


@pytest.mark.parametrize("headers", CLIENTS)
def test_each_client_reaches_both_sides(headers):
    assert (headers("/echo/")[SERVED_BY], headers("/bridged/thread/")[SERVED_BY]) == ("legacy", "bridged")


@pytest.mark.parametrize("headers", CLIENTS)
def test_each_request_is_counted(headers):
    before = tally._tally.copy()
    headers("/echo/")
    assert tally._tally - before == {"legacy": 1}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/page/", "/bridged/user/"])
def test_webtest_says_who_the_user_is(webtest, path):
    ada = get_user_model().objects.create_user("ada")
    assert "ada" not in webtest.get(path).text
    assert "ada" in webtest.get(path, user=ada).text


@pytest.mark.django_db
def test_webtest_has_templates_forms_and_sessions(webtest):
    response = webtest.get("/page/")
    assert (response.context["name"], len(response.templates)) == ("you", 1)
    webtest.get("/visits/")
    assert webtest.get("/visits/").json == {"visits": 2}


@pytest.mark.parametrize("path", ["/raises/", "/bridged/raises/"])
def test_webtest_is_told_what_was_raised(webtest, path):
    with pytest.raises(ZeroDivisionError):
        webtest.get(path)


def test_csrf_tokens_are_asked_for_as_by_a_server():
    assert by_status("/checked/", "POST") == 403


def by_status(path, method):
    found = []
    environ = RequestFactory().generic(method, path).environ
    list(WSGIHandler()(environ, lambda status, _: found.append(status)))
    return int(found[0].split()[0])


def test_what_a_view_raises_is_a_500_as_by_a_server(settings):
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False
    assert by_status("/raises/", "GET") == by_status("/bridged/raises/", "GET") == 500


@pytest.mark.parametrize("path", ["/raises/", "/bridged/raises/"])
def test_what_is_raised_is_raised_where_the_project_says_so(settings, path):
    settings.DEBUG_PROPAGATE_EXCEPTIONS = True
    with pytest.raises(ZeroDivisionError):
        by_status(path, "GET")


@pytest.mark.django_db  # a request begins with a look at the connections that are open
def test_static_files_are_those_of_their_handler():
    found = []
    environ = RequestFactory().get("/static/admin/css/base.css").environ
    with closing(StaticFilesHandler(WSGIHandler())(environ, lambda *answer: found.append(answer))) as answer:
        list(answer)
    assert (found[0][0], SERVED_BY in dict(found[0][1])) == ("200 OK", False)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_live_server_is_left_alone(live_server):
    with urllib.request.urlopen(f"{live_server.url}/echo/") as answer:
        assert (json.load(answer)["path"], answer.headers[SERVED_BY]) == ("/echo/", None)


@pytest.mark.anyio
async def test_communicators_such_as_those_of_channels_are_left_alone():
    scope = scope_of(RequestFactory().get("/language/").environ)
    communicator = ApplicationCommunicator(get_asgi_application(), scope)
    await communicator.send_input({"type": "http.request"})
    start = await communicator.receive_output(5)
    await communicator.wait()
    assert (start["status"], SERVED_BY.lower().encode() in dict(start["headers"])) == (200, False)


def test_factories_ask_nobody():
    assert APIRequestFactory().get("/echo/").path == RequestFactory().get("/echo/").path == "/echo/"


@pytest.mark.django_db  # a request begins with a look at the connections that are open
def test_after_the_block_django_is_asked_again():
    from gateway.testing.client import _Ways

    depth, _Ways.open = _Ways.open, 0
    try:
        assert [SERVED_BY in headers("/echo/") for headers in CLIENTS] == [False] * len(CLIENTS)
    finally:
        _Ways.open = depth


def test_what_was_wrapped_around_a_handler_meanwhile_stays(monkeypatch):
    seen = []
    original = WSGIHandler.__call__

    def wrapped(self, environ, start_response):
        seen.append(environ["PATH_INFO"])
        return original(self, environ, start_response)

    with through_gateway():
        monkeypatch.setattr(WSGIHandler, "__call__", wrapped)
    by_hand("/echo/")
    assert set(seen) == {"/echo/"}  # by the test, and by the gateway
