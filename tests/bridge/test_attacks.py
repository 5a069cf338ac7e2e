"""What an attacker tries, and what a project that has never thought of one is safe from."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from django.contrib.auth import SESSION_KEY, get_user_model, login
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from fastapi import Depends, FastAPI, HTTPException, Request, Response, WebSocket
from rest_framework.authentication import SessionAuthentication, TokenAuthentication
from rest_framework.decorators import authentication_classes, permission_classes
from rest_framework.permissions import AllowAny
from starlette.responses import PlainTextResponse, StreamingResponse

from gateway.bridge import DjangoRequest, atomic, csrf_exempt, in_django
from gateway.bridge.drf.credentials import drf
from gateway.bridge.drf.route import DRFRoute
from gateway.legacy import body as bodies
from tests.project import gates
from tests.project.middleware import hooks_left
from tests.support.asgi import Connection, ask, running, scope, until

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

COOKIE = {"Cookie": "sessionid=x"}


@pytest.fixture
def build(bridged):
    """A gateway with the service that a function of this module makes."""
    return lambda name, **more: bridged(app=f"tests.bridge.test_attacks:{name}", **more)


# -- an endpoint's marks hold for no other endpoint ---------------------------------------------


def shadowed() -> FastAPI:
    app = FastAPI()

    @app.post("/b/hooks/{name}/")
    async def general(name: str) -> str:
        return "general"

    @app.post("/b/hooks/bank/")
    @csrf_exempt
    async def never_reached() -> str:
        return "exempt"

    @app.post("/b/numbers/{name}/")
    async def any_number(name: str) -> str:
        return "general"

    @app.post("/b/numbers/{number:int}/")
    @csrf_exempt
    async def never_reached_either(number: int) -> str:
        return "exempt"

    @app.post("/b/drf/{name}/")
    async def general_again(name: str) -> str:
        return "general"

    @app.post("/b/drf/me/", dependencies=[Depends(drf(permissions=[AllowAny]))])
    async def never_guarded() -> str:
        return "guarded"

    return app


@pytest.mark.parametrize("path", ["/b/hooks/bank/", "/b/numbers/7/", "/b/drf/me/"])
async def test_the_marks_of_an_endpoint_that_is_never_reached(build, path):
    """The gateway prefers the more specific template, the service the one it declares first."""
    async with running(build("shadowed")) as app:
        assert (await ask(app, path, "POST")).json() == "general"
        assert (await ask(app, path, "POST", headers=COOKIE)).status == 403


def with_root() -> FastAPI:
    app = FastAPI()

    @app.post("/b")
    @csrf_exempt
    async def webhook() -> str:
        return "exempt"

    @app.post("/elsewhere")
    @csrf_exempt
    async def elsewhere() -> str:
        return "exempt"

    async def whatever(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("opaque")(scope, receive, send)

    app.mount("/b/opaque", whatever)
    app.mount("/b/twice", whatever)
    app.post("/b/twice")(csrf_exempt(elsewhere))
    return app


@pytest.mark.parametrize("claim", ["implemented", "all"])
@pytest.mark.parametrize("path", ["/b/opaque/x", "/b/twice/x"])
async def test_the_mark_of_the_endpoint_at_the_prefix(gateway, settings, claim, path):
    routes = [{"name": "b", "prefix": "/b", "service": "bridged", "claim": claim}]
    service = {"app": "tests.bridge.test_attacks:with_root"}
    async with running(gateway(services={"bridged": service}, routes=routes)) as app:
        assert (await ask(app, "/b", "POST", headers=COOKIE)).text == '"exempt"'
        assert (await ask(app, path, "POST")).text == "opaque"
        assert (await ask(app, path, "POST", headers=COOKIE)).status == 403


# -- credentials that are neither a cookie nor an Authorization header --------------------------


def says_who() -> FastAPI:
    app = FastAPI()

    @app.post("/b/who/")
    async def who(request: DjangoRequest) -> str:
        return str(request.user.get_username())

    return app


def from_proxy(get_response):
    """As RemoteUserMiddleware, for a header that a proxy sets once it has seen a certificate or a ticket."""

    def middleware(request: HttpRequest) -> Any:
        if name := request.META.get("HTTP_X_REMOTE_USER"):
            request.user = get_user_model().objects.get(username=name)
            if request.GET.get("log-in"):
                login(request, request.user, "django.contrib.auth.backends.RemoteUserBackend")
        return get_response(request)

    return middleware


@pytest.mark.parametrize("more", [[], ["tests.project.middleware.async_only"]])
@pytest.mark.parametrize("query", ["", "?log-in=1"])
async def test_a_caller_whom_the_proxy_vouches_for_needs_the_token(build, settings, query, more):
    """Browsers leave cookies with SameSite=Lax out of foreign forms, but show the certificate."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.bridge.test_attacks.from_proxy", *more]
    await get_user_model().objects.acreate_user("ada")
    async with running(build("says_who")) as app:
        headers = {"X-Remote-User": "ada"}
        assert (await ask(app, f"/b/who/{query}", "POST", headers=headers)).status == 403
        assert (await ask(app, "/b/who/", "POST")).json() == ""


