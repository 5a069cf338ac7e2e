"""An unsafe request that a browser may have been tricked into needs Django's token, on every endpoint."""

from __future__ import annotations

import base64
import re

import pytest
from django.http import HttpResponseForbidden
from django.middleware.csrf import get_token
from django.views.decorators.csrf import csrf_exempt
from fastapi import APIRouter, FastAPI, Form, Request
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from gateway import ConfigError
from gateway.bridge import DjangoRequest
from tests.support.asgi import Browser, ask, running

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
SERVICE, PROJECT = "/b/async/", "/form/"
UNSAFE = ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"]


def build():
    """A service whose author has never heard of CSRF."""
    app = FastAPI()

    @app.api_route("/b/async/", methods=[*UNSAFE, "GET", "HEAD", "OPTIONS", "TRACE"])
    async def asynchronous() -> dict[str, bool]:
        return {"ok": True}

    @app.api_route("/b/sync/", methods=UNSAFE)
    def synchronous() -> dict[str, bool]:
        return {"ok": True}

    @app.post("/b/json/")
    async def takes_json(body: dict[str, int]) -> dict[str, int]:
        return body

    @app.post("/b/form/")
    def takes_form(a: str = Form()) -> dict[str, str]:
        return {"a": a}

    router = APIRouter(prefix="/b/router")
    router.add_api_route("/new/", asynchronous, methods=["POST"])
    app.include_router(router)

    async def bare(request: Request) -> PlainTextResponse:
        return PlainTextResponse("bare")

    app.mount("/b/mounted", Starlette(routes=[Route("/bare/", bare, methods=["POST"])]))
    app.mount("/b/opaque", Opaque())
    app.router.routes.append(Mount("/b/more", routes=[Route("/bare/", bare, methods=["POST"])]))
    return app


class Opaque:
    """An application that can't be asked what it serves."""

    async def __call__(self, scope, receive, send):
        await PlainTextResponse("opaque")(scope, receive, send)


@pytest.fixture
async def app(bridged):
    async with running(bridged(app="tests.bridge.test_csrf:build")) as app:
        yield app


@pytest.fixture
async def browser(app):
    """One that has a token, and sends it nowhere by itself."""
    browser = Browser(app)
    browser.masked = (await browser.ask("/form/")).json()["token"]
    return browser


async def send(browser, target, method="POST", *, token=None, scheme="http", **headers):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    given |= {"X-CSRFToken": token} if token else {}
    return await ask(browser.app, target, method, headers=browser.header | given, scheme=scheme)


ROUTES = ["async", "sync", "json", "form", "router/new", "mounted/bare", "opaque/any", "more/bare"]


@pytest.mark.parametrize("route", ROUTES)
async def test_every_endpoint_is_protected(browser, route):
    """Nobody has marked one of them."""
    found = await send(browser, f"/b/{route}/")
    assert found.status == 403
    assert "CSRF" in found.text


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_every_unsafe_method_needs_the_token(browser, kind, method):
    assert (await send(browser, f"/b/{kind}/", method)).status == 403
    assert (await send(browser, f"/b/{kind}/", method, token=browser.masked)).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_safe_methods_need_none(browser, method):
    assert (await send(browser, "/b/async/", method)).status == 200


async def test_a_refusal_is_djangos_own(browser):
    new, old = await send(browser, SERVICE), await send(browser, PROJECT)
    assert (new.status, new["content-type"]) == (old.status, old["content-type"]) == (403, "text/html; charset=utf-8")
    assert new.body == old.body


async def test_the_project_may_answer_refusals_itself(bridged, settings):
    settings.CSRF_FAILURE_VIEW = "tests.bridge.test_csrf.refuse"
    async with running(bridged(app="tests.bridge.test_csrf:build")) as app:
        found = await ask(app, SERVICE, "POST", headers={"Cookie": "a=1"})
        assert (found.status, found.text) == (403, "CSRF cookie not set.")


