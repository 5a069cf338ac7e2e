"""`gateway_http` and `gateway_http_sync` are httpx's own clients."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from gateway.testing import async_client, sync_client


@pytest.mark.anyio
@pytest.mark.parametrize("service", ["plain", "bridged"])
async def test_an_async_client_asks_a_service(gateway_http, service):
    response = await gateway_http.put(f"/{service}/echo/", content=b"body")
    assert response.json() == {"method": "PUT", "body": "body", "host": "testserver"}
    assert response.headers["X-Served-By"] == service


@pytest.mark.parametrize("service", ["plain", "bridged"])
def test_a_sync_client_asks_a_service(gateway_http_sync, service):
    response = gateway_http_sync.put(f"/{service}/echo/", content=b"body")
    assert response.json() == {"method": "PUT", "body": "body", "host": "testserver"}
    assert response.headers["X-Served-By"] == service


@pytest.mark.anyio
async def test_a_body_may_be_made_as_it_is_sent(gateway_http):
    async def parts():
        yield b"one "
        yield b"two"

    assert (await gateway_http.post("/plain/echo/", content=parts())).json()["body"] == "one two"


@pytest.mark.anyio
async def test_cookies_are_kept(gateway_http):
    await gateway_http.get("/plain/cookie/")
    assert gateway_http.cookies["color"] == "blue"


@pytest.mark.django_db
def test_a_session_of_the_other_client_opens_the_door(gateway_client, gateway_http_sync):
    gateway_client.force_login(get_user_model().objects.create(username="ada"))
    gateway_http_sync.cookies["sessionid"] = gateway_client.cookies["sessionid"].value
    assert gateway_http_sync.get("/bridged/user/").json() == "ada"


def test_csrf_is_checked_as_for_everybody(gateway_http_sync):
    gateway_http_sync.cookies["sessionid"] = "any"
    assert gateway_http_sync.post("/bridged/echo/").status_code == 403


@pytest.mark.anyio
async def test_what_a_service_raises_is_raised(gateway_http):
    with pytest.raises(ZeroDivisionError, match="service"):
        await gateway_http.get("/plain/raises/")


def test_what_a_service_raises_is_raised_here_too(gateway_http_sync):
    with pytest.raises(ZeroDivisionError, match="service"):
        gateway_http_sync.get("/plain/raises/")


@pytest.mark.anyio
@pytest.mark.parametrize("service", ["plain", "bridged"])
async def test_it_is_a_500_if_that_is_wanted(gateway_app, service):
    async with async_client(raise_app_exceptions=False) as client:
        assert (await client.get(f"/{service}/raises/")).status_code == 500
    with sync_client(raise_app_exceptions=False) as client:
        assert client.get(f"/{service}/raises/").status_code == 500