# -- the user that nobody has asked a token for -------------------------------------------------


tokens = drf(authentication=[TokenAuthentication], permissions=[AllowAny])
sessions = drf(authentication=[SessionAuthentication], permissions=[AllowAny])


async def early(request: DjangoRequest) -> str:
    """Runs before DRF has asked."""
    return str((await request.auser()).get_username())


def withheld() -> FastAPI:
    app = FastAPI()

    @app.post("/b/early/")
    async def before(found: Annotated[str, Depends(early)], _: Annotated[Any, Depends(sessions)]) -> str:
        return found

    @app.post("/b/tokens/", dependencies=[Depends(tokens)])
    async def by_token(request: DjangoRequest) -> str:
        return str((await request.auser()).get_username())

    @app.post("/b/sessions/", dependencies=[Depends(sessions)])
    async def by_session(request: DjangoRequest) -> str:
        return str((await request.auser()).get_username())

    return app


def dispatched() -> FastAPI:
    app = FastAPI()
    app.router.route_class = DRFRoute

    @app.post("/b/dispatched/")
    @authentication_classes([TokenAuthentication])
    @permission_classes([AllowAny])
    async def by_token(request: DjangoRequest) -> str:
        return str((await request.auser()).get_username())

    return app


@pytest.fixture
async def session_cookie(settings):
    user = await get_user_model().objects.acreate_user("ada")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    session["_auth_user_hash"] = user.get_session_auth_hash()
    await session.asave()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


@pytest.mark.parametrize(("path", "status"), [("early", 403), ("tokens", 200), ("sessions", 403)])
async def test_auser_is_withheld_too(build, session_cookie, path, status):
    async with running(build("withheld")) as app:
        found = await ask(app, f"/b/{path}/", "POST", headers={"Cookie": session_cookie})
        assert (found.status, "ada" in found.text) == (status, False)
        token = "x" * 32
        headers = {"Cookie": f"{session_cookie}; csrftoken={token}", "X-CSRFToken": token}
        found = await ask(app, f"/b/{path}/", "POST", headers=headers)
        assert (found.status, found.json()) == (200, "ada" if path == "sessions" else "")


async def test_auser_is_the_one_that_drf_found(build, session_cookie):
    async with running(build("dispatched", answers="drf")) as app:
        found = await ask(app, "/b/dispatched/", "POST", headers={"Cookie": session_cookie})
        assert (found.status, found.json()) == (200, "")


# -- methods ------------------------------------------------------------------------------------


def overrides(get_response):
    """As projects do for forms that want PUT and DELETE."""

    def middleware(request: HttpRequest) -> Any:
        request.method = request.GET.get("_method", request.method)
        return get_response(request)

    return middleware


async def test_a_method_that_a_middleware_calls_safe(build, settings):
    """CsrfViewMiddleware would not look at it, and the service would still answer POST."""
    csrf = settings.MIDDLEWARE.index("django.middleware.csrf.CsrfViewMiddleware")
    settings.MIDDLEWARE = [*settings.MIDDLEWARE]
    settings.MIDDLEWARE.insert(csrf, "tests.bridge.test_attacks.overrides")
    async with running(build("says_who")) as app:
        assert (await ask(app, "/b/who/?_method=GET", "POST", headers=COOKIE)).status == 400
        assert (await ask(app, "/b/who/?_method=PUT", "POST", headers=COOKIE)).status == 403


def database() -> Iterator[None]:
    """A dependency as FastAPI's manual has it."""
    yield


# -- sockets ------------------------------------------------------------------------------------


def sockets() -> FastAPI:
    app = FastAPI()

    @app.websocket("/b/socket/")
    async def plain(socket: WebSocket) -> None:
        await socket.accept()
        await socket.receive()

    @app.websocket("/b/socket/held/")
    async def held_open(socket: WebSocket, _: Annotated[None, Depends(database)]) -> None:
        await socket.accept()
        await socket.receive()

    @app.get("/b/small/")
    def small() -> str:
        return "ok"

    return app


