"""`gateway_client` is `django.test.Client`: what Django documents holds, and holds for Django's own alike."""

from __future__ import annotations

import io
import json

import pytest
from django.contrib.auth import get_user_model
from django.test import AsyncClient, Client, RequestFactory
from django.test.client import RedirectCycleError
from django.utils import timezone, translation

from gateway.testing import GatewayAsyncClient, GatewayClient
from tests.testing import site as project


@pytest.fixture(params=[Client, GatewayClient])
def kind(request, gateway_app):
    """Django's own client, and the gateway's: what these tests say is true of both."""
    return request.param


@pytest.fixture
def client(kind):
    return kind()


@pytest.fixture
def ada(db):
    return get_user_model().objects.create_user("ada", "ada@example.com", "secret")


# -- requests -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
def test_each_method_is_sent(client, method):
    assert getattr(client, method)("/echo/").json()["method"] == method.upper()


def test_any_other_method_is_sent(client):
    assert client.generic("PURGE", "/echo/").json()["method"] == "PURGE"
    assert client.trace("/echo/").json()["method"] == "TRACE"


def test_head_has_the_headers_and_no_content(client):
    response = client.head("/echo/")
    assert (response.status_code, response.content, response["Content-Type"]) == (200, b"", "application/json")


def test_a_query_is_sent(client):
    assert client.get("/echo/", {"a": "ä b"}).json()["query"] == {"a": "ä b"}
    assert client.get("/echo/?a=%C3%A4+b").json()["query"] == {"a": "ä b"}
    assert client.post("/echo/", query_params={"a": "1"}).json()["query"] == {"a": "1"}


def test_a_path_may_hold_any_character(client):
    assert client.get("/any/ä%20%25/").json()["path"] == "/any/ä %/"


def test_a_form_is_sent(client):
    assert client.post("/echo/", {"a": "1", "b": ["2"]}).json()["post"] == {"a": "1", "b": "2"}


def test_files_are_uploaded(client):
    file = io.StringIO("content")
    file.name = "notes.txt"
    assert client.post("/echo/", {"notes": file, "a": "1"}).json()["files"] == {"notes": "content"}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_json_is_sent(client, method):
    found = getattr(client, method)("/echo/", {"a": [1, None]}, content_type="application/json").json()
    assert (found["type"], json.loads(found["body"])) == ("application/json", {"a": [1, None]})


def test_headers_are_sent(kind):
    assert kind().get("/echo/", headers={"X-Test": "1"}).json()["header"] == "1"
    assert kind().get("/echo/", HTTP_X_TEST="2").json()["header"] == "2"
    assert kind(headers={"x-test": "3"}).get("/echo/").json()["header"] == "3"
    assert kind().get("/echo/", headers={"X-Test": "λ"}).json()["header"] == "λ"


def test_the_host_and_the_scheme_are_those_asked_for(client):
    assert client.get("/echo/").json()["host"] == "testserver"
    found = client.get("/echo/", secure=True, headers={"Host": "localhost:8443"}).json()
    assert (found["host"], found["secure"]) == ("localhost:8443", True)
    assert client.get("/echo/", SERVER_NAME="localhost", SERVER_PORT="81").json()["host"] == "localhost:81"


def test_a_host_that_is_not_allowed_is_refused(client):
    client.raise_request_exception = False
    assert client.get("/echo/", headers={"Host": "elsewhere.example"}).status_code == 400


def test_what_no_header_can_carry_reaches_the_request(client):
    assert client.get("/echo/", REMOTE_USER="ada").json()["remote_user"] == "ada"


# -- responses ----------------------------------------------------------------------------------


def test_a_response_has_json(client):
    assert client.get("/echo/").json()["path"] == "/echo/"
    with pytest.raises(ValueError, match="Content-Type header is"):
        client.get("/language/").json()


@pytest.mark.long
@pytest.mark.django_db
def test_a_page_has_its_templates_and_context(client, ada):
    client.force_login(ada)
    response = client.get("/page/")
    assert response.content == b"Hello you, ada"
    assert (response.context["name"], response.context["user"]) == ("you", ada)
    assert len(response.templates) == 1


@pytest.mark.long
@pytest.mark.django_db
def test_a_response_has_its_request(client, ada):
    client.force_login(ada)
    response = client.get("/page/?a=1")
    assert (response.wsgi_request.user, response.wsgi_request.GET["a"]) == (ada, "1")
    assert (response.request["PATH_INFO"], response.client) == ("/page/", client)


def test_a_response_has_the_view_that_it_is_from(client):
    assert client.get("/page/").resolver_match.view_name == "page"


def test_a_stream_is_read_from_the_response(client):
    response = client.get("/stream/")
    assert (response.streaming, b"".join(response.streaming_content)) == (True, b"one two")
    assert client.get("/stream/").getvalue() == b"one two"


def test_a_download_is_read_from_the_response(client):
    response = client.get("/download/")
    assert response["Content-Disposition"] == 'attachment; filename="site.py"'
    assert b"def download" in response.getvalue()


