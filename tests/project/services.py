"""Services of every make, for the gateway's own tests."""

import asyncio
import time
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.routing import Mount, Route
from starlette.routing import WebSocketRoute as SocketRoute
from starlette.types import Receive, Scope, Send

from gateway.bridge.rollback import all_in_transaction
from tests.project import gates

SECRET = "a secret that no caller may read"


# -- a FastAPI application with everything ------------------------------------------------------


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
    yield {"stored": "at startup"}


items = FastAPI(lifespan=_lifespan)


@items.get("/api/items/")
async def list_items() -> PlainTextResponse:
    return PlainTextResponse("service items")


@items.post("/api/items/")
async def create_item(request: Request) -> dict[str, int]:
    return {"size": len(await request.body())}


@items.get("/api/items/{number:int}/")
async def one_item(number: int) -> dict[str, int]:
    return {"item": number}


@items.delete("/api/both/")
async def delete_both() -> Response:
    return Response(status_code=204)


@items.delete("/shelves/{name}/")
async def delete_shelf(name: str) -> Response:
    return Response(status_code=204)


@items.get("/api/new/")
async def only_here() -> dict[str, bool]:
    return {"new": True}


@items.api_route("/api/echo/{rest:path}", methods=["GET", "POST"])
async def echo(request: Request, rest: str) -> dict[str, object]:
    return {
        "rest": rest,
        "path": request.scope["path"],
        "root_path": request.scope["root_path"],
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers.raw],
        "host": request.url.netloc,
        "state": getattr(request.state, "stored", None),
    }


@items.get("/api/raises/")
async def raises() -> None:
    raise RuntimeError(SECRET)


@items.get("/api/dies/")
async def dies_in_the_middle() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"half"
        await asyncio.sleep(0)
        raise RuntimeError(SECRET)

    return StreamingResponse(parts())


@items.get("/api/odd-headers/")
async def odd_headers() -> Response:
    return Response(headers={"X-Latin": "na\u00efve"})


@items.get("/api/events/{name}/")
async def events(name: str) -> StreamingResponse:
    """Server-sent events: the second one only once the gate is open."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"data: first\n\n"
        await gates.wait_async(name)
        yield b"data: last\n\n"

    return StreamingResponse(parts(), media_type="text/event-stream")


@items.websocket("/api/socket/")
async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(f"{text} {websocket.state.stored}")


# -- nesting ------------------------------------------------------------------------------------


class Letters(Convertor[str]):
    regex = "[a-z]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("letters", Letters())

_inner = APIRouter(prefix="/inner")


@_inner.get("/leaf")
async def leaf() -> dict[str, bool]:
    return {"leaf": True}


@_inner.put("/word/{word:letters}")
async def word(word: str) -> dict[str, str]:
    return {"word": word}


_outer = APIRouter(prefix="/outer")
_outer.include_router(_inner)

_mounted = FastAPI()


@_mounted.get("/deep/{rest:path}")
async def deep(rest: str) -> dict[str, str]:
    return {"rest": rest}


async def answer_anything(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"anything"})


nested = FastAPI()
nested.include_router(_outer, prefix="/api")
nested.mount("/api/mounted", _mounted)
nested.mount("/api/tree", answer_anything)


def versioned() -> FastAPI:
    """With a root_path of its own, which FastAPI deprecates but serves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app = FastAPI(root_path="/v1")
    app.add_api_route("/things", leaf)
    return app


# -- other makes --------------------------------------------------------------------------------


async def plain(scope, receive, send) -> None:
    """An ASGI application that is nothing else: no routes, no lifespan."""
    if scope["type"] != "http":
        raise RuntimeError("only http")
    await answer_anything(scope, receive, send)


async def _hello(request) -> PlainTextResponse:
    return PlainTextResponse(f"hello {request.method}")