def refuse(request, reason=""):
    return HttpResponseForbidden(reason)


# -- the token ----------------------------------------------------------------------------------


async def test_a_token_of_the_form_counts(browser):
    body = f"a=1&csrfmiddlewaretoken={browser.masked}".encode()
    found = await ask(browser.app, "/b/form/", "POST", headers=browser.header | FORM, body=body)
    assert (found.status, found.json()) == (200, {"a": "1"})


async def test_a_token_of_a_multipart_form_counts(browser):
    parts = {"csrfmiddlewaretoken": browser.masked, "a": "1" * 100_000}
    body = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts.items()
    )
    whole = f"{body}--x--\r\n".encode()
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(len(whole))}
    found = await ask(browser.app, "/b/form/", "POST", headers=browser.header | headers, body=whole)
    assert (found.status, found.json()) == (200, {"a": "1" * 100_000})


async def test_json_comes_with_the_token_in_a_header(browser):
    for token, status in ((browser.masked, 200), (browser.cookies["csrftoken"], 200), ("x" * 64, 403), ("x", 403)):
        headers = browser.header | JSON | {"X-CSRFToken": token}
        assert (await ask(browser.app, "/b/json/", "POST", headers=headers, body=b'{"a": 1}')).status == status


async def test_a_token_in_json_does_not_count(browser):
    body = f'{{"csrfmiddlewaretoken": "{browser.masked}"}}'.encode()
    assert (await ask(browser.app, "/b/json/", "POST", headers=browser.header | JSON, body=body)).status == 403


async def test_a_token_without_its_cookie_does_not_count(browser):
    headers = {"Cookie": "sessionid=x", "X-CSRFToken": browser.masked}
    assert (await ask(browser.app, "/b/async/", "POST", headers=headers)).status == 403


async def test_the_token_may_be_in_the_session(bridged, settings):
    settings.CSRF_USE_SESSIONS = True
    async with running(bridged(app="tests.bridge.test_csrf:build")) as app:
        browser = Browser(app)
        browser.masked = (await browser.ask("/form/")).json()["token"]
        assert "csrftoken" not in browser.cookies
        assert (await send(browser, SERVICE)).status == 403
        assert (await send(browser, SERVICE, token=browser.masked)).status == 200


async def test_an_endpoint_can_hand_out_a_token(bridged):
    async with running(bridged(app="tests.bridge.test_csrf:hands_out")) as app:
        browser = Browser(app)
        browser.masked = (await browser.ask("/b/token/")).json()["token"]
        assert (await send(browser, PROJECT, token=browser.masked)).status == 200


def hands_out():
    app = FastAPI()

    @app.get("/b/token/")
    async def token(request: DjangoRequest) -> dict[str, str]:
        return {"token": get_token(request)}

    return app


# -- where the request comes from ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "headers", "status"),
    [
        ("http", {"Origin": "http://testserver"}, 200),
        ("http", {"Origin": "http://evil.example"}, 403),
        ("http", {"Origin": "https://testserver"}, 403),
        ("http", {"Origin": "null"}, 403),
        ("http", {"Origin": "https://partner.example"}, 200),
        ("http", {"Origin": "https://shop.friends.example"}, 200),
        ("http", {"Referer": "http://evil.example/"}, 200),  # only asked for where it is encrypted
        ("https", {}, 403),
        ("https", {"Referer": "https://testserver/page"}, 200),
        ("https", {"Referer": "http://testserver/page"}, 403),
        ("https", {"Referer": "https://evil.example/"}, 403),
        ("https", {"Referer": "https://partner.example/"}, 200),
        ("https", {"Referer": "nonsense"}, 403),
        ("https", {"Origin": "https://testserver"}, 200),
    ],
)
async def test_origin_and_referer_are_checked_as_for_a_view(bridged, settings, scheme, headers, status):
    settings.CSRF_TRUSTED_ORIGINS = ["https://partner.example", "https://*.friends.example"]
    async with running(bridged(app="tests.bridge.test_csrf:build")) as app:
        browser = Browser(app)
        browser.masked = (await browser.ask("/form/")).json()["token"]
        found = [
            (await send(browser, target, token=browser.masked, scheme=scheme, **headers)).status
            for target in (SERVICE, PROJECT)
        ]
    assert found == [status, status]


