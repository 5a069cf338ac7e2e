"""A service and the Django project know the same user, session and messages, from one request to the next."""

from __future__ import annotations

import asyncio
import re

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from gateway import Gateway
from gateway.bridge.csrf import one_user
from tests.support.asgi import Browser, ask, open_socket, running

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True), pytest.mark.table]

ENGINES = ["db", "cache", "cached_db", "signed_cookies"]
SIDES = ["/", "/b/", "/b/{}sync/"]  # the project, an asynchronous endpoint, a synchronous one
WHO = ["/who/", "/b/who/"]


def at(side, name):
    return side.format(name + "/") if "{}" in side else f"{side}{name}/"


@pytest.fixture(autouse=True)
def _quickly(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.LOGIN_URL = "/login/"
    settings.LOGIN_REDIRECT_URL = "/json/"


@pytest.fixture
def ada(transactional_db):
    return get_user_model().objects.create_user("ada", "ada@example.com", "sesame")


@pytest.fixture(params=[ENGINES[0], *(pytest.param(engine, marks=pytest.mark.slow) for engine in ENGINES[1:])])
async def app(request, bridged, settings):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{request.param}"
    async with running(bridged()) as app:
        yield app


@pytest.fixture
async def db_app(bridged, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    async with running(bridged()) as app:
        yield app


async def log_in(app, side="/b/", password="sesame"):  # noqa: S107 - of a test
    browser = Browser(app)
    await browser.ask("/form/")  # for the token
    if side == "/":
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        found = await browser.ask("/login/", "POST", headers=form, body=f"username=ada&password={password}".encode())
    else:
        found = await browser.ask(f"{at(side, 'log-in')}?name=ada&password={password}", "POST")
    assert found.status in (200, 302), found.text
    return browser


async def users(browser):
    """Who the project, an asynchronous and a synchronous endpoint think this is."""
    found = [(await browser.ask(target)).json()["user"] for target in WHO]
    answer = await browser.ask("/b/user/sync/")
    return [*found, answer.json()["user"] if answer.status == 200 else ""]


KNOWN = ["ada", "ada", "ada"]
UNKNOWN = ["", "", ""]


# -- one identity -------------------------------------------------------------------------------


@pytest.mark.parametrize("side", SIDES)
async def test_who_logs_in_on_one_side_is_known_on_the_other(app, ada, side):
    browser = await log_in(app, side)
    assert await users(browser) == KNOWN
    assert await users(Browser(app)) == UNKNOWN


@pytest.mark.parametrize("side", SIDES)
async def test_who_logs_out_on_one_side_is_unknown_on_the_other(app, ada, side):
    browser = await log_in(app)
    kept = dict(browser.cookies)
    assert (await browser.ask(at(side, "log-out"), "POST")).status == 200
    assert "sessionid" not in browser.cookies
    assert await users(browser) == UNKNOWN
    browser.cookies = kept
    assert await users(browser) == (KNOWN if stateless() else UNKNOWN)


def stateless():
    """A session in a cookie can't be taken back, as Django's documentation says."""
    return settings.SESSION_ENGINE.endswith("signed_cookies")


@pytest.mark.parametrize("side", SIDES)
async def test_a_changed_password_ends_the_other_sessions(app, ada, side):
    browser, elsewhere = await log_in(app), await log_in(app, "/")
    changed = await browser.ask(f"{at(side, 'password')}?password=new", "POST")
    assert (changed.status, b"false" in changed.body) == (200, False)
    assert (await users(browser), await users(elsewhere)) == (KNOWN, UNKNOWN)


async def test_a_deactivated_user_is_unknown_at_once(app, ada):
    browser = await log_in(app)
    ada.is_active = False
    await ada.asave()
    assert await users(browser) == UNKNOWN


@pytest.mark.parametrize("side", ["/", "/b/"])
async def test_a_cycled_session_has_a_new_key_and_the_old_content(db_app, ada, side):
    browser = await log_in(db_app)
    before = dict(browser.cookies)
    assert (await browser.ask(at(side, "cycle"), "POST")).status == 200
    assert before["sessionid"] != browser.cookies["sessionid"]
    assert await users(browser) == KNOWN
    browser.cookies = before
    assert await users(browser) == UNKNOWN


async def test_an_expired_session_is_nobodys(db_app, ada):
    browser = await log_in(db_app)
    await Session.objects.aupdate(expire_date="2020-01-01T00:00Z")
    assert await users(browser) == UNKNOWN


async def test_an_unknown_session_is_nobodys(app):
    browser = Browser(app)
    browser.cookies["sessionid"] = "x" * 32
    assert await users(browser) == UNKNOWN


@pytest.mark.parametrize("engine", ["db"])
async def test_the_projects_backends_authenticate_and_permit(bridged, settings, ada, engine):
    settings.AUTHENTICATION_BACKENDS = ["tests.project.backends.Doorman"]
    async with running(bridged()) as app:
        assert (await ask(app, "/b/log-in/?name=ada&password=sesame", "POST")).status == 403
        browser = await log_in(app, password="open%20sesame")
        assert await users(browser) == KNOWN
        for kind in ("", "sync/"):
            assert (await browser.ask(f"/b/user/perm/{kind}")).json() == {"user": "ada"}


# -- the session --------------------------------------------------------------------------------


async def test_what_one_side_writes_the_other_reads(app):
    browser = Browser(app)
    found = [
        (await browser.ask(target)).json()["count"]
        for target in ("/counter/", "/b/counter/", "/b/counter/async/", "/counter/", "/b/session/")
    ]
    assert found == [1, 2, 3, 4, 4]


OWN = {"x-served-by", "x-request-id", "x-hooks", "content-length", "date"}


def compared(answer):
    """The headers, without what tells the sides apart and with every secret and date alike."""
    lines = [(name.decode(), value.decode()) for name, value in answer.lines if name.decode() not in OWN]
    hide = r"((?:sessionid|csrftoken|messages)=)[^;]*|(expires=)[^;]*"
    return sorted((name, re.sub(hide, r"\1\2…", value)) for name, value in lines)


@pytest.mark.parametrize(
    ("target", "touched"),
    [("json", False), ("counter", True), ("who", True), ("messages", False)],
)
async def test_headers_are_those_of_the_view_it_replaces(app, ada, settings, target, touched):
    settings.SESSION_COOKIE_SAMESITE, settings.SESSION_COOKIE_PATH = "Strict", "/"
    settings.SESSION_COOKIE_DOMAIN, settings.SESSION_COOKIE_AGE = "testserver", 1000
    service = {"json": "plain"}.get(target, target)
    for browser in (Browser(app), await log_in(app)):
        old, new = await browser.ask(f"/{target}/"), await browser.ask(f"/b/{service}/")
        assert compared(new) == compared(old)
        assert ("Cookie" in (new["vary"] or "")) is touched


async def test_a_session_nobody_touched_is_not_saved(app, ada):
    browser = await log_in(app)
    for target in ("/b/plain/", "/b/user/", "/b/user/sync/"):
        assert (await browser.ask(target))["set-cookie"] is None


async def test_a_session_that_is_not_there_yet_takes_no_thread_to_read(app):
    answer = await ask(app, "/b/counter/async/")
    assert (answer.json(), app.services["bridged"].surroundings.threads.started) == ({"count": 1}, 0)
    assert "Cookie" in answer["vary"]


async def test_a_session_that_is_saved_every_time_is(bridged, settings, ada):
    settings.SESSION_SAVE_EVERY_REQUEST = True
    async with running(bridged()) as app:
        browser = await log_in(app)
        assert (await browser.ask("/b/plain/"))["set-cookie"].startswith("sessionid=")


async def test_a_session_survives_no_error(app, caplog):
    """As with Django, an answer 500 saves nothing."""
    browser = Browser(app)
    await browser.ask("/b/counter/")
    await browser.ask("/b/raises/")
    assert (await browser.ask("/b/session/")).json() == {"count": 1}


# -- messages -----------------------------------------------------------------------------------


async def test_messages_left_on_one_side_are_shown_on_the_other(app):
    browser = Browser(app)
    await browser.ask("/form/")
    await browser.ask("/message/")
    assert (await browser.ask("/b/messages/")).json() == {"messages": ["hello from legacy"]}
    assert (await browser.ask("/messages/")).json() == {"messages": []}
    assert (await browser.ask("/b/message/", "POST")).status == 200
    assert (await browser.ask("/messages/")).json() == {"messages": ["hello"]}
    assert (await browser.ask("/b/messages/")).json() == {"messages": []}


# -- who may ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["user", "user/sync", "user/staff", "user/perm"])
async def test_an_anonymous_call_is_unauthorized(db_app, kind):
    found = await ask(db_app, f"/b/{kind}/")
    assert (found.status, found["www-authenticate"]) == (401, "Session")
    assert found.json() == {"detail": "Authentication credentials were not provided."}


async def test_an_anonymous_browser_is_sent_to_log_in(db_app):
    page = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    new, old = [await ask(db_app, target, headers=page) for target in ("/b/user/?a=1&b=%2F", "/private/?a=1&b=%2F")]
    assert (new.status, old.status) == (302, 302)
    assert new["location"] == old["location"].replace("/private/", "/b/user/")
    assert (await ask(db_app, "/b/user/", headers={"Accept": "application/json"})).status == 401


async def test_an_optional_user_may_be_none(db_app):
    assert (await ask(db_app, "/b/user/optional/")).json() == {"user": None}


@pytest.mark.parametrize("kind", ["", "sync/"])
async def test_staff_and_permissions_are_asked_for_each_time(db_app, ada, kind):
    browser = await log_in(db_app)

    async def statuses():
        return [(await browser.ask(f"/b/user/{what}/{kind}")).status for what in ("staff", "perm")]

    assert await statuses() == [403, 403]
    ada.is_staff = True
    await ada.asave()
    assert await statuses() == [200, 403]
    ada.is_superuser = True
    await ada.asave()
    assert await statuses() == [200, 200]
    ada.is_active = False
    await ada.asave()
    assert await statuses() == [401, 401]


async def test_a_permission_may_come_from_a_group(db_app, ada):
    kind = await ContentType.objects.acreate(app_label="auth", model="other")
    permission = await Permission.objects.acreate(codename="change_user", name="may", content_type=kind)
    browser = await log_in(db_app)
    assert (await browser.ask("/b/user/perm/")).status == 403
    await ada.user_permissions.aadd(permission)
    assert (await browser.ask("/b/user/perm/")).json() == {"user": "ada"}


@pytest.mark.parametrize(
    ("target", "missing"),
    [
        ("user", "AuthenticationMiddleware"),
        ("session", "SessionMiddleware"),
        ("messages", "MessageMiddleware"),
    ],
)
async def test_what_rests_on_a_middleware_says_so(bridged, caplog, target, missing):
    async with running(bridged(["django.middleware.common.CommonMiddleware"])) as app:
        assert (await ask(app, f"/b/{target}/")).status == 500
    assert missing in caplog.text


async def test_who_was_found_is_not_looked_for_again():
    """A task that outlives the request may have no thread any more to look on. Django remembers, too."""
    request = HttpRequest()
    request.user, request.auser = SimpleLazyObject(lambda: "ada"), None
    one_user(request)
    assert await request.auser() == "ada"
    with pytest.raises(StopIteration) as found:
        request.auser().send(None)  # it waits for nothing
    assert found.value.value == "ada"


async def test_without_the_middleware_there_is_no_request(bridged, caplog):
    async with running(bridged(middleware="none")) as app:
        assert (await ask(app, "/b/user/")).status == 500
    assert 'middleware = "django"' in caplog.text


# -- sockets and odd requests -------------------------------------------------------------------


async def test_a_socket_has_the_user_and_the_session(app, ada):
    browser = await log_in(app)
    await browser.ask("/counter/")
    messages = await open_socket(app, "/b/socket/", headers=browser.header)
    assert messages[1]["text"] == '{"user":"ada","count":1}'


async def test_two_cookie_lines_are_a_bad_request(db_app, ada):
    """Django would join them to one, Starlette take the last: each another user."""
    browser = await log_in(db_app)
    cookie = browser.header["Cookie"].encode()
    for lines in ([cookie, b"sessionid=other"], [b"sessionid=other", cookie], [cookie, cookie]):
        found = await ask(db_app, "/b/user/", headers=[(b"cookie", line) for line in lines])
        assert found.status == 400


async def test_many_browsers_at_once_are_each_themselves(app: Gateway):
    people = [f"user{number}" for number in range(10)]
    browsers = []
    for name in people:
        await get_user_model().objects.acreate_user(name, f"{name}@example.com", "sesame")
        browser = Browser(app)
        assert (await browser.ask(f"/b/log-in/?name={name}&password=sesame", "POST")).status == 200
        browsers.append(browser)
    targets = ["/b/who/", "/b/user/sync/", "/who/"]
    asked = [
        (name, browser.ask(target)) for name, browser in zip(people, browsers, strict=True) for target in targets * 5
    ]
    answers = await asyncio.gather(*(answer for _, answer in asked))
    assert [answer.json()["user"] for answer in answers] == [name for name, _ in asked]