# -- redirects ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_redirects_are_followed(client):
    response = client.get("/redirects/2/", follow=True)
    assert response.json() == []
    assert response.redirect_chain == [("/redirects/1/", 302), ("/redirects/0/", 302), ("/names/", 302)]


def test_a_redirect_that_keeps_the_method_does(client):
    found = client.post("/kept/", {"a": "1"}, follow=True).json()
    assert (found["method"], found["post"]) == ("POST", {"a": "1"})


def test_a_circle_of_redirects_is_an_error(client):
    with pytest.raises(RedirectCycleError):
        client.get("/circle/", follow=True)


def test_a_missing_slash_is_added(client):
    assert client.get("/echo").status_code == 301


# -- who is asking ------------------------------------------------------------------------------


@pytest.mark.long
def test_login_and_logout(client, ada):
    assert client.get("/private/").status_code == 302
    assert client.login(username="ada", password="wrong") is False
    assert client.login(username="ada", password="secret")
    assert client.get("/private/").content == b"ada"
    client.logout()
    assert client.get("/private/").status_code == 302


@pytest.mark.long
def test_force_login(client, ada):
    client.force_login(ada)
    assert client.get("/private/").content == b"ada"


@pytest.mark.django_db
def test_the_session_is_the_one_of_the_requests(client):
    assert [client.get("/visits/").json()["visits"] for _ in range(2)] == [1, 2]
    assert client.session["visits"] == 2
    session = client.session
    session["visits"] = 10
    session.save()
    assert client.get("/visits/").json() == {"visits": 11}


def test_csrf_is_checked_only_when_that_is_asked_for(kind):
    assert kind().post("/checked/").status_code == 200
    strict = kind(enforce_csrf_checks=True)
    assert strict.post("/checked/").status_code == 403
    token = strict.get("/token/").content.decode()
    assert strict.post("/checked/", headers={"X-CSRFToken": token}).status_code == 200


# -- exceptions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/raises/", "/raises/async/"])
def test_what_a_view_raises_is_raised(client, path):
    with pytest.raises(ZeroDivisionError, match="legacy"):
        client.get(path)


@pytest.mark.parametrize("path", ["/raises/", "/raises/async/"])
def test_what_a_view_raises_is_a_500_if_that_is_wanted(kind, path):
    response = kind(raise_request_exception=False).get(path)
    assert (response.status_code, response.exc_info[0]) == (500, ZeroDivisionError)


def test_what_ends_a_test_run_is_not_held_up(client):
    with pytest.raises(KeyboardInterrupt):
        client.get("/exits/")


def test_exceptions_that_are_to_propagate_do(client, settings):
    settings.DEBUG_PROPAGATE_EXCEPTIONS = True
    client.raise_request_exception = False
    with pytest.raises(ZeroDivisionError):
        client.get("/raises/")


# -- settings -----------------------------------------------------------------------------------


def test_a_setting_that_a_test_changes_is_in_force(kind, settings):
    settings.SECURE_SSL_REDIRECT = True  # SecurityMiddleware reads it once
    assert kind().get("/echo/").status_code == 301
    settings.SECURE_SSL_REDIRECT = False
    assert kind().get("/echo/").status_code == 200


def test_the_middleware_is_the_one_of_the_test(kind, settings):
    settings.MIDDLEWARE = []
    assert "X-Frame-Options" not in kind().get("/echo/").headers


def test_the_urls_are_those_of_the_test(kind, settings):
    settings.ROOT_URLCONF = "legacy.urls"
    assert kind().get("/echo/").status_code == 404


def test_the_language_of_the_test_is_the_one_of_the_view(kind, settings):
    settings.MIDDLEWARE = []
    with translation.override("el"):
        assert kind().get("/language/").content == b"el"


def test_what_a_request_activates_stays_active(client):
    with translation.override("en"), timezone.override("UTC"):
        client.get("/language/", headers={"Accept-Language": "el", "X-Time-Zone": "Asia/Tokyo"})
        assert (translation.get_language(), timezone.get_current_timezone_name()) == ("el", "Asia/Tokyo")


# -- beyond Django's ----------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "name"), [("/names/", "legacy"), ("/plain/names/", "plain"), ("/moved/names/", "bridged")]
)
def test_a_response_says_who_served_it(gateway_client, path, name):
    response = gateway_client.get(path)
    assert (response.served_by, response["X-Served-By"]) == (name, name)


def test_nobody_served_what_the_gateway_refused(gateway_client):
    assert gateway_client.get("/plain/names/", headers={"Host": "elsewhere.example"}).served_by is None


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
@pytest.mark.parametrize("service", ["plain", "bridged"])
def test_a_service_gets_each_method_and_body(gateway_client, service, method):
    body = "" if method == "get" else "body"
    found = getattr(gateway_client, method)(f"/{service}/echo/", *([body, "text/plain"] if body else [])).json()
    assert found == {"method": method.upper(), "body": body, "host": "testserver"}


def test_a_service_inside_the_middleware_knows_the_user(gateway_client, ada):
    assert gateway_client.get("/bridged/user/").json() is None
    gateway_client.force_login(ada)
    response = gateway_client.get("/bridged/user/")
    assert (response.json(), response.wsgi_request.user) == ("ada", ada)