# -- whom nobody can trick ----------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["Bearer abc", "Token abc", "bearer abc", "ApiKey abc"])
async def test_a_call_authenticated_by_a_token_of_its_own_needs_none(browser, scheme):
    for cookie in ({}, {"Cookie": "theme=dark; csrftoken=x"}):
        assert (await ask(browser.app, SERVICE, "POST", headers=cookie | {"Authorization": scheme})).status == 200


async def test_a_session_beside_it_needs_the_token(browser):
    headers = {"Cookie": "sessionid=x", "Authorization": "Bearer abc"}
    assert (await ask(browser.app, SERVICE, "POST", headers=headers)).status == 403


async def test_a_session_of_another_name_beside_it_does_too(bridged, settings):
    settings.SESSION_COOKIE_NAME = "visit"
    async with running(bridged(app="tests.bridge.test_csrf:build")) as app:
        headers = {"Cookie": "visit=x", "Authorization": "Bearer abc"}
        assert (await ask(app, SERVICE, "POST", headers=headers)).status == 403


@pytest.mark.parametrize("scheme", ["Basic", "basic", "Digest", "Negotiate", "NTLM"])
async def test_what_a_browser_sends_by_itself_needs_the_token(browser, scheme):
    secret = base64.b64encode(b"ada:sesame").decode()
    assert (await ask(browser.app, SERVICE, "POST", headers={"Authorization": f"{scheme} {secret}"})).status == 403


async def test_a_call_without_any_credentials_needs_none(browser):
    assert (await ask(browser.app, SERVICE, "POST")).status == 200


# -- exempt -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["exempt", "exempt/sync"])
async def test_an_endpoint_may_be_exempt(bridged, kind):
    async with running(bridged()) as app:
        found = await ask(app, f"/b/{kind}/", "POST", headers={"Cookie": "sessionid=x"})
        assert (found.status, found.json()) == (200, {"ok": True})
        assert (await ask(app, "/b/session/", "POST", headers={"Cookie": "sessionid=x"})).status == 403


def decorated():
    app = FastAPI()

    @app.post("/b/exempt/")
    @csrf_exempt
    async def exempt() -> None: ...

    @app.post("/b/asks/")
    @csrf_exempt
    async def asks(request: Request) -> None: ...

    return app


async def test_djangos_own_decorator_is_refused_where_it_cannot_work(bridged):
    """It would hand on a request that the endpoint doesn't ask FastAPI for: each call would be an error."""
    with pytest.raises(
        ConfigError, match=r"decorated.*exempt without a decorator.* gateway.bridge has csrf_exempt"
    ) as error:
        bridged(app="tests.bridge.test_csrf:decorated")
    assert "asks" not in str(error.value)


async def test_without_the_middleware_there_is_no_check(bridged, settings):
    """As with Django: it is the project's own that checks."""
    chain = [entry for entry in settings.MIDDLEWARE if "Csrf" not in entry]
    async with running(bridged(chain)) as app:
        assert (await ask(app, "/b/session/", "POST", headers={"Cookie": "sessionid=x"})).status == 200


async def test_a_login_gives_a_new_token(bridged, settings, django_user_model):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    await django_user_model.objects.acreate_user("ada", "ada@example.com", "sesame")
    async with running(bridged()) as app:
        browser = Browser(app)
        await browser.ask("/form/")
        before = browser.cookies["csrftoken"]
        assert (await browser.ask("/b/log-in/?name=ada&password=sesame", "POST")).status == 200
        assert re.fullmatch(r"\w{32}", browser.cookies["csrftoken"])
        assert browser.cookies["csrftoken"] != before
