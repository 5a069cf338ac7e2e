"""Both sides of a route that is compared: views of Django, and the service that is to take them over."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt
from fastapi import BackgroundTasks, FastAPI, Request, Response
from fastapi.responses import FileResponse, StreamingResponse

asked: list[str] = []
scopes: list[dict[str, Any]] = []
seen: list[str] = []
variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
numbers = itertools.count()
HANGS = 60.0  # seconds: longer than any test waits
BLOCKS = 0.4  # seconds that the event loop stands still


# -- Django -------------------------------------------------------------------------------------


def _echoed(method: str, query: str, cookies: dict[str, str], headers: Any, body: bytes) -> dict[str, Any]:
    told = {name: headers.get(name) for name in ("accept-language", "x-request-id", "host")}
    return {"method": method, "query": query, "cookies": cookies, "headers": told, "body": body.decode()}


@csrf_exempt
def view(request: HttpRequest, what: str) -> HttpResponse:
    """What legacy answers."""
    if what == "echo":
        query = request.META["QUERY_STRING"]
        return JsonResponse(_echoed(str(request.method), query, request.COOKIES, request.headers, request.body))
    if what == "price":
        return JsonResponse({"price": "1.50"})
    if what == "packed":
        return HttpResponse(b"1", "application/json", headers={"Content-Encoding": "br"})
    if what == "secret":
        return JsonResponse({"password": "open sesame"})
    if what == "random":
        return JsonResponse({"number": next(numbers)})
    return JsonResponse({"what": what})


def thing(request: HttpRequest, number: int) -> HttpResponse:
    """One of many."""
    return JsonResponse({"id": number, "name": f"thing {number}"})


def _slowly() -> Iterator[bytes]:
    for _ in range(int(HANGS * 100)):
        yield b"a part"
        time.sleep(0.01)


def slow(request: HttpRequest) -> StreamingHttpResponse:
    """An answer that takes longer than anybody waits."""
    return StreamingHttpResponse(_slowly())


# -- FastAPI ------------------------------------------------------------------------------------

app = FastAPI()


@app.api_route("/m/echo/", methods=["GET", "POST"])
async def echo(request: Request) -> dict[str, Any]:
    """What it was asked."""
    asked.append(f"{request.method} {request.url.path}")
    body = await request.body()
    return _echoed(request.method, request.url.query, request.cookies, request.headers, body)


@app.get("/m/things/{number}/")
async def one_thing(number: int) -> dict[str, Any]:
    """One of many, with another name."""
    return {"id": number, "name": f"Thing {number}"}


@app.get("/m/endless/")
async def endless() -> StreamingResponse:
    """More than anybody compares."""

    async def parts() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 100
            await asyncio.sleep(0)

    return StreamingResponse(parts(), media_type="text/plain")


async def _cancelled() -> None:
    """Await what somebody else has given up."""
    shared: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    shared.cancel()
    await shared


async def _fail() -> None:
    raise RuntimeError("too late to matter")


async def _block() -> None:
    time.sleep(BLOCKS)  # noqa: ASYNC251 - that is the fault


async def _hang() -> None:
    await asyncio.sleep(HANGS)


@app.get("/m/then-{how}/")
async def then(how: str, tasks: BackgroundTasks) -> dict[str, str]:
    """The same as legacy, and something to do after that."""
    tasks.add_task({"block": _block, "fail": _fail, "hang": _hang}[how])
    return {"what": f"then-{how}"}


@app.get("/m/file/")
async def file() -> FileResponse:
    """A file, which the server may be able to send by itself."""
    return FileResponse(__file__)


@app.get("/m/packed/")
async def packed() -> Response:
    """In an encoding that is not known here."""
    return Response(b"2", headers={"Content-Encoding": "br"}, media_type="application/json")


@app.get("/m/slow/")
async def slow_too() -> dict[str, str]:
    """Legacy has this path beside the next one's; so what stands for it has to say so."""
    asked.append("GET /m/slow/")
    return {"what": "slow"}


@app.api_route("/m/{what}/", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
async def same(request: Request, what: str) -> dict[str, Any]:
    """What legacy answers, but where the path says otherwise."""
    asked.append(f"{request.method} {request.url.path}")
    scopes.append(dict(request.scope))
    if what == "raises":
        raise RuntimeError("a secret that no caller may read")
    if what == "hangs":
        await asyncio.sleep(HANGS)
    if what == "waits":
        await asyncio.sleep(BLOCKS)
    if what == "blocks":
        time.sleep(BLOCKS)  # noqa: ASYNC251 - that is the fault
    if what == "context":
        seen.append(variable.get())
        variable.set("this mirror's")
    if what == "cancelled":
        await _cancelled()
    answers = {"price": {"price": 1.5}, "secret": {"password": "Open sesame"}, "random": {"number": next(numbers)}}
    return answers.get(what, {"what": what})


async def stubborn(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """A service that answers too much, and doesn't mind that nobody takes it."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        with contextlib.suppress(Exception):
            await send({"type": "http.response.body", "body": b"x" * 2000})


UNSENDABLE: dict[str, Any] = {"text": ("x", "y"), "three": (b"x", b"y", b"z"), "control": (b"x", b"y\0"), "none": None}


async def unsendable(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """A service that begins its answer with a header that no server can send."""
    if scope["type"] == "http":
        header = UNSENDABLE[scope["path"].strip("/").rpartition("/")[2]]
        await send({"type": "http.response.start", "status": 200, "headers": [header]})
        await send({"type": "http.response.body", "body": b""})


async def incurious(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """A service that answers before it has read anything."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})
