"""Services whose requests end late: every kind of endpoint, in the transaction of a `yield` dependency."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import anyio.to_thread
from django.db import connection, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, WebSocket
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware

from gateway.bridge import Session, all_in_transaction, atomic, in_django
from tests.project import gates

TABLE = "CREATE TABLE written (name varchar(99) NOT NULL)"  # made by the test; a row may be there twice
ETAG = '"unchanged"'
ROLLED_BACK = "rolled back"
router = APIRouter()
endpoint = partial(router.api_route, methods=["GET", "POST"])  # GET writes too, for what HEAD and 304 leave


def write(name: str, fail: str = "") -> dict[str, str]:
    """One row."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO written VALUES (%s)", [name])
    if fail == "raise":
        raise RuntimeError("secret")
    return {"created": name}


async def write_async(name: str, fail: str = "") -> dict[str, str]:
    """As `write`."""
    await asyncio.sleep(0)
    return await in_django(write, name, fail)


@csrf_exempt
def view(request: HttpRequest, kind: str, name: str) -> JsonResponse:
    """Legacy, for every kind."""
    with transaction.atomic():
        return JsonResponse(write(name, request.GET.get("fail", "")))


def in_transaction(fail: str = "") -> Iterator[None]:
    """A transaction until the end of the request, which can't be committed where `fail` is "commit"."""
    with transaction.atomic():
        yield
        _fail_at_commit(fail)


async def in_transaction_async(fail: str = "") -> AsyncIterator[None]:
    """As `in_transaction`, where the dependency is asynchronous."""
    async with atomic():
        yield
        _fail_at_commit(fail)


def without_autocommit(fail: str = "") -> Iterator[None]:
    """As `in_transaction`, by hand."""
    transaction.set_autocommit(False)
    try:
        yield
        _fail_at_commit(fail)
        transaction.commit()
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)


def _fail_at_commit(fail: str) -> None:
    if fail == "commit":
        raise RuntimeError(ROLLED_BACK)


held = [Depends(in_transaction)]
held_shortly = [Depends(in_transaction, scope="function")]


@endpoint("/sync/{name}/", dependencies=held)
def sync(name: str, fail: str = "") -> dict[str, str]:
    return write(name, fail)


@endpoint("/plain/{name}/")
def plain(name: str, fail: str = "") -> dict[str, str]:
    """In no transaction but that of ATOMIC_REQUESTS."""
    with transaction.atomic():
        return write(name, fail)


@endpoint("/shortly/{name}/", dependencies=held_shortly)
def shortly(name: str, fail: str = "") -> dict[str, str]:
    return write(name, fail)


@endpoint("/async/{name}/", dependencies=held)
@transaction.non_atomic_requests
async def asynchronous(name: str, fail: str = "") -> dict[str, str]:
    return await write_async(name, fail)


@endpoint("/async-dependency/{name}/", dependencies=[Depends(in_transaction_async)])
@transaction.non_atomic_requests
async def async_dependency(name: str, fail: str = "") -> dict[str, str]:
    return await write_async(name, fail)


@endpoint("/by-hand/{name}/", dependencies=[Depends(without_autocommit)])
@transaction.non_atomic_requests
def by_hand(name: str, fail: str = "") -> dict[str, str]:
    return write(name, fail)


@endpoint("/undoable/{name}/", dependencies=held)
@all_in_transaction
def undoable(name: str, fail: str = "") -> dict[str, str]:
    return write(name, fail)


@endpoint("/stream/{name}/", dependencies=held)
@transaction.non_atomic_requests
async def stream(name: str, fail: str = "") -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"first "
        await write_async(name, fail)
        yield b"second"

    return StreamingResponse(parts())


@endpoint("/stream-sync/{name}/", dependencies=held)
def stream_sync(name: str, fail: str = "") -> StreamingResponse:
    def parts() -> Iterator[bytes]:
        yield b"first "
        write(name, fail)
        yield b"second"

    return StreamingResponse(parts())