async def _chat(websocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


starlette = Starlette(
    routes=[
        Route("/api/starlette/", _hello, methods=["GET", "PATCH"]),
        Mount("/api/below", routes=[Route("/{name}", _hello)]),
        SocketRoute("/api/chat/", _chat),
    ]
)


def factory() -> FastAPI:
    return FastAPI()


def failing_factory() -> FastAPI:
    raise ValueError("no settings")


not_an_application = 42

# -- lifespans that leave a trace ---------------------------------------------------------------

trace: list[str] = []


def traced(name: str, *, fail_at: str = "") -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if fail_at == "startup":
            raise RuntimeError(f"{name} has no database")
        trace.append(f"{name} started")
        yield
        trace.append(f"{name} stopped")
        if fail_at == "shutdown":
            raise RuntimeError(f"{name} lost its database")

    return FastAPI(lifespan=lifespan)


first, second, third = traced("first"), traced("second"), traced("third")
fails_to_start = traced("broken", fail_at="startup")
fails_to_stop = traced("stuck", fail_at="shutdown")


# -- one that fails in every way, next to views that don't --------------------------------------

failing = FastAPI()
HANGS = 60.0  # seconds: longer than any test waits


@failing.api_route("/f/{how}/", methods=["GET", "POST"])
async def fail_as_told(how: str, request: Request, response: Response) -> Any:
    """Fails as the path says; the view of the same path in Django doesn't."""
    await request.body()
    if how == "raises":
        raise RuntimeError(SECRET)
    if how == "hangs":
        await asyncio.sleep(HANGS)
    if how == "late":
        await asyncio.sleep(0.3)
    if how == "cancelled":
        await _given_up()
    if how == "dies":
        return StreamingResponse(_dying(), media_type="text/plain")
    if how.isdecimal():
        response.status_code = int(how)
        return {"service": how}
    return {"service": how, "body": len(await request.body())}


@failing.get("/f/blocks/{seconds}/")
def block(seconds: float) -> dict[str, str]:
    time.sleep(seconds)
    return {"service": "blocked"}


async def _given_up() -> None:
    """Awaits what others gave up, as the requests do that share the result of one that was cancelled."""
    shared: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    shared.cancel()
    await shared


async def _dying() -> AsyncIterator[bytes]:
    yield b"half"
    raise RuntimeError(SECRET)


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that returns without an answer."""


async def patient(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that reads until the caller leaves, and never answers."""
    if scope["type"] != "http":
        raise RuntimeError("only http")
    while (await receive())["type"] != "http.disconnect":
        pass


async def malformed(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that answers in the wrong order."""
    await send({"type": "http.response.body", "body": b"first the body"})


async def silent_no_more(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that begins an answer, and no more."""
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def late(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that begins its answer when it is told that it is too late."""
    if scope["type"] == "http":
        try:
            await asyncio.sleep(HANGS)
        finally:
            await silent_no_more(scope, receive, send)


async def forsaken(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that makes an error of its client's leaving, as BaseHTTPMiddleware does."""
    while scope["type"] == "http" and (await receive())["type"] != "http.disconnect":
        pass
    if scope["type"] == "http":
        if scope["path"] == "/f/503/":
            await send({"type": "http.response.start", "status": 503, "headers": []})
        raise RuntimeError("No response returned.")


async def undecided(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that lets sockets wait until they leave."""
    while scope["type"] == "websocket" and (await receive())["type"] != "websocket.disconnect":
        pass


stragglers: list[asyncio.Task[None]] = []


async def straggling(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that fails, and leaves a task behind that answers."""
    if scope["type"] == "http":
        stragglers.append(asyncio.ensure_future(_answer_late(send)))
        raise RuntimeError(SECRET)


async def _answer_late(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


# -- endpoints that can't be undone -------------------------------------------------------------

undoable_async, undoable_elsewhere = FastAPI(), FastAPI()


@undoable_async.post("/u/")
@all_in_transaction
async def not_on_one_thread() -> None:
    """A transaction belongs to a thread."""


@undoable_elsewhere.post("/u/")
@all_in_transaction(using="elsewhere")
def not_in_a_database() -> None:
    """There is no database of that name."""
