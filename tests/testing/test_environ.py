"""What a test puts into a request reaches views as Django's client hands it on, and services as HTTP can carry it."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.test import AsyncClient, Client
from django.utils.functional import lazystr
from django.utils.safestring import SafeString

from gateway.testing import GatewayAsyncClient, GatewayClient
from gateway.testing.environ import scope_of

ID = UUID(int=7)
LAZY = lazystr("later")
# A header's value in a test, and the bytes that a service gets; None: no such header.
VALUES = {
    "none": (None, None),
    "empty": ("", b""),
    "number": (5, b"5"),
    "fraction": (1.5, b"1.5"),
    "boolean": (True, b"True"),
    "bytes": (b"abc", b"abc"),
    "latin": ("é", b"\xe9"),
    "beyond latin": ("λ", "λ".encode()),
    "line end": ("a\nb", None),
    "return": ("a\rb", None),
    "null": ("a\0b", None),
    "object": (ID, str(ID).encode()),
    "lazy": (LAZY, b"later"),
    "safe": (SafeString("<b>"), b"<b>"),
    "spaces": (" a ", b" a "),
}
KEYS = [
    "HTTP_X_TEST",
    "HTTP_X-Test",
    "HTTP_x_test",
    "HTTP_É",
    "HTTP_",
    "HTTP_A B",
    "REMOTE_USER",
    "OTHER",
    "CONTENT_TYPE",
]
SERVER = {
    "REMOTE_ADDR": ["", None, "::1", "unix:"],
    "REMOTE_PORT": ["", None, 8080, "many"],
    "SERVER_PORT": [8080, "8443"],
    "SERVER_PROTOCOL": ["HTTP/1.0"],
    "CONTENT_LENGTH": ["", "0"],
    "HTTP_COOKIE": ["", "a=1"],
}


@pytest.fixture(params=[Client, GatewayClient])
def client(request, gateway_app):
    return request.param()


@pytest.mark.parametrize(("value", "_"), VALUES.values(), ids=VALUES)
def test_a_view_gets_the_value_of_a_header_as_it_is(client, value, _):
    meta = client.get("/language/", HTTP_X_TEST=value).wsgi_request.META
    assert meta["HTTP_X_TEST"] is value or (meta["HTTP_X_TEST"], type(meta["HTTP_X_TEST"])) == (value, type(value))


@pytest.mark.parametrize("key", KEYS)
def test_a_view_gets_a_variable_whatever_its_name(client, key):
    assert client.get("/language/", **{key: "1"}).wsgi_request.META[key] == "1"


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in SERVER.items() for value in values])
def test_a_view_gets_what_a_server_would_have_said(client, key, value):
    assert client.get("/language/", **{key: value}).wsgi_request.META[key] == value


def test_no_header_is_there_that_the_test_did_not_send(gateway_app):
    native, through = (kind().get("/language/").wsgi_request.META for kind in (Client, GatewayClient))
    own = {"HTTP_HOST", "HTTP_X_REQUEST_ID"}  # a server has the first from every client, the gateway adds the second
    assert {key for key in through if key.startswith(("HTTP_", "CONTENT_"))} - own == {
        key for key in native if key.startswith(("HTTP_", "CONTENT_"))
    }


@pytest.mark.parametrize(("value", "sent"), VALUES.values(), ids=VALUES)
def test_a_service_gets_what_http_can_carry(value, sent):
    scope = scope_of({"PATH_INFO": "/", "REQUEST_METHOD": "GET", "HTTP_X_TEST": value})
    assert dict(scope["headers"]).get(b"x-test") == sent


@pytest.mark.parametrize("value", [None, ""])
def test_a_service_is_sent_a_host_in_any_case(value):
    scope = scope_of({"PATH_INFO": "/", "REQUEST_METHOD": "GET", "HTTP_HOST": value or "testserver"})
    assert dict(scope["headers"])[b"host"] == b"testserver"


def test_a_body_is_as_long_as_its_length_says(client):
    def sent(**environ):
        return client.post("/echo/", "12345", content_type="text/plain", **environ).json()["body"]

    assert [sent(), sent(CONTENT_LENGTH="2"), sent(CONTENT_LENGTH="")] == ["12345", "12", ""]


def test_a_method_is_read_without_regard_to_case(client):
    assert client.generic("post", "/echo/").json()["method"] == "POST"


@pytest.mark.anyio
@pytest.mark.parametrize("value", ["", "1", "é", "a\nb", "a\0b"])
@pytest.mark.parametrize("kind", [AsyncClient, GatewayAsyncClient])
async def test_an_async_view_gets_it_too(gateway_app, kind, value):
    response = await kind().get("/language/", headers={"X-Test": value})
    assert response.asgi_request.META["HTTP_X_TEST"] == value