@pytest.mark.parametrize(
    ("scheme", "origin", "kind"),
    [
        ("wss", "http://testserver", "close"),
        ("wss", "https://testserver", "accept"),
        ("ws", "http://testserver", "accept"),
        ("ws", "https://testserver", "accept"),  # the proxy may not say so
        ("wss", "null", "close"),
    ],
)
async def test_an_unencrypted_page_opens_no_encrypted_socket(build, scheme, origin, kind):
    async with running(build("sockets")) as app:
        handshake = scope("/b/socket/", kind="websocket", headers={"Origin": origin}, scheme=scheme)
        connection = Connection(app, handshake)
        connection.give("websocket.connect")
        assert (await connection.until(1))[0]["type"] == f"websocket.{kind}"
        connection.give("websocket.disconnect", code=1000)
        await connection.done()


@pytest.mark.xfail(strict=True, reason="a synchronous `yield` dependency keeps a thread for as long as its socket")
@pytest.mark.slow
async def test_sockets_do_not_take_every_thread(build):
    async with running(build("sockets")) as app:
        opened = [
            Connection(app, scope("/b/socket/held/", kind="websocket")) for _ in range(app.legacy.pools.leases.size)
        ]
        for connection in opened:
            connection.give("websocket.connect")
            await connection.until(1)
        small = asyncio.create_task(ask(app, "/b/small/"))
        done, _ = await asyncio.wait([small], timeout=1)
        for connection in opened:
            connection.give("websocket.disconnect", code=1000)
            await connection.done()
        await small
        assert done


# -- what middleware leaves on its thread -------------------------------------------------------

on_thread = threading.local()


def leaves_user_on_thread(get_response):
    """As django-crum: whoever saves a row can be asked for there."""

    def middleware(request: HttpRequest) -> Any:
        on_thread.user = request.GET["user"]
        response = get_response(request)
        response["X-User"] = str(getattr(on_thread, "user", None))
        return response

    return middleware


def waits() -> FastAPI:
    app = FastAPI()

    @app.get("/b/waits/")
    async def wait(user: str) -> str:
        gates.open_gate(f"{user}-entered")
        await gates.wait_async(f"{user}-goes-on")
        return str(await in_django(getattr, on_thread, "user", None))

    return app


@pytest.mark.parametrize(
    "one_thread",
    [
        True,
        pytest.param(False, marks=pytest.mark.xfail(strict=True, reason="chains that wait share a thread")),
    ],
)
async def test_a_threading_local_of_a_middleware_is_the_requests(build, settings, one_thread):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.bridge.test_attacks.leaves_user_on_thread"]
    async with running(build("waits", one_thread=one_thread)) as app:
        both = {}
        for user in (f"ada-{one_thread}", f"bob-{one_thread}"):
            both[user] = asyncio.create_task(ask(app, f"/b/waits/?user={user}"))
            await gates.wait_async(f"{user}-entered")
        for user in both:
            gates.open_gate(f"{user}-goes-on")
        found = {user: await asking for user, asking in both.items()}
        assert [(user, answer["x-user"], answer.json()) for user, answer in found.items()] == [
            (user, user, user) for user in both
        ]


# -- bodies -------------------------------------------------------------------------------------


def takes_body() -> FastAPI:
    app = FastAPI()

    @app.post("/b/body/")
    async def body(request: Request) -> int:
        return len(await request.body())

    return app


async def test_a_body_above_the_limit_is_not_kept(build):
    async with running(build("takes_body", max_body=1000)) as app:
        connection = Connection(app, scope("/b/body/", "POST"))
        connection.body(b"x" * 900, more=True)
        connection.body(b"x" * 900, more=True)  # and the rest never comes
        assert (await connection.done()).status == 413


# -- header injection ---------------------------------------------------------------------------


def injects() -> FastAPI:
    app = FastAPI()

    @app.get("/b/injects/")
    async def injected(name: str, stream: bool = False) -> Response:
        async def parts() -> Any:
            yield b"x"

        response = Response("ok")
        if stream:
            response = StreamingResponse(parts())
        response.raw_headers.append((name.encode(), b"a=b\r\nX-Injected: yes"))
        return response

    return app


@pytest.mark.parametrize("more", ["", "&stream=1"])
@pytest.mark.parametrize("name", ["set-cookie", "x-own"])
async def test_line_ends_in_headers_are_refused(build, name, more):
    async with running(build("injects")) as app:
        found = await ask(app, f"/b/injects/?name={name}{more}")
        assert found.status == 500
        assert not [line for line in found.lines if b"\n" in line[1] or b"\r" in line[1]]


