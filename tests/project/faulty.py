"""A service that fails in every way its path can name, below /faults/, next to a view that never does."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from tests.project import gates

HANGS = 60.0  # seconds: longer than any test waits
BLOCKS = 0.3  # seconds that the event loop stands still
LARGE = 900_000  # bytes, just below what mirrors keep
LASTING = ("Lifespan._run", "Server.serve", "LifespanOn.main", "Server._serve", "RequestResponseCycle.run_asgi")
asked: Counter[str] = Counter()  # by side and ?key=
Fault = Callable[[Send], Awaitable[None]]


def legacy_body(how: str) -> bytes:
    """What legacy answers: long enough to tell a whole one from a part."""
    return b"legacy %s " % how.encode() + b"l" * (LARGE if how == "large" else 20_000) + b" end"


@csrf_exempt
def view(request: HttpRequest, stage: str, how: str) -> HttpResponse:
    """Legacy, which never fails."""
    asked[f"legacy {request.GET.get('key')}"] += 1
    return HttpResponse(legacy_body(how), content_type="text/plain")


# -- faults --------------------------------------------------------------------------------------


def start(status: Any = 200, *headers: Any) -> Message:
    """The first message of an answer."""
    return {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain"), *headers]}


def part(body: Any, *, more: bool = False) -> Message:
    """One of the others."""
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _send(send: Send, *messages: Any) -> None:
    for message in messages:
        await send(message)


def says(*messages: Any) -> Fault:
    """Sends these messages, whatever they are, and returns."""
    return lambda send: _send(send, *messages)


def then(error: type[BaseException], *messages: Any) -> Fault:
    """Sends these messages and raises."""

    async def fault(send: Send) -> None:
        await _send(send, *messages)
        raise error("secret")

    return fault


async def hangs(send: Send) -> None:
    """Nothing ever happens."""
    await asyncio.sleep(HANGS)


async def hangs_later(send: Send) -> None:
    """The body stops coming."""
    await _send(send, start(), part(b"half", more=True))
    await asyncio.sleep(HANGS)


async def stubborn(send: Send) -> None:
    """Does not take being cancelled for an answer, at first, and answers late."""
    try:
        await asyncio.sleep(HANGS)
    except asyncio.CancelledError:
        await asyncio.sleep(0.05)
    await _send(send, start(), part(b"too late"))


async def blocks(send: Send) -> None:
    """Holds the whole event loop up for a moment, and fails."""
    time.sleep(BLOCKS)  # noqa: ASYNC251 - that is the fault
    raise RuntimeError("secret")


async def endless(send: Send) -> None:
    """An answer without an end."""
    await send(start())
    while True:
        await send(part(b"e" * 50_000, more=True))
        await asyncio.sleep(0)


async def leaks(send: Send) -> None:
    """Says much, and fails in the end."""
    await _send(send, start(), *(part(b"x" * 60_000, more=True) for _ in range(20)))
    raise RuntimeError("secret")


async def recurses(send: Send) -> None:
    """Never comes to an end."""
    await recurses(send)


UNBEGUN: dict[str, Fault] = {  # nothing of an answer is there
    "raises": then(RuntimeError),
    "exits": then(SystemExit),
    "cancels": then(asyncio.CancelledError),
    "recurses": recurses,
    "hangs": hangs,
    "blocks": blocks,
    "500": says(start(500), part(b"secret")),
    "503": says(start(503), part(b"secret")),
    "500-then-raises": then(RuntimeError, start(500), part(b"secret")),
    "silent": says(),
    "body-first": says(part(b"secret")),
    "unknown-message": says({"type": "http.response.nonsense"}),
    "no-message": says({}),
    "none": says(None),
    "no-status": says({"type": "http.response.start"}),
    "text-status": says(start("200 OK"), part(b"secret")),
    "status-9999": says(start(9999), part(b"secret")),
    "text-header": says(start(200, ("x-name", "value")), part(b"secret")),
    "odd-header": says(start(200, b"x-name: value"), part(b"secret")),
    "newline-in-value": says(start(200, (b"x-name", b"value\r\nset-cookie: a=b")), part(b"secret")),
    "space-in-name": says(start(200, (b"x name", b"value")), part(b"secret")),
}
BEGUN: dict[str, Fault] = {  # half an answer is on its way
    "dies": then(RuntimeError, start(), part(b"half", more=True)),
    "dies-with-length": then(RuntimeError, start(200, (b"content-length", b"100")), part(b"half", more=True)),
    "stops": says(start(), part(b"half", more=True)),
    "too-short": says(start(200, (b"content-length", b"100")), part(b"half")),
    "starts-twice": says(start(), part(b"half", more=True), start()),
    "exits-later": then(SystemExit, start(), part(b"half", more=True)),
}
NEVER_DONE: dict[str, Fault] = {"stubborn": stubborn, "endless": endless, "leaks": leaks, "hangs-later": hangs_later}
FAULTS = {**UNBEGUN, **BEGUN, **NEVER_DONE}


# -- services ------------------------------------------------------------------------------------


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Fails as the path says; answers when it says "fine" or "large"."""
    how = scope["path"].rstrip("/").rpartition("/")[2]
    while (await receive()).get("more_body"):
        pass
    _, _, key = scope["query_string"].decode().partition("key=")
    asked[f"service {key}"] += 1
    if how in FAULTS:
        await FAULTS[how](send)
    else:
        await _send(send, start(), part(legacy_body(how).replace(b"legacy", b"service")))


threaded = FastAPI()


@threaded.get("/faults/{stage}/blocks-thread/{gate}/")
def block_thread(gate: str) -> None:
    """Keeps a thread until the gate is open, whoever has lost patience."""
    gates.wait(gate)


@threaded.get("/faults/{stage}/sync/")
def query() -> PlainTextResponse:
    """Asks the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return PlainTextResponse("service sync")


# -- what is left of it --------------------------------------------------------------------------


# Lines of a gateway.toml; more keys of [mirror] may follow.
STATE = """
[services.state]
app = "tests.project.faulty:state"
middleware = "none"

[[routes]]
name = "state"
prefix = "/state"
service = "state"

[mirror]
lag = 10.0
"""

state = FastAPI()


@state.get("/state/")
async def tell(request: Request, key: str = "") -> dict[str, Any]:
    """What this process is doing, apart from telling; and who was asked with `key`."""
    gateway = sys.modules["gateway.asgi"].app
    legacy, mirrors = gateway.legacy, gateway.mirrors
    taken = gateway.counters.take()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    return {
        "mirrors": len(mirrors.queue) + len(mirrors.worker.running),
        "bytes": mirrors.queue.bytes,
        "in_flight": sum(breaker.in_flight for breaker in gateway.breakers.values()),
        "most_connections": legacy.pools.size + 2,
        "busy_threads": sum(pool.started - pool.idle for pool in legacy.pools.all),
        "tasks": sorted(name for task in tasks if (name := _name(task)) not in LASTING),
        "mirrored": {route: asdict(taken.mirrors(route)) for route, _ in taken.mirrored},
        "asked": {side: asked[f"{side} {key}"] for side in ("legacy", "service")},
    }


def _name(task: asyncio.Task[Any]) -> str:
    return getattr(task.get_coro(), "__qualname__", "") or repr(task.get_coro())
