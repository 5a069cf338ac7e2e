"""The part of the site that has moved: every kind of endpoint that writes, a stream, a socket."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from django.db import transaction
from fastapi import BackgroundTasks, Depends, FastAPI, WebSocket
from fastapi.responses import StreamingResponse

from bench.soaked.models import Note
from gateway.bridge import csrf_exempt

app = FastAPI(openapi_url=None)


def in_transaction() -> Iterator[None]:
    """As projects have it."""
    with transaction.atomic():
        yield


def _write(key: str) -> None:
    Note.objects.create(key=key)


@app.get("/moved/read/")
@transaction.non_atomic_requests
async def read() -> dict[str, bool]:
    """An answer without a database."""
    return {"read": True}


@app.post("/moved/write/{key}/")
@csrf_exempt
def write(key: str) -> dict[str, str]:
    """A row in the request's transaction."""
    _write(key)
    return {"key": key}


@app.post("/moved/dependency/{key}/")
@csrf_exempt
def write_in_dependency(key: str, _: Annotated[None, Depends(in_transaction)]) -> dict[str, str]:
    """A row in a transaction of a dependency's."""
    _write(key)
    return {"key": key}


@app.post("/moved/later/{key}/")
@csrf_exempt
def write_later(key: str, tasks: BackgroundTasks) -> dict[str, str]:
    """A row that is written once the caller has been answered."""
    tasks.add_task(_write, key)
    return {"key": key}


@app.post("/moved/stream/{key}/")
@csrf_exempt
def write_and_stream(key: str) -> StreamingResponse:
    """A row, and an answer in pieces."""
    _write(key)
    return StreamingResponse(iter(['{"key": "', key, '"}']), media_type="application/json")


@app.get("/moved/events/")
@transaction.non_atomic_requests
async def events() -> StreamingResponse:
    """A stream that never ends."""

    async def ticks() -> AsyncIterator[str]:
        while True:
            yield "data: tick\n\n"
            await asyncio.sleep(0.5)

    return StreamingResponse(ticks(), media_type="text/event-stream")


@app.websocket("/moved/socket/")
async def echo(socket: WebSocket) -> None:
    """A socket that says what it hears."""
    await socket.accept()
    while True:
        await socket.send_text(await socket.receive_text())
