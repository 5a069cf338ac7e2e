"""A service inside the project's middleware, for the bridge's tests."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request, Response, WebSocket
from fastapi.responses import StreamingResponse

from gateway.bridge import (
    CurrentUser,
    DjangoRequest,
    Messages,
    OptionalUser,
    Session,
    StaffUser,
    atomic,
    in_django,
    require_perm,
)
from tests.project import gates

app = FastAPI()
seen: list[str] = []


@app.get("/b/plain/")
async def plain() -> dict[str, str]:
    return {"answer": "plain"}


@app.get("/b/sync/")
def sync() -> dict[str, str]:
    return {"answer": "sync"}


@app.get("/b/view/{number:int}/{name}/")
async def viewed(request: DjangoRequest, number: int, name: str) -> dict[str, Any]:
    match = request.resolver_match
    return {"name": match.view_name, "route": match.route, "kwargs": match.kwargs, "seen": request.viewed}


@app.get("/b/locale/")
async def locale() -> dict[str, str]:
    await asyncio.sleep(0)
    zone = timezone.get_current_timezone_name()
    return {"language": translation.get_language(), "zone": zone, "text": gettext("Yes")}


@app.get("/b/locale/sync/")
def locale_sync() -> dict[str, str]:
    zone = timezone.get_current_timezone_name()
    return {"language": translation.get_language(), "zone": zone, "text": gettext("Yes")}


@app.get("/b/activates/")
async def activates() -> dict[str, str]:
    translation.activate("el")
    return {}


@app.get("/b/raises/")
async def raises() -> None:
    raise RuntimeError("secret")


@app.get("/b/raises/sync/")
def raises_sync() -> None:
    raise RuntimeError("secret")


@app.get("/b/404/")
async def not_found() -> None:
    raise Http404("secret")


@app.get("/b/answers-500/")
async def answers_500() -> Response:
    return Response("my own 500", status_code=500)


@app.post("/b/body/")
async def body(request: Request) -> dict[str, int]:
    return {"size": len(await request.body())}


@app.post("/b/echo/")
async def echo(request: Request, django: DjangoRequest) -> dict[str, Any]:
    return {"body": (await request.body()).decode(), "post": django.POST.dict()}


@app.post("/b/exempt/")
@csrf_exempt
async def exempt() -> dict[str, bool]:
    return {"ok": True}


@app.get("/b/cookies/")
async def cookies(response: Response) -> dict[str, bool]:
    response.set_cookie("one", "1", httponly=True, samesite="strict")
    response.set_cookie("two", "2")
    return {"ok": True}


@app.get("/b/streams/{name}/")
async def streams(name: str) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"first "
        await gates.wait_async(f"{name}-second")
        yield b"second"

    return StreamingResponse(parts(), media_type="text/plain")


@app.get("/b/streams-sync/{name}/")
def streams_sync(name: str) -> StreamingResponse:
    def parts() -> Iterator[bytes]:
        yield b"first "
        gates.wait(f"{name}-second")
        yield b"second"

    return StreamingResponse(parts(), media_type="text/plain")


@app.get("/b/dies/")
async def dies() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError("secret")

    return StreamingResponse(parts())


@app.get("/b/waits/{name}/")
async def waits(name: str) -> dict[str, str]:
    gates.open_gate(f"{name}-entered")
    await gates.wait_async(name)
    return {"waited": name}


@app.get("/b/background/{name}/")
async def background(name: str, tasks: BackgroundTasks) -> dict[str, bool]:
    async def later() -> None:
        await gates.wait_async(name)
        seen.append(name)

    tasks.add_task(later)
    return {"ok": True}


# -- user, session, messages ---------------------------------------------------------------------


@app.get("/b/user/")
async def user(user: CurrentUser) -> dict[str, str]:
    return {"user": user.get_username()}


@app.get("/b/user/sync/")
def user_sync(user: CurrentUser) -> dict[str, str]:
    return {"user": user.get_username()}


@app.get("/b/user/optional/")
async def user_optional(user: OptionalUser) -> dict[str, str | None]:
    return {"user": user and user.get_username()}


@app.get("/b/user/staff/")
async def user_staff(user: StaffUser) -> dict[str, str]:
    return {"user": user.get_username()}


@app.get("/b/user/perm/")
async def user_perm(user: Annotated[Any, Depends(require_perm("auth.change_user"))]) -> dict[str, str]:
    return {"user": user.get_username()}


@app.post("/b/session/")
async def write_session(session: Session) -> dict[str, int]:
    session["count"] = session.get("count", 0) + 1
    return {"count": session["count"]}


@app.get("/b/session/")
def read_session(session: Session) -> dict[str, int]:
    return {"count": session.get("count", 0)}


@app.post("/b/message/")
async def leave_message(messages: Messages) -> dict[str, bool]:
    messages.add(20, "hello")
    return {"ok": True}


@app.get("/b/messages/")
async def read_messages(messages: Messages) -> dict[str, list[str]]:
    return {"messages": [str(message) for message in messages]}


@app.websocket("/b/socket/")
async def socket(websocket: WebSocket, user: OptionalUser, session: Session) -> None:
    await websocket.accept()
    await websocket.send_json({"user": user and user.get_username(), "count": session.get("count", 0)})
    await websocket.close()


# -- the ORM -------------------------------------------------------------------------------------


def _thread() -> Iterator[int]:
    yield threading.get_ident()
    seen.append(f"exit {threading.get_ident()}")


Thread = Annotated[int, Depends(_thread)]


def _second() -> int:
    return threading.get_ident()


@app.get("/b/threads/")
def threads(first: Thread, second: Annotated[int, Depends(_second)], tasks: BackgroundTasks) -> list[int]:
    return [first, second, threading.get_ident()]


def _transaction() -> Iterator[None]:
    with transaction.atomic():
        yield


@app.post("/b/create/{name}/", dependencies=[Depends(_transaction)])
@csrf_exempt
def create(name: str, fail: bool = False) -> dict[str, str]:
    get_user_model().objects.create(username=name)
    if fail:
        raise HTTPException(409, "no")
    return {"created": name}


@app.post("/b/create-async/{name}/")
@csrf_exempt
async def create_async(name: str, fail: bool = False) -> dict[str, str]:
    async with atomic():
        await get_user_model().objects.acreate(username=name)
        await asyncio.sleep(0)
        if fail:
            raise HTTPException(409, "no")
    return {"created": name}


@app.post("/b/create-plain/{name}/")
@csrf_exempt
def create_plain(name: str, fail: bool = False) -> dict[str, str]:
    get_user_model().objects.create(username=name)
    if fail:
        raise HTTPException(409, "no")
    return {"created": name}


@app.get("/b/slow-query/{name}/")
async def slow_query(name: str) -> dict[str, bool]:
    def query() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        gates.open_gate(f"{name}-entered")
        return gates.wait(name)

    return {"ok": await in_django(query)}
