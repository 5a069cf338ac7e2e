"""A canary takes persons, however they show who they are: whom the project's authentication finds is the caller."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_login_failed
from django.contrib.sessions.models import Session
from django.test import Client
from rest_framework.authtoken.models import Token
from rest_framework_simplejwt.tokens import AccessToken

from gateway.cli.caller import caller_named
from gateway.legacy import callers
from gateway.rollout.cohort import Caller
from gateway.rollout.stage import State
from gateway.routing.request import read_request
from gateway.routing.table import Match
from gateway.stats.throttled_warnings import ThrottledWarnings
from gateway.workbench.explain import explained, scope_of
from legacy.accounts.models import User
from tests.project import authenticated
from tests.support.asgi import ask, running, scope

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True), pytest.mark.table]

WEIGHTS = [0.5, 10, 30, 50, 70, 90, 99.5]


@pytest.fixture(autouse=True)
def _fresh(settings, project, monkeypatch):
    settings.ROOT_URLCONF = "tests.project.authenticated"
    settings.SIMPLE_JWT = {"SIGNING_KEY": "for tests only, and long enough for HS256"}
    monkeypatch.setattr(callers, "throttled", ThrottledWarnings(callers.logger))
    authenticated.asked.clear()


@pytest.fixture
def people():
    """Users, each with a session."""
    names = ["ada", "bob", "cyd", "dan", "eve"]
    found = [User.objects.create_user(name, f"{name}@example.com", "sesame") for name in names]
    for user in found:
        client = Client()
        client.force_login(user)
        user.cookie = f"sessionid={client.cookies['sessionid'].value}"
    return found


@pytest.fixture
def ada(people):
    return people[0]


@pytest.fixture
async def canary(gateway):
    """A gateway of which the routes are in canary, and the same at another weight."""
    services = {"new": {"app": "tests.project.authenticated:app", "middleware": "none"}}
    common = {"service": "new", "stage": "canary", "weight": 50, "always": ["staff", "group:beta"], "group": "all"}
    common["mirror"] = {"canary": 0}
    routes = [{"name": "a", "prefix": "/a"} | common, {"name": "tree", "prefix": "/tree", "claim": "all"} | common]
    async with running(gateway(services=services, routes=routes)) as app:
        yield app


def at(app, weight):
    """`app`, with its routes at this weight."""
    app.publish(app.snapshot.at({name: State("canary", weight) for name in ("a", "tree")}, 1))
    return app


async def side(app, path, method="GET", cookie=None, **headers):
    """Who answers a request with these headers."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()} | ({"Cookie": cookie} if cookie else {})
    answer = await ask(app, path, method, headers=sent)
    return answer["x-served-by"]


async def caller(app, path, method="GET", cookie=None, **headers):
    """Whom `gateway explain` sees in a request with these headers, and why it goes where."""
    sent = {name.replace("_", "-").lower().encode(): value.encode() for name, value in headers.items()}
    if cookie:
        sent[b"cookie"] = cookie.encode()
    asked = scope_of(method, path, [*sent.items()], "testserver")
    found = await asyncio.to_thread(explained, app, asked)
    return found["caller"]["user"], found["reason"]


# -- one person, one side -------------------------------------------------------------------------


async def test_all_keys_of_a_person_are_on_the_side_of_his_session(canary, people):
    seen = set()
    for weight in WEIGHTS:
        for user in people:
            keys = [{"Authorization": f"Key {user.username}-{number}"} for number in range(4)]
            sides = {await side(at(canary, weight), "/a/keys/", **key) for key in keys}
            sides.add(await side(canary, "/a/plain/", cookie=user.cookie))
            assert len(sides) == 1, (weight, user)
            seen |= sides
    assert seen == {"legacy", "new"}


async def test_so_are_all_jwts_of_a_person(canary, people):
    for weight in WEIGHTS:
        for user in people:
            tokens = [f"Bearer {AccessToken.for_user(user)}" for _ in range(4)]
            assert len(set(tokens)) == 4
            sides = {await side(at(canary, weight), "/a/jwt/", Authorization=token) for token in tokens}
            assert sides == {await side(canary, "/a/keys/", Authorization=f"Key {user.username}-1")}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/a/keys/", {"Authorization": "Key ada-1"}),
        ("/a/api-key/", {"X_Api_Key": "ada-1"}),
        ("/a/leafing/", {"X_Api_Key": "ada-1"}),
        ("/a/cookie/", {"cookie": "theme=dark; key=ada-1"}),
        ("/a/query/?key=ada-1", {}),
        ("/a/guest/", {}),
        ("/a/set/", {"Authorization": "Key ada-1"}),
        ("/a/of/shoes/", {"Authorization": "Key ada-1"}),
        ("/a/function/", {"Authorization": "Key ada-1"}),
        ("/tree/keys/", {"Authorization": "Key ada-1"}),
        ("/tree/api-key/", {"X_Api_Key": "ada-1"}),
    ],
)
async def test_the_caller_is_whom_the_views_classes_find_wherever_they_look(canary, ada, path, shown):
    assert await side(canary, path.partition("?")[0]) in ("legacy", "new")  # nobody shows anything there at first
    assert (await caller(canary, path, **shown))[0] == str(ada.pk)
    assert (await caller(canary, path, "POST", **shown))[0] == (None if "set" in path else str(ada.pk))