# -- clients that don't read --------------------------------------------------------------------


def held() -> FastAPI:
    app = FastAPI()

    @app.get("/b/large/", dependencies=[Depends(database)])
    def large() -> Response:
        return Response(b"x" * 100_000)

    @app.get("/b/streams/", dependencies=[Depends(database)])
    def streams() -> Any:
        async def parts() -> Any:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0)

        return StreamingResponse(parts())

    @app.get("/b/small/")
    def small() -> str:
        return "ok"

    return app


@pytest.mark.parametrize("path", ["large", "streams"])
async def test_clients_that_stop_reading_give_their_threads_back(build, monkeypatch, path):
    monkeypatch.setattr(bodies, "STALL", 0.2)
    async with running(build("held")) as app:
        stuck = []
        for _ in range(app.legacy.pools.leases.size):
            connection = Connection(app, scope(f"/b/{path}/"))
            connection.body()
            connection.stop_reading()
            stuck.append(connection)
        await asyncio.sleep(0.1)
        found = await ask(app, "/b/small/")
        assert found.json() == "ok"
        for connection in stuck:
            await connection.done()


# -- transactions -------------------------------------------------------------------------------


async def create(name: str) -> None:
    await get_user_model().objects.acreate(username=name, email=f"{name}@example.com")


def transactions() -> FastAPI:
    app = FastAPI()

    @app.post("/b/at-once/{name}/")
    async def at_once(name: str) -> str:
        entered, other = asyncio.Event(), asyncio.Event()

        async def fails() -> None:
            async with atomic():
                await create(f"{name}-fails")
                entered.set()
                await asyncio.wait_for(other.wait(), 0.5)
                raise HTTPException(409, "no")

        async def second() -> None:
            await entered.wait()
            async with atomic():
                await create(f"{name}-second")
                other.set()
                await asyncio.sleep(0.1)

        found = await asyncio.gather(fails(), second(), return_exceptions=True)
        return repr(found)

    @app.post("/b/nested/{name}/")
    async def nested(name: str) -> str:
        async with atomic():
            await create(f"{name}-outer")
            try:
                async with atomic():
                    await create(f"{name}-inner")
                    raise ValueError
            except ValueError:
                pass

            async def child() -> None:
                async with atomic():
                    await create(f"{name}-child")

            await asyncio.create_task(child())
        async with atomic():
            await create(f"{name}-next")
        return "ok"

    @app.post("/b/left/{name}/")
    async def left(name: str, ends: bool) -> str:
        entered, end = asyncio.Event(), asyncio.Event()

        async def child() -> None:
            async with atomic():
                await create(f"{name}-child")
                entered.set()
                await end.wait()

        try:
            async with atomic():
                await create(f"{name}-outer")
                task = asyncio.create_task(child())
                await entered.wait()
        finally:
            if ends:
                end.set()
                await task
        return "ok"

    return app


@pytest.mark.parametrize("ends", ["true", "false"])
async def test_a_transaction_left_before_one_inside_it_is_rolled_back(build, ends):
    async with running(build("transactions")) as app:
        assert (await ask(app, f"/b/left/a/?ends={ends}", "POST")).status == 500
        assert (await ask(app, "/b/nested/b/", "POST")).json() == "ok"
        names = {name async for name in get_user_model().objects.values_list("username", flat=True)}
        assert names == {"b-outer", "b-child", "b-next"}


@pytest.mark.long
async def test_two_transactions_at_once_do_not_end_each_others(build):
    async with running(build("transactions")) as app:
        found = await ask(app, "/b/at-once/a/", "POST")
        names = [name async for name in get_user_model().objects.values_list("username", flat=True)]
        assert "a-fails" not in names, found.text
        assert "a-second" not in names, found.text
        assert "RuntimeError" in found.text


async def test_transactions_in_each_other(build):
    async with running(build("transactions")) as app:
        assert (await ask(app, "/b/nested/a/", "POST")).json() == "ok"
        names = {name async for name in get_user_model().objects.values_list("username", flat=True)}
        assert names == {"a-outer", "a-child", "a-next"}


# -- a middleware that asks twice ---------------------------------------------------------------


def asks_twice(get_response):
    def middleware(request: HttpRequest) -> Any:
        get_response(request)
        return get_response(request)

    return middleware


async def test_a_middleware_that_asks_twice_leaves_nothing_behind(build, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.bridge.test_attacks.asks_twice"]
    async with running(build("held")) as app:
        hooks_left.clear()
        assert (await ask(app, "/b/small/")).status == 500
        assert await until(lambda: hooks_left == ["/b/small/"])
