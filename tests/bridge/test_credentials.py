"""DRF's and the project's own classes decide who may call a FastAPI endpoint, and answer as they always did."""

from __future__ import annotations

import base64
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.cache import cache
from django.db import connections
from django.test import Client
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from rest_framework.authentication import BaseAuthentication, RemoteUserAuthentication, TokenAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.permissions import AllowAny, BasePermission, IsAdminUser, IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import AccessToken
from starlette.applications import Starlette
from starlette.routing import Mount

from gateway import ConfigError
from gateway.bridge.drf.credentials import drf
from gateway.bridge.drf.openapi.anonymous import document_anonymous
from gateway.bridge.drf.route import DRFRoute
from legacy.accounts.models import User
from tests.project import guarded
from tests.support.asgi import ask, open_socket, running
from tests.support.parity import same

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True), pytest.mark.table]

CSRF = "a" * 32


@pytest.fixture(autouse=True)
def _fresh(settings, project):
    settings.ROOT_URLCONF = "tests.project.guarded"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.project.guarded.note_user"]
    settings.SIMPLE_JWT = {"SIGNING_KEY": "for tests only, and long enough for HS256"}
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    guarded.asked.clear()
    yield
    cache.clear()


@pytest.fixture
def ada(db):
    return User.objects.create_user("ada", "ada@example.com", "ada")


@pytest.fixture
async def moved(gateway):
    services = {"guarded": {"app": "tests.project.guarded:app"}}
    async with running(gateway(services=services, routes=[{"name": "g", "prefix": "/g", "service": "guarded"}])) as app:
        yield app


@pytest.fixture
async def old(gateway):
    async with running(gateway()) as app:
        yield app


def session(user, *, token=None, sent=None):
    client = Client()
    client.force_login(user)
    cookies = {"sessionid": client.cookies["sessionid"].value} | ({"csrftoken": token} if token else {})
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    return headers | ({"X-CSRFToken": sent} if sent else {})


def token(user):
    return {"Authorization": f"Token {Token.objects.get_or_create(user=user)[0].key}"}


def jwt(user, lifetime=timedelta(minutes=5)):
    made = AccessToken.for_user(user)
    made.set_exp(lifetime=lifetime)
    return {"Authorization": f"Bearer {made}"}


def basic(name, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


async def in_thread(function, *arguments, **more):
    from asgiref.sync import sync_to_async

    return await sync_to_async(function)(*arguments, **more)


# -- who is calling ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("guard", "status", "challenge"),
    [
        ("session-first", 403, None),
        ("token-first", 401, "Token"),
        ("jwt", 401, 'Bearer realm="api"'),
        ("basic", 401, 'Basic realm="api"'),
        ("odd", 403, None),
        ("nobody", 200, None),
        ("anyone", 200, None),
        ("default", 200, None),
        ("model", 403, None),
        ("ada", 403, None),
        ("staff-or-ada", 401, "Token"),
    ],
)
async def test_an_anonymous_caller(old, moved, guard, status, challenge):
    answer = await same(old, moved, f"/g/{guard}/")
    assert (answer.status, answer["www-authenticate"]) == (status, challenge)