async def test_one_action_may_be_authenticated_in_another_way(canary, ada):
    assert (await caller(canary, "/a/set/", Authorization="Key ada-1"))[0] == str(ada.pk)
    assert (await caller(canary, "/a/set/", X_Api_Key="ada-1"))[0] is None
    assert (await caller(canary, "/a/set/", "POST", X_Api_Key="ada-1"))[0] == str(ada.pk)


async def test_views_below_one_claim_keep_their_own_ways(canary, ada):
    assert (await caller(canary, "/tree/keys/", X_Api_Key="ada-1"))[0] is None
    assert (await caller(canary, "/tree/api-key/", X_Api_Key="ada-1"))[0] == str(ada.pk)
    assert (await caller(canary, "/tree/keys/", Authorization="Key ada-1"))[0] == str(ada.pk)


@pytest.mark.parametrize("path", ["/a/plain/", "/a/new/"])
async def test_where_no_view_of_drfs_is_the_projects_default_classes_are_asked(canary, ada, path):
    token = await Token.objects.acreate(user=ada)
    assert (await caller(canary, path, Authorization=f"Token {token.key}"))[0] == str(ada.pk)


async def test_a_sockets_caller_is_found_as_that_of_a_request(canary, ada):
    made = scope("/a/keys/", kind="websocket", headers={"Authorization": "Key ada-1"})
    info = read_request(made, "", None)
    assert await canary.legacy.caller(Match("a", "/a/keys/"), info, made) == Caller(str(ada.pk))


async def test_a_password_is_only_checked_where_the_view_checks_it(canary, ada, settings):
    """A proxy's password, on its way through, would be a failed login to whoever counts these."""
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"]}
    failed = []
    user_login_failed.connect(on_failure := lambda **_: failed.append(1))
    for credentials in (b"ada:sesame", b"proxy:secret"):
        shown = f"Basic {base64.b64encode(credentials).decode()}"
        assert (await caller(canary, "/a/plain/", Authorization=shown))[0] is None
        assert failed == []
    shown = f"Basic {base64.b64encode(b'ada:sesame').decode()}"
    assert (await caller(canary, "/a/basic/", Authorization=shown))[0] == str(ada.pk)
    user_login_failed.disconnect(on_failure)


# -- always in ------------------------------------------------------------------------------------


async def test_staff_are_always_in_by_their_tokens_too(canary, ada):
    assert await side(at(canary, 0), "/a/jwt/", Authorization=f"Bearer {AccessToken.for_user(ada)}") == "legacy"
    ada.is_staff = True
    await ada.asave()
    assert await side(canary, "/a/jwt/", Authorization=f"Bearer {AccessToken.for_user(ada)}") == "new"
    assert (await caller(canary, "/a/keys/", Authorization="Key ada-9"))[1].endswith("always in, as staff")


async def test_so_is_a_group(canary, ada):
    await ada.groups.aadd(await Group.objects.acreate(name="beta"))
    assert await side(at(canary, 0), "/a/keys/", Authorization="Key ada-1") == "new"
    assert await side(canary, "/a/keys/", Authorization="Key bob-1") == "legacy"


async def test_explain_as_a_user_decides_as_for_each_of_his_tokens(canary, people):
    people[1].is_staff = True
    await people[1].asave()
    for user in people:
        asked = scope_of("GET", "/a/keys/", [], "testserver")
        named = await asyncio.to_thread(caller_named, user.username)
        told = await asyncio.to_thread(explained, canary, asked, named)
        assert await side(canary, "/a/keys/", Authorization=f"Key {user.username}-1") == told["upstream"]
        user_seen, reason = await caller(canary, "/a/keys/", Authorization=f"Key {user.username}-2")
        assert (user_seen, reason) == (told["caller"]["user"], told["reason"])


# -- who is nobody --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "credentials"),
    [("/a/either/", "Token nonsense"), ("/a/jwt/", "Bearer nonsense"), ("/a/keys/", "Other ada-1")],
)
async def test_by_a_token_that_is_not_good_nobody_is_known_and_its_header_is_the_key(
    canary, ada, path, credentials, caplog
):
    user, reason = await caller(canary, path, Authorization=credentials)
    assert user is None
    assert "by credentials" in reason
    assert not caplog.records