@pytest.mark.django_db
def test_a_service_and_the_project_share_the_session(gateway_client):
    gateway_client.get("/visits/")
    assert gateway_client.post("/bridged/visits/").json() == 2
    assert gateway_client.session["visits"] == 2


def test_a_service_is_asked_for_a_csrf_token_when_that_is_wanted():
    strict = GatewayClient(enforce_csrf_checks=True)
    token = strict.get("/token/").content.decode()
    assert strict.post("/bridged/echo/").status_code == 403
    assert strict.post("/bridged/echo/", headers={"X-CSRFToken": token}).status_code == 200


@pytest.mark.parametrize("service", ["plain", "bridged"])
def test_what_a_service_raises_is_raised(gateway_client, service):
    with pytest.raises(ZeroDivisionError, match="service"):
        gateway_client.get(f"/{service}/raises/")


@pytest.mark.parametrize("service", ["plain", "bridged"])
def test_what_a_service_raises_is_a_500_if_that_is_wanted(gateway_app, service):
    response = GatewayClient(raise_request_exception=False).get(f"/{service}/raises/")
    assert (response.status_code, response.exc_info[0]) == (500, ZeroDivisionError)


@pytest.mark.parametrize("service", ["plain", "bridged"])
def test_cookies_of_a_service_are_kept(gateway_client, service):
    response = gateway_client.get(f"/{service}/cookie/")
    assert (response.cookies["color"].value, response.cookies["color"]["httponly"]) == ("blue", True)
    assert gateway_client.cookies["color"].value == "blue"


def test_a_response_of_a_service_without_middleware_has_the_request_that_was_sent(gateway_client):
    response = gateway_client.post("/plain/echo/", "body", content_type="text/plain")
    assert (response.wsgi_request.path, response.wsgi_request.body) == ("/plain/echo/", b"body")


def test_an_endpoint_in_the_middleware_is_the_view(gateway_client):
    response = gateway_client.get("/bridged/view/7/")
    assert response.json() == response.wsgi_request.resolver_match.view_name == "view"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["names/", "names/async/", "plain/names/", "bridged/names/", "nested/bridged/names/"])
def test_a_view_may_ask_the_gateway_by_itself(gateway_client, path):
    assert gateway_client.get(f"/nested/{path}").content == b"[]"


def test_the_services_are_started_once(gateway_client):
    gateway_client.get("/plain/cookie/")
    gateway_client.get("/plain/cookie/")
    assert project.started == ["plain"]


def test_other_clients_are_left_alone(gateway_client):
    gateway_client.get("/echo/")
    assert "X-Served-By" not in Client().get("/echo/").headers
    assert RequestFactory().get("/echo/").path == "/echo/"


# -- REST framework -----------------------------------------------------------------------------


def test_rest_frameworks_client_goes_through_the_gateway(gateway_api_client, settings, ada):
    settings.ROOT_URLCONF = "legacy.urls"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "legacy.middleware.tenant.TenantMiddleware"]
    assert gateway_api_client.get("/api/orders/").status_code == 403
    gateway_api_client.force_authenticate(ada)
    response = gateway_api_client.get("/api/orders/")
    assert (response.status_code, response.data["results"], response.served_by) == (200, [], "legacy")


def test_force_authenticate_holds_in_services_too(gateway_api_client, ada):
    gateway_api_client.force_authenticate(ada)
    assert gateway_api_client.get("/bridged/drf/").json() == "ada"
    gateway_api_client.force_authenticate(None)
    assert gateway_api_client.get("/bridged/drf/").status_code == 403


# -- AsyncClient --------------------------------------------------------------------------------


@pytest.fixture(params=[AsyncClient, GatewayAsyncClient])
def async_client(request, gateway_app):
    return request.param()


@pytest.mark.anyio
async def test_an_async_client_sends_what_it_is_told(async_client):
    found = (await async_client.post("/echo/?q=1", {"a": "1"}, headers={"X-Test": "2"})).json()
    assert (found["method"], found["query"], found["post"], found["header"]) == ("POST", {"q": "1"}, {"a": "1"}, "2")


@pytest.mark.long
@pytest.mark.anyio
async def test_an_async_client_logs_in(async_client, ada):
    await async_client.aforce_login(ada)
    response = await async_client.get("/private/")
    assert (response.content, (await response.asgi_request.auser()).pk) == (b"ada", ada.pk)


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/raises/", "/raises/async/"])
async def test_an_async_client_raises_what_a_view_raises(async_client, path):
    with pytest.raises(ZeroDivisionError):
        await async_client.get(path)


@pytest.mark.anyio
async def test_an_async_client_reaches_services(gateway_async_client, ada):
    await gateway_async_client.aforce_login(ada)
    response = await gateway_async_client.get("/bridged/user/")
    assert (response.json(), response.served_by) == ("ada", "bridged")


def test_a_language_that_a_view_has_turned_off_is_off_afterwards(client):
    with translation.override("de"):
        assert client.get("/no-language/").content == b"None"
        assert translation.get_language() is None