@pytest.mark.parametrize("guard", [name for name in guarded.GUARDS if name != "fickle"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_caller_with_a_session(old, moved, ada, guard, method):
    headers = await in_thread(session, ada, token=CSRF, sent=CSRF)
    await same(old, moved, f"/g/{guard}/", method, headers=headers)


@pytest.mark.parametrize("guard", [name for name in guarded.GUARDS if name != "fickle"])
async def test_a_caller_with_a_token(old, moved, ada, guard):
    headers = await in_thread(token, ada)
    await same(old, moved, f"/g/{guard}/", headers=headers)


async def test_a_token_is_enough_for_unsafe_methods(old, moved, ada):
    headers = await in_thread(token, ada)
    answer = await same(old, moved, "/g/token-first/", "POST", headers=headers)
    assert answer.json() == {"user": "ada", "auth": "Token"}


@pytest.mark.parametrize(
    "value", ["Token", "Token nonsense", "Token a b", "Token \xff", "Bearer x", "Basic x", "Basic x:y", "Nothing"]
)
@pytest.mark.parametrize("guard", ["session-first", "token-first", "jwt", "basic", "nobody"])
async def test_garbage_for_credentials(old, moved, guard, value):
    await same(old, moved, f"/g/{guard}/", "POST", headers={"Authorization": value})


async def test_an_inactive_user(old, moved, ada):
    credentials = [await in_thread(make, ada) for make in (session, token, jwt)]
    ada.is_active = False
    await ada.asave()
    for guard, headers in zip(["session-first", "token-first", "jwt"], credentials, strict=True):
        answer = await same(old, moved, f"/g/{guard}/", headers=headers)
        assert answer.status in (401, 403)


@pytest.mark.parametrize(("minutes", "status"), [(5, 200), (-5, 401)])
async def test_a_json_web_token(old, moved, ada, minutes, status):
    headers = await in_thread(jwt, ada, timedelta(minutes=minutes))
    assert (await same(old, moved, "/g/jwt/", "POST", headers=headers)).status == status


async def test_a_json_web_token_that_was_changed(old, moved, ada):
    headers = await in_thread(jwt, ada)
    headers["Authorization"] = headers["Authorization"][:-4] + "AAAA"
    assert (await same(old, moved, "/g/jwt/", headers=headers)).status == 401


@pytest.mark.parametrize(("password", "status"), [("ada", 200), ("wrong", 401)])
async def test_a_password(old, moved, ada, password, status):
    assert (await same(old, moved, "/g/basic/", headers=basic("ada", password))).status == status


async def test_a_class_of_the_projects_own(old, moved, ada):
    answer = await same(old, moved, "/g/odd/", headers={"X-Odd": "ada"})
    assert answer.json()["user"] == "ada"


async def test_an_authentication_class_that_fails_is_djangos_500(old, moved):
    answers = [await ask(app, "/g/odd/", headers={"X-Odd": "nobody"}) for app in (old, moved)]
    assert [answer.status for answer in answers] == [500, 500]
    assert answers[0].body == answers[1].body


# -- forgery -------------------------------------------------------------------------------------


@pytest.mark.parametrize("guard", ["session-first", "token-first", "anyone", "default", "model", "throttled"])
@pytest.mark.parametrize(("cookie", "sent"), [(None, None), (CSRF, None), (CSRF, "b" * 32), (None, CSRF)])
async def test_a_session_without_the_token_is_refused_by_drf(old, moved, ada, guard, cookie, sent):
    headers = await in_thread(session, ada, token=cookie, sent=sent)
    answer = await same(old, moved, f"/g/{guard}/", "POST", headers=headers)
    assert (answer.status, answer.json()["detail"][:12]) == (403, "CSRF Failed:")


async def test_the_token_may_come_in_a_form(old, moved, ada):
    headers = await in_thread(session, ada, token=CSRF)
    body = f"csrfmiddlewaretoken={CSRF}".encode()
    headers |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
    assert (await same(old, moved, "/g/session-first/", "POST", headers=headers, body=body)).status == 200


async def test_a_cookie_that_is_no_session_needs_no_token(old, moved):
    answer = await same(old, moved, "/g/anyone/", "POST", headers={"Cookie": "language=el"})
    assert answer.status == 200


@pytest.mark.parametrize("target", ["/g/unguarded/", "/g/both/"])
async def test_an_endpoint_that_trusts_the_session_by_itself_needs_the_token(moved, ada, target):
    without, right = await in_thread(session, ada), await in_thread(session, ada, token=CSRF, sent=CSRF)
    refused = await ask(moved, target, "POST", headers=without)
    assert (refused.status, b"CSRF" in refused.body) == (403, True)
    assert (await ask(moved, target, "POST", headers=right)).status in (200, 401)


async def test_a_token_counts_for_the_bridges_own_user_too(moved, ada):
    answer = await ask(moved, "/g/both/", "POST", headers=await in_thread(token, ada))
    assert answer.json() == {"user": "ada"}


async def test_the_same_function_without_the_dependency_needs_the_token(moved, ada):
    headers = await in_thread(session, ada)
    drf, django = [await ask(moved, "/g/shared/", method, headers=headers) for method in ("POST", "PUT")]
    assert (drf.status, drf["content-type"]) == (403, "application/json")
    assert (django.status, django["content-type"]) == (403, "text/html; charset=utf-8")


async def test_before_drf_has_asked_for_the_token_nobody_is_logged_in(moved, ada):
    right, wrong = await in_thread(session, ada, token=CSRF, sent=CSRF), await in_thread(session, ada)
    assert (await ask(moved, "/g/early/", "POST", headers=right)).json() == ["AnonymousUser"] * 2 + ["ada"] * 2
    assert (await ask(moved, "/g/early/", "POST", headers=wrong)).status == 403


async def test_an_endpoint_that_stands_in_the_way_of_another_needs_the_token(moved, ada):
    without, right = await in_thread(session, ada), await in_thread(session, ada, token=CSRF, sent=CSRF)
    refused = await ask(moved, "/g/shadows/me/", "POST", headers=without)
    assert (refused.status, b"CSRF" in refused.body) == (403, True)
    assert (await ask(moved, "/g/shadows/me/", "POST", headers=right)).json() != "AnonymousUser"


async def test_the_middleware_has_the_user_again_where_drf_was_not_reached(moved, ada):
    headers = await in_thread(session, ada) | {"Content-Type": "application/json", "X-Note": "yes"}
    answer = await ask(moved, "/g/wants-body/", "POST", headers=headers, body=b"{")
    assert (answer.status, guarded.asked) == (422, ["afterwards: ada"])


# -- what is permitted ---------------------------------------------------------------------------


@pytest.mark.parametrize("allowed", [False, True])
async def test_model_permissions(old, moved, ada, allowed):
    if allowed:
        permission = await Permission.objects.aget(codename="add_group")
        await ada.user_permissions.aadd(permission)
    answer = await same(old, moved, "/g/model/", "POST", headers=await in_thread(token, ada))
    assert answer.status == (200 if allowed else 403)


async def test_a_permissions_own_message(old, moved, ada):
    grace = await in_thread(User.objects.create_user, "grace")
    answer = await same(old, moved, "/g/ada/", headers=await in_thread(token, grace))
    assert answer.json() == {"code": "not_ada", "detail": "You are not Ada."}


@pytest.mark.parametrize("guard", ["session-first", "token-first", "throttled", "ada"])
async def test_the_answers_of_drfs_own_handler(old, moved, settings, guard):
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"EXCEPTION_HANDLER": "rest_framework.views.exception_handler"}
    answer = await same(old, moved, f"/g/{guard}/", "POST", times=2)
    assert list(answer.json()) == ["detail"]


async def test_the_project_says_it_in_the_callers_language(old, moved):
    answer = await same(old, moved, "/g/token-first/", headers={"Accept-Language": "el"})
    assert answer["content-language"] == "el"
    assert "authentication" not in answer.text.lower()


@pytest.mark.parametrize("target", ["groups", "groups-sync"])
async def test_object_permissions(old, moved, ada, target):
    mine, other = [await Group.objects.acreate(name=name) for name in ("mine", "other")]
    await ada.groups.aadd(mine)
    headers = await in_thread(token, ada)
    found = [
        (await same(old, moved, f"/g/{target}/{pk}/", headers=headers)).status for pk in (mine.pk, other.pk, 12345)
    ]
    assert found == [200, 403, 404]
    assert (await same(old, moved, f"/g/{target}/{mine.pk}/")).status == 401


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_view_and_its_action_may_be_named_instead(old, moved, ada, method):
    grace = await in_thread(User.objects.create_user, "grace")
    for headers in ({}, await in_thread(token, ada), await in_thread(token, grace)):
        await same(old, moved, "/g/members/", method, headers=headers)


@pytest.mark.parametrize(
    ("target", "known", "status"), [("members", False, 401), ("members", True, 429), ("groups/1", True, 404)]
)
async def test_a_browser_gets_drfs_own_pages(old, moved, ada, target, known, status):
    headers = {"Accept": "text/html"} | (await in_thread(session, ada) if known else {})
    pages = []
    for app in (old, moved):
        cache.clear()
        await ask(app, f"/g/{target}/", headers=headers)
        answer = await ask(app, f"/g/{target}/", headers=headers)
        assert answer.status == status
        pages.append(re.sub('"csrfToken": "[^"]+"', "", answer.text))
    assert "Django REST framework" in pages[0]
    assert target != "members" or pages[1] == pages[0]  # of the others, DRF doesn't know the name


# -- how often -----------------------------------------------------------------------------------


@pytest.mark.parametrize("guard", ["throttled", "scoped"])
async def test_a_throttled_caller(old, moved, guard):
    answer = await same(old, moved, f"/g/{guard}/", times=2)
    assert (answer.status, answer["retry-after"]) == (429, "60")


async def test_a_throttle_that_can_not_tell_how_long(old, moved):
    answer = await same(old, moved, "/g/fickle/")
    assert (answer.status, answer["retry-after"]) == (429, None)


async def test_the_view_and_the_moved_endpoint_count_together(old, moved):
    assert (await ask(old, "/g/throttled/")).status == 200
    assert (await ask(moved, "/g/throttled/")).status == 429


# -- dependencies add up -------------------------------------------------------------------------


async def test_a_routers_dependency_holds_for_its_endpoints(moved, ada):
    assert (await ask(moved, "/g/below/")).status == 403
    assert (await ask(moved, "/g/below/", headers=await in_thread(token, ada))).status == 200


async def test_each_class_is_asked_once(moved, ada):
    answer = await ask(moved, "/g/below/twice/7/", headers=await in_thread(token, ada))
    assert (answer.json(), guarded.asked) == ({"ok": True}, ["None {'number': '7'}"])


async def test_permissions_add_up(moved, ada):
    headers = await in_thread(token, ada)
    assert (await ask(moved, "/g/below/staff/", "POST", headers=headers)).status == 403
    ada.is_staff = True
    await ada.asave()
    cache.clear()
    assert (await ask(moved, "/g/below/staff/", "POST", headers=headers)).status == 200


async def test_permissions_of_a_router_and_of_a_view_add_up(moved, ada):
    grace = await in_thread(User.objects.create_user, "grace")
    found = [
        (await ask(moved, "/g/below/member/", headers=await in_thread(token, user))).status for user in (ada, grace)
    ]
    assert found == [200, 403]
    assert (await ask(moved, "/g/below/member/")).status == 401


async def test_what_one_view_can_not_be_is_found_before_anything_is_served(gateway):
    services = {"guarded": {"app": "tests.project.guarded:at_odds"}}
    with pytest.raises(ConfigError) as found:
        gateway(services=services, routes=[{"name": "g", "prefix": "/g", "service": "guarded"}])
    assert [(problem.value, problem.expected) for problem in found.value.problems] == [
        ("/g/two-views/", "dependencies that name one DRF view between them; these name Groups, Members"),
        ("/g/two-pages/", "at most one dependency of each of these: paginate()"),
    ]


# -- what the endpoint raises --------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "status"), [("unready", 503), ("shop", 409), ("other", 500)])
async def test_the_projects_handler_answers_what_the_endpoint_raises(old, moved, kind, status):
    first, second = [await ask(app, f"/g/raises/{kind}/") for app in (old, moved)]
    assert (second.status, second.body, second["vary"]) == (first.status, first.body, first["vary"])
    assert second.status == status


async def test_an_exception_of_drf_is_answered_without_any_dependency(moved):
    answer = await ask(moved, "/g/plainly/")
    assert (answer.status, answer.json()) == (503, {"code": "error", "detail": "Not yet."})


async def test_what_was_written_before_is_rolled_back(moved):
    assert (await ask(moved, "/g/saves/", "POST")).status == 503
    assert not await Group.objects.aexists()


@pytest.mark.parametrize(("kind", "status", "kept"), [("kept", 200, True), ("refused", 503, False)])
async def test_atomic_requests_are_rolled_back_for_what_drf_answers(gateway, monkeypatch, kind, status, kept):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    services = {"guarded": {"app": "tests.project.guarded:atomic_app"}}
    async with running(gateway(services=services, routes=[{"name": "g", "prefix": "/g", "service": "guarded"}])) as app:
        answer = await ask(app, f"/g/atomic/{kind}/", "POST")
    assert (answer.status, await Group.objects.filter(name=kind).aexists()) == (status, kept)


# -- sockets -------------------------------------------------------------------------------------


async def test_a_socket_is_opened_for_those_let_in(moved, ada):
    messages = await open_socket(moved, "/g/socket/", headers=await in_thread(token, ada))
    assert [message["type"] for message in messages][:1] == ["websocket.accept"]
    assert messages[1]["text"] == "ada"


async def test_a_socket_is_refused_to_others(moved):
    messages = await open_socket(moved, "/g/socket/")
    assert [(message["type"], message.get("code")) for message in messages] == [("websocket.close", 1008)]


# -- the documentation ---------------------------------------------------------------------------


def security(path, method="get"):
    document_anonymous(guarded.app)  # as the gateway does with each service
    return guarded.app.openapi()["paths"][path][method].get("security")


@pytest.mark.parametrize(
    ("guard", "schemes"),
    [
        ("session-first", ["SessionAuthentication", "TokenAuthentication"]),
        ("jwt", ["JWTAuthentication"]),
        ("basic", ["BasicAuthentication"]),
        ("default", ["SessionAuthentication", "TokenAuthentication", None]),  # anybody may read
        ("odd", ["Odd"]),  # whose source says which header it reads
        ("nobody", None),
    ],
)
def test_the_documentation_shows_how_to_authenticate(guard, schemes):
    assert security(f"/g/{guard}/") == (schemes and [{scheme: []} if scheme else {} for scheme in schemes])


def test_the_documentation_describes_each_scheme():
    schemes = guarded.app.openapi()["components"]["securitySchemes"]
    described = {name: (scheme["type"], scheme.get("scheme") or scheme.get("name")) for name, scheme in schemes.items()}
    assert described == {
        "SessionAuthentication": ("apiKey", "sessionid"),
        "TokenAuthentication": ("apiKey", "Authorization"),
        "JWTAuthentication": ("http", "bearer"),
        "BasicAuthentication": ("http", "basic"),
        "OAuth2PasswordBearer": ("oauth2", None),
        "Odd": ("apiKey", "X-Odd"),
    }
    assert schemes["JWTAuthentication"]["bearerFormat"] == "JWT"


class Opaque(TokenAuthentication):
    keyword = "Bearer"


class Hawk(BaseAuthentication):
    def authenticate_header(self, request):
        return f'Hawk realm="{request.get_host()}"'


@pytest.mark.parametrize(
    ("authenticator", "scheme"), [(Opaque, "bearer"), (Hawk, None), (RemoteUserAuthentication, None)]
)
def test_a_scheme_is_what_the_class_itself_asks_for(authenticator, scheme):
    app = FastAPI(dependencies=[Depends(drf(authentication=[authenticator]))])
    app.get("/")(lambda: None)
    schemes = app.openapi().get("components", {}).get("securitySchemes", {})
    assert schemes.get(authenticator.__name__) == (scheme and {"type": "http", "scheme": scheme})


class Open(BasePermission):
    """Says nothing of whom it lets in."""


class Some(APIView):
    permission_classes = (AllowAny,)


class ByRequest(Some):
    def get_permissions(self):
        return [AllowAny() if self.request.method == "GET" else IsAuthenticated()]


TOKEN = {"TokenAuthentication": []}
by_token = {"authentication": [TokenAuthentication]}


@pytest.mark.parametrize(
    ("outer", "inner", "get", "post"),
    [
        (None, drf(permissions=[AllowAny], **by_token), True, True),
        (None, drf(permissions=[IsAuthenticatedOrReadOnly], **by_token), True, False),
        (None, drf(permissions=[IsAuthenticated], **by_token), False, False),
        (None, drf(permissions=[AllowAny, IsAdminUser], **by_token), False, False),
        (None, drf(permissions=[Open], **by_token), False, False),
        (None, drf(permissions=[AllowAny | IsAdminUser], **by_token), False, False),
        (None, drf(view=Some, **by_token), True, True),
        (None, drf(view=ByRequest, **by_token), False, False),
        (drf(permissions=[IsAuthenticated], **by_token), drf(permissions=[AllowAny], **by_token), False, False),
        (drf(permissions=[AllowAny], **by_token), None, True, True),
    ],
)
@pytest.mark.parametrize("kind", [APIRoute, DRFRoute])
def test_the_documentation_says_where_no_credentials_are_needed(kind, outer, inner, get, post):
    """Whether its application, a router or the endpoint says so."""
    router = APIRouter(route_class=kind, dependencies=[Depends(inner)] if inner is not None else [])
    router.get("/x/")(lambda: None)
    router.post("/x/")(lambda: None)
    app = FastAPI(dependencies=[Depends(outer)] if outer is not None else [])
    app.include_router(router, prefix="/in")
    site = Starlette(routes=[Mount("/site", app)])
    for _ in range(2):  # two gateways of one process
        document_anonymous(site)
    for _ in range(2):
        found = app.openapi()["paths"]["/in/x/"]
    assert (found["get"]["security"], found["post"]["security"]) == tuple(
        [TOKEN, {}] if anybody else [TOKEN] for anybody in (get, post)
    )


def test_fastapis_own_scheme_needs_credentials_whatever_rest_framework_says():
    app = FastAPI(dependencies=[Depends(drf(permissions=[AllowAny], **by_token)), Depends(HTTPBearer())])
    app.get("/")(lambda: None)
    document_anonymous(app)
    assert {} not in app.openapi()["paths"]["/"]["get"]["security"]


async def test_a_service_in_the_gateway_says_so(moved):
    assert {} in guarded.app.openapi()["paths"]["/g/default/"]["get"]["security"]


async def test_fastapis_own_scopes_work_beside_it(moved, ada):
    assert security("/g/scopes/") == [{"OAuth2PasswordBearer": ["read"]}, {"Odd": []}]
    answer = await ask(moved, "/g/scopes/", headers={"Authorization": "Bearer key", "X-Odd": "ada"})
    assert answer.json() == {"token": "key read", "user": "ada"}
    assert (await ask(moved, "/g/scopes/"))["www-authenticate"] == "Bearer"