async def test_a_token_that_is_refused_is_nobodys_whoever_is_logged_in(canary, ada):
    """As the view has it, which answers 401."""
    token = "Token nonsense"
    assert (await caller(canary, "/a/token-first/", cookie=ada.cookie, Authorization=token))[0] is None


async def test_the_first_class_that_knows_somebody_decides(canary, people):
    ada, bob = people[:2]
    token = await Token.objects.acreate(user=bob)
    both = {"cookie": ada.cookie, "Authorization": f"Token {token.key}"}
    assert (await caller(canary, "/a/either/", **both))[0] == str(ada.pk)
    assert (await caller(canary, "/a/token-first/", **both))[0] == str(bob.pk)
    assert (await caller(canary, "/a/plain/", **both))[0] == str(ada.pk)


async def test_who_is_logged_in_is_known_where_classes_know_nobody(canary, ada):
    assert (await caller(canary, "/a/keys/", cookie=ada.cookie))[0] == str(ada.pk)


async def test_a_session_is_its_owners_without_a_csrf_token_too(canary, ada):
    """Whether the view lets the request pass is another question."""
    assert (await caller(canary, "/a/either/", "POST", cookie=ada.cookie))[0] == str(ada.pk)


# -- what goes wrong ------------------------------------------------------------------------------


async def test_a_class_that_raises_is_no_error_of_the_gateways_and_is_logged_once(canary, people, caplog):
    for user in people:
        key = f"Key {user.username}-1"
        assert (await caller(canary, "/a/broken/", Authorization=key))[0] is None
    said = "the caller is unknown, as the project's authentication raised RuntimeError: the key server is away"
    assert [record.message for record in caplog.records] == [f"GET /a/broken/: {said}"]


async def test_the_body_is_not_read_for_it(canary, ada, caplog):
    body = json.dumps({"by": "ada"}).encode()
    at(canary, 0)
    answer = await ask(
        canary, "/a/signed/", "POST", body=body, headers={"Content-Type": "application/json", "Content-Length": "13"}
    )
    assert (answer["x-served-by"], json.loads(answer.body)) == ("legacy", {"user": "ada"})
    assert "it reads the request's body, which the view is to find unread" in caplog.text


async def test_nothing_of_the_session_is_changed(canary, ada, settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a newer one", [settings.SECRET_KEY]
    key = ada.cookie.partition("=")[2]
    before = await Session.objects.aget(pk=key)
    assert (await caller(canary, "/a/either/", cookie=ada.cookie))[0] == str(ada.pk)
    after = await Session.objects.aget(pk=key)
    assert (after.session_data, after.expire_date) == (before.session_data, before.expire_date)


# -- how often ------------------------------------------------------------------------------------


async def test_a_credential_is_asked_about_once_in_a_while(canary, ada):
    for _ in range(3):
        await side(at(canary, 100), "/a/keys/", Authorization="Key ada-1")
    await side(canary, "/a/keys/", "POST", Authorization="Key ada-1", Accept="text/html", cookie="theme=dark")
    assert authenticated.asked.count("ada-1") == 2  # for each place that is new, and as the cache has it after that
    await side(canary, "/a/keys/", Authorization="Key ada-2")
    assert authenticated.asked.count("ada-2") == 1


async def test_of_many_at_once_too(canary, ada):
    await side(at(canary, 100), "/a/keys/")
    await asyncio.gather(*(side(canary, "/a/keys/", Authorization="Key ada-1") for _ in range(20)))
    assert authenticated.asked == ["ada-1"]


async def test_and_again_after_that_while(canary, ada, monkeypatch):
    monkeypatch.setattr(callers.Callers, "SECONDS", 0.0)
    for _ in range(3):
        await side(at(canary, 100), "/a/keys/", Authorization="Key ada-1")
    assert authenticated.asked == ["ada-1"] * 3


async def test_different_keys_are_never_taken_for_one_at_first_sight(canary, people):
    """Before anything is known of what a view's classes read."""
    names = [user.username for user in people] * 4
    found = await asyncio.gather(
        *(caller(canary, "/a/api-key/", X_Api_Key=f"{name}-{number}") for number, name in enumerate(names))
    )
    assert [user for user, _ in found] == [str(user.pk) for user in people] * 4


async def test_who_shows_nothing_is_asked_about_no_more(canary, ada, monkeypatch):
    await side(canary, "/a/api-key/")
    monkeypatch.setattr(callers, "_found", None)
    assert await side(canary, "/a/api-key/", Accept="text/html") in ("legacy", "new")