@endpoint("/stream-after/{name}/", dependencies=held_shortly)
def stream_after(name: str, fail: str = "") -> StreamingResponse:
    """Streams what comes after the transaction."""
    write(name, fail)
    return StreamingResponse(iter([b"first ", b"second"]))


@endpoint("/file/{name}/", dependencies=held)
def file(name: str, fail: str = "") -> FileResponse:
    write(name, fail)
    return FileResponse(__file__)


@endpoint("/empty/{name}/", dependencies=held, status_code=204)
def empty(name: str, fail: str = "") -> None:
    write(name, fail)


@endpoint("/unmodified/{name}/", dependencies=held)
def unmodified(name: str, fail: str = "") -> Response:
    write(name, fail)
    return Response(status_code=304, headers={"ETag": ETAG})


@endpoint("/unmodified-async/{name}/", dependencies=[Depends(in_transaction_async)])
@transaction.non_atomic_requests
async def unmodified_async(name: str, fail: str = "") -> Response:
    await write_async(name, fail)
    return Response(status_code=304, headers={"ETag": ETAG})


@endpoint("/tagged/{name}/", dependencies=held)
def tagged(name: str, response: Response, fail: str = "") -> dict[str, str]:
    """For a middleware to answer 304 instead."""
    response.headers["ETag"] = ETAG
    return write(name, fail)


@endpoint("/tagged-stream/{name}/", dependencies=held)
@transaction.non_atomic_requests
async def tagged_stream(name: str, fail: str = "") -> Response:
    async def parts() -> AsyncIterator[bytes]:
        yield b"first "
        await write_async(name, fail)
        yield b"second"

    return StreamingResponse(parts(), headers={"ETag": ETAG})


@endpoint("/task/{name}/", dependencies=held)
def task(name: str, tasks: BackgroundTasks, fail: str = "") -> dict[str, str]:
    """Writes in a background task."""
    tasks.add_task(write, name, fail)
    return {"created": name}


@endpoint("/task-async/{name}/", dependencies=held)
@transaction.non_atomic_requests
async def task_async(name: str, tasks: BackgroundTasks, fail: str = "") -> dict[str, str]:
    tasks.add_task(write_async, name, fail)
    return {"created": name}


@router.websocket("/socket/{name}/", dependencies=held)
async def socket(websocket: WebSocket, name: str, fail: str = "") -> None:
    await websocket.accept()
    await write_async(name, fail)
    await websocket.close()


@router.websocket("/socket-before/{name}/", dependencies=held)
async def socket_before(websocket: WebSocket, name: str, fail: str = "") -> None:
    """Has written when it is accepted."""
    await write_async(name, fail)
    await websocket.accept()
    await websocket.close()


@router.websocket("/socket-denied/{name}/", dependencies=held)
async def socket_denied(websocket: WebSocket, name: str, fail: str = "") -> None:
    """Has written when it is refused."""
    await write_async(name, fail)
    await websocket.send_denial_response(JSONResponse({"refused": name}, 409))


@endpoint("/session/{name}/", dependencies=held)
def with_session(name: str, session: Session, fail: str = "") -> dict[str, str]:
    """Leaves something to SessionMiddleware to save, while the transaction is open."""
    session["name"] = name
    return write(name, fail)


@endpoint("/outlived/{name}/")
@transaction.non_atomic_requests
async def outlived(name: str) -> None:
    """Leaves a task behind that writes when the gate `name` is opened."""

    async def later() -> None:
        await gates.wait_async(name)
        await anyio.to_thread.run_sync(write, name)

    left_behind[name] = asyncio.create_task(later())


left_behind: dict[str, asyncio.Task[None]] = {}


