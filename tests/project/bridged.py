"""A service inside the project's middleware, for the bridge's tests."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import anyio.to_thread
from asgiref.local import Local
from asgiref.sync import async_to_sync
from django.contrib.auth import (
    aauthenticate,
    alogin,
    alogout,
    aupdate_session_auth_hash,
    authenticate,
    get_user_model,
    login,
    logout,
    update_session_auth_hash,
)
from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone, translation
from django.utils.translation import gettext
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request, Response, WebSocket
from fastapi.responses import FileResponse, StreamingResponse

from gateway.bridge import (
    CurrentUser,
    DjangoRequest,
    Messages,
    OptionalUser,
    Session,
    StaffUser,
    all_in_transaction,
    atomic,
    csrf_exempt,
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


@app.get("/locale/")
async def activates_and_raises() -> None:
    """Where the project has a view too, which says what language is active."""
    translation.activate("el")
    timezone.activate("Asia/Tokyo")
    raise RuntimeError("secret")


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


@app.post("/b/exempt/sync/")
@csrf_exempt
def exempt_sync() -> dict[str, bool]:
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


@app.post("/b/open/{name}/")
async def open_gate(name: str) -> dict[str, bool]:
    gates.open_gate(name)
    return {"ok": True}


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


@app.get("/b/counter/")
def counter(session: Session) -> dict[str, int]:
    """As the view `counter`."""
    return count(session)


@app.get("/b/counter/async/")
async def counter_async(session: Session) -> dict[str, int]:
    return count(session)


def count(session: Any) -> dict[str, int]:
    session["count"] = session.get("count", 0) + 1
    return {"count": session["count"]}


@app.get("/b/who/")
async def who(user: OptionalUser) -> dict[str, str]:
    """As the view `who`."""
    return {"user": user.get_username() if user else ""}


@app.post("/b/log-in/")
async def log_in(request: DjangoRequest, name: str, password: str) -> dict[str, bool]:
    user = await aauthenticate(request, username=name, password=password)
    if user is None:
        raise HTTPException(403, "no")
    await alogin(request, user)
    return {"ok": True}


@app.post("/b/log-in/sync/")
def log_in_sync(request: DjangoRequest, name: str, password: str) -> dict[str, bool]:
    user = authenticate(request, username=name, password=password)
    if user is None:
        raise HTTPException(403, "no")
    login(request, user)
    return {"ok": True}


@app.post("/b/log-out/")
async def log_out(request: DjangoRequest) -> dict[str, bool]:
    await alogout(request)
    return {"ok": True}


@app.post("/b/log-out/sync/")
def log_out_sync(request: DjangoRequest) -> dict[str, bool]:
    logout(request)
    return {"ok": True}


@app.post("/b/cycle/")
async def cycle(session: Session) -> dict[str, bool]:
    await session.acycle_key()
    return {"ok": True}


@app.post("/b/password/")
async def change_password(request: DjangoRequest, user: CurrentUser, password: str) -> dict[str, bool]:
    user.set_password(password)
    await user.asave()
    known = await request.auser() == user  # as Django 6 asks on the next line
    await aupdate_session_auth_hash(request, user)
    return {"ok": known}


@app.post("/b/password/sync/")
def change_password_sync(request: DjangoRequest, user: CurrentUser, password: str) -> dict[str, bool]:
    user.set_password(password)
    user.save()
    update_session_auth_hash(request, user)
    return {"ok": True}


@app.get("/b/user/perm/sync/")
def user_perm_sync(user: Annotated[Any, Depends(require_perm("auth.change_user"))]) -> dict[str, str]:
    return {"user": user.get_username()}


@app.get("/b/user/staff/sync/")
def user_staff_sync(user: StaffUser) -> dict[str, str]:
    return {"user": user.get_username()}


@app.websocket("/b/socket/")
async def socket(websocket: WebSocket, user: OptionalUser, session: Session) -> None:
    await websocket.accept()
    await websocket.send_json({"user": user and user.get_username(), "count": session.get("count", 0)})
    await websocket.close()


# -- the ORM -------------------------------------------------------------------------------------


def _users() -> Any:
    return get_user_model()._default_manager


def _named(name: str) -> dict[str, str]:
    return {"username": name, "email": f"{name}@example.com"}


def _thread() -> Iterator[int]:
    yield threading.get_ident()
    seen.append(f"exit {threading.get_ident()}")


Thread = Annotated[int, Depends(_thread)]


def _second() -> int:
    return threading.get_ident()


@app.get("/b/threads/")
def threads(first: Thread, second: Annotated[int, Depends(_second)]) -> list[int]:
    return [first, second, threading.get_ident()]


@app.get("/b/threads/async/")
async def threads_async(first: Thread, second: Annotated[int, Depends(_second)]) -> list[int]:
    await asyncio.sleep(0)
    return [first, second, await in_django(threading.get_ident), await anyio.to_thread.run_sync(threading.get_ident)]


def _transaction() -> Iterator[None]:
    with transaction.atomic():
        yield


@app.post("/b/create/{name}/", dependencies=[Depends(_transaction)])
def create(name: str, fail: str = "") -> dict[str, str]:
    return _created(name, fail)


@app.post("/b/create-async/{name}/")
async def create_async(name: str, fail: str = "") -> dict[str, str]:
    async with atomic():
        await _users().acreate(**_named(name))
        await asyncio.sleep(0)
        _fail(fail)
    return {"created": name}


@app.post("/b/create-mixed/{name}/", dependencies=[Depends(_transaction)])
async def create_mixed(name: str, fail: str = "") -> dict[str, str]:
    """An asynchronous endpoint in the transaction of a synchronous dependency."""
    await _users().acreate(**_named(name))
    await asyncio.sleep(0)
    _fail(fail)
    return {"created": name}


@app.post("/b/create-plain/{name}/")
def create_plain(name: str, fail: str = "") -> dict[str, str]:
    return _created(name, fail)


@app.post("/b/create-later/{name}/")
def create_later(name: str, tasks: BackgroundTasks) -> dict[str, str]:
    tasks.add_task(_created, name, "")
    return {"created": name}


@app.post("/b/create-and-return/{name}/")
def create_and_return(name: str, status: int = 200) -> Response:
    _created(name, "")
    return Response(status_code=status)


def _created(name: str, fail: str) -> dict[str, str]:
    _users().create(**_named(name))
    _fail(fail)
    return {"created": name}


def _fail(how: str) -> None:
    if how == "409":
        raise HTTPException(409, "no")
    if how == "raise":
        raise RuntimeError("secret")


def _transaction_that_fails() -> Iterator[None]:
    with transaction.atomic():
        yield
        raise RuntimeError("secret")


def _exit_that_fails() -> Iterator[None]:
    yield
    raise RuntimeError("secret")


@app.get("/b/exit-fails/", dependencies=[Depends(_exit_that_fails)])
def exit_fails() -> dict[str, int]:
    return {"count": _users().count()}


@app.post("/b/commit-fails/{name}/", dependencies=[Depends(_transaction_that_fails)])
def commit_fails(name: str) -> dict[str, str]:
    return _created(name, "")


@app.post("/b/create-with-session/{name}/", dependencies=[Depends(_transaction)])
def create_with_session(name: str, session: Session) -> dict[str, str]:
    session["created"] = name
    return _created(name, "")


@app.get("/b/query-parks/{name}/")
async def query_parks(name: str, number: int) -> dict[str, int]:
    """A query, inside of which the test waits."""

    def query() -> int:
        found = int(_users().count())
        gates.open_gate(f"{name}-{number}-entered")
        gates.wait(name)
        return found

    return {"count": await in_django(query)}


@app.get("/b/holds-sync/{name}/", dependencies=[Depends(_transaction)])
def holds_sync(name: str, user: str = "") -> dict[str, int]:
    """As `holds`."""
    _users().create(**_named(user or name))
    gates.open_gate(f"{name}-entered")
    gates.wait(name)
    return {"count": _users().count()}


@app.get("/b/holds/{name}/", dependencies=[Depends(_transaction)])
async def holds(name: str, user: str = "") -> dict[str, int]:
    """Waits with a transaction open."""
    await _users().acreate(**_named(user or name))
    gates.open_gate(f"{name}-entered")
    await gates.wait_async(name)
    return {"count": await _users().acount()}


@app.get("/b/count/sync-stream/")
def count_in_stream() -> StreamingResponse:
    def parts() -> Iterator[bytes]:
        for _ in range(3):
            yield str(_users().count()).encode()

    return StreamingResponse(parts())


@app.get("/b/count/async/")
async def count_async() -> dict[str, int]:
    return {"count": await _users().acount()}


@app.get("/b/count/raises/")
def count_raises() -> None:
    _users().count()
    raise RuntimeError("secret")


@app.get("/b/count/background/")
async def count_in_background(tasks: BackgroundTasks) -> dict[str, bool]:
    tasks.add_task(_users().count)
    tasks.add_task(count_async)
    return {"ok": True}


@app.get("/b/count/task/")
async def count_in_task() -> dict[str, bool]:
    """A task that outlives the request."""

    async def later() -> None:
        await anyio.to_thread.run_sync(_users().count)
        seen.append("outlived")

    _tasks.append(asyncio.create_task(later()))
    return {"ok": True}


_tasks: list[asyncio.Task[None]] = []


@app.websocket("/b/count/socket/")
async def count_in_socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json({"count": await _users().acount()})
    await websocket.receive()


async def _nested() -> list[int]:
    """What coroutines called by synchronous code do: the ORM, and threads."""
    await _users().acount()
    return [await anyio.to_thread.run_sync(threading.get_ident), await in_django(threading.get_ident)]


@app.get("/b/nested/sync/")
def nested_sync() -> list[int]:
    return [*async_to_sync(_nested)(), threading.get_ident()]


@app.get("/b/nested/async/")
async def nested_async() -> list[int]:
    return await in_django(nested_sync)


@app.get("/b/times-out/{name}/")
async def times_out(name: str) -> dict[str, Any]:
    """A transaction that has begun when nobody wanted it any more must not take in what comes next."""

    def park(execute: Any, sql: str, *more: Any) -> Any:
        if sql.startswith("BEGIN"):
            gates.open_gate(f"{name}-begins")
            gates.wait(name)
        return execute(sql, *more)

    async def begin() -> None:
        async with atomic():
            raise AssertionError

    await in_django(lambda: connection.execute_wrappers.append(park))
    task = asyncio.ensure_future(begin())
    await gates.wait_async(f"{name}-begins")
    task.cancel()
    await asyncio.wait([task], timeout=0)
    gates.open_gate(name)
    await asyncio.wait([task])
    await in_django(lambda: connection.execute_wrappers.remove(park))
    await _users().acreate(**_named(name))
    return {"cancelled": task.cancelled()}


# -- tenants --------------------------------------------------------------------------------------

tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant", default="")
local = Local()


@app.get("/b/tenant/")
def tenant_sync() -> dict[str, str]:
    return {"variable": tenant.get(), "local": getattr(local, "tenant", ""), "connection": _of_connection()}


@app.get("/b/tenant/async/")
async def tenant_async() -> dict[str, str]:
    await asyncio.sleep(0)
    return {
        "variable": tenant.get(),
        "local": getattr(local, "tenant", ""),
        "connection": await in_django(_of_connection),
    }


@app.get("/b/search-path/")
def search_path_sync() -> dict[str, str]:
    return {"path": _search_path()}


@app.get("/b/search-path/async/")
async def search_path_async() -> dict[str, str]:
    await asyncio.sleep(0)
    return {"path": await in_django(_search_path)}


def _search_path() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        return str(cursor.fetchone()[0])


def _of_connection() -> str:
    return getattr(connection, "tenant", "")


@app.get("/b/file/")
async def file() -> FileResponse:
    """A file, which some servers send by themselves where they may."""
    return FileResponse(__file__)


@app.post("/b/undoable/{name}/")
@all_in_transaction
def undoable(name: str, fail: str = "") -> dict[str, str]:
    """What it writes is gone when it fails; legacy has the same path."""
    return _created(name, fail)


@app.post("/b/unmarked/{name}/")
def unmarked(name: str, fail: str = "") -> dict[str, str]:
    """As `undoable`, but nobody says that it can be undone."""
    return _created(name, fail)


@app.post("/b/undoable-exit/{name}/", dependencies=[Depends(_exit_that_fails)])
@all_in_transaction
def undoable_exit(name: str) -> dict[str, str]:
    """Fails only after it has answered."""
    return _created(name, "")


def _hook_that_fails() -> None:
    raise RuntimeError("after the commit")


@app.post("/b/undoable-hook/{name}/")
@all_in_transaction
def undoable_hook(name: str) -> dict[str, str]:
    """Commits, and then fails in what it wanted to be done after that."""
    transaction.on_commit(_hook_that_fails)
    return _created(name, "")


undoable_only = FastAPI()
undoable_only.add_api_route("/b/undoable/{name}/", undoable, methods=["POST"])