@endpoint("/ended/{kind}/{name}/", dependencies=held)
@transaction.non_atomic_requests
async def ended(kind: str, name: str, tasks: BackgroundTasks) -> Response:
    """Notes when its own work is done: `events`."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.sleep(0.01)
        events.append("stream")

    async def later() -> None:
        await asyncio.sleep(0.01)
        events.append("task")

    if kind == "stream":
        return StreamingResponse(parts())
    tasks.add_task(later)
    return JSONResponse({})


events: list[str] = []


def below(prefix: str) -> FastAPI:
    """All of them below `prefix`."""
    made = FastAPI()
    made.include_router(router, prefix=prefix)
    return made


# -- what services put around their endpoints -----------------------------------------------------


async def pass_on(request: Any, call_next: Any) -> Response:
    """As `@app.middleware("http")`."""
    response: Response = await call_next(request)
    response.headers["X-Passed-On"] = "yes"
    return response


class Splits:
    """ASGI middleware that sends every body in small parts, and an empty one last."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def split(message: Any) -> None:
            if message["type"] != "http.response.body":
                await send(message)
                return
            body = message.get("body", b"")
            for start in range(0, len(body), 10):
                await send({"type": "http.response.body", "body": body[start : start + 10], "more_body": True})
            if not message.get("more_body", False):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self.app(scope, receive, split)


def app() -> FastAPI:
    """With nothing around."""
    return below("/b")


def passed_on() -> Any:
    return BaseHTTPMiddleware(below("/b"), dispatch=pass_on)


def first() -> Any:
    """As `passed_on`, below a path where legacy has `view`."""
    return BaseHTTPMiddleware(below("/first"), dispatch=pass_on)


def second() -> Any:
    """The same again."""
    return BaseHTTPMiddleware(below("/second"), dispatch=pass_on)


def compressed() -> Any:
    return GZipMiddleware(below("/b"), minimum_size=1)


def split() -> Any:
    return Splits(below("/b"))


# -- tenants, each with a schema of its own (PostgreSQL) -------------------------------------------

tenants = FastAPI()
looked: Counter[str] = Counter()  # "tenant owner": how often a request of `tenant` saw a row of `owner`


def look(tenant: str) -> None:
    """Note whose row it is that a request of `tenant` sees."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT owner FROM note")
        looked[f"{tenant} {cursor.fetchone()[0]}"] += 1


async def look_later(tenant: str) -> None:
    """As `look`, once others have had their turn."""
    await asyncio.sleep(0.002)
    await in_django(look, tenant)


def look_around(tenant: str) -> Iterator[None]:
    """Before the endpoint and after the answer."""
    look(tenant)
    yield
    look(tenant)


@tenants.get("/b/sync/")
def tenant_sync(tenant: str) -> None:
    look(tenant)


@tenants.get("/b/async/")
async def tenant_async(tenant: str) -> None:
    await look_later(tenant)


@tenants.get("/b/dependency/", dependencies=[Depends(look_around)])
async def tenant_dependency(tenant: str) -> None:
    await look_later(tenant)


@tenants.get("/b/stream/")
async def tenant_stream(tenant: str) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"part "
            await look_later(tenant)

    return StreamingResponse(parts())


@tenants.get("/b/stream-sync/")
def tenant_stream_sync(tenant: str) -> StreamingResponse:
    def parts() -> Iterator[bytes]:
        for _ in range(3):
            yield b"part "
            look(tenant)

    return StreamingResponse(parts())


@tenants.get("/b/task/")
async def tenant_task(tenant: str, tasks: BackgroundTasks) -> None:
    tasks.add_task(look_later, tenant)
    tasks.add_task(look, tenant)


@tenants.websocket("/b/socket/")
async def tenant_socket(websocket: WebSocket, tenant: str) -> None:
    await websocket.accept()
    for _ in range(3):
        await look_later(tenant)
        await websocket.send_text("looked")
    await websocket.close()


@tenants.get("/b/looked/")
async def what_was_seen() -> dict[str, int]:
    return looked
