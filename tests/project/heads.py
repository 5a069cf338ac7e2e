"""Services that note how their streams end, with their dependencies and background tasks."""

from __future__ import annotations

import asyncio
import typing
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi.responses import FileResponse, StreamingResponse
from starlette.background import BackgroundTask
from starlette.middleware.base import BaseHTTPMiddleware

noted: defaultdict[str, list[str]] = defaultdict(list)
gates: dict[str, asyncio.Event] = {}
PARTS = 5
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


def in_dependency(name: str) -> Iterator[None]:
    """Notes what the request ends with."""
    try:
        yield
    except BaseException as exc:
        noted[name].append(f"dependency: {type(exc).__name__}")
        raise
    noted[name].append("dependency")


async def in_async_dependency(name: str) -> AsyncIterator[None]:
    """As `in_dependency`."""
    try:
        yield
    except BaseException as exc:
        noted[name].append(f"dependency: {type(exc).__name__}")
        raise
    noted[name].append("dependency")


async def parts(name: str) -> AsyncIterator[bytes]:
    """Notes whether somebody has taken them all."""
    try:
        for _ in range(PARTS):
            yield b"part"
            await asyncio.sleep(0.01)
    except BaseException as exc:
        noted[name].append(f"stream: {type(exc).__name__}")
        raise
    noted[name].append("stream")


def sync_parts(name: str) -> Iterator[bytes]:
    """As `parts`."""
    try:
        for _ in range(PARTS):
            yield b"part"
    except BaseException as exc:
        noted[name].append(f"stream: {type(exc).__name__}")
        raise
    noted[name].append("stream")


async def stream(name: str, tasks: BackgroundTasks) -> StreamingResponse:
    tasks.add_task(noted[name].append, "task")
    return StreamingResponse(parts(name))


def stream_sync(name: str, tasks: BackgroundTasks) -> StreamingResponse:
    tasks.add_task(noted[name].append, "task")
    return StreamingResponse(sync_parts(name))


def file(name: str) -> FileResponse:
    """One of several parts."""
    return FileResponse(typing.__file__, background=BackgroundTask(noted[name].append, "task"))


def dated(name: str, tasks: BackgroundTasks) -> StreamingResponse:
    """Not sent to who has it already."""
    tasks.add_task(noted[name].append, "task")
    return StreamingResponse(sync_parts(name), headers={"Last-Modified": DATE})


async def events(name: str, tasks: BackgroundTasks) -> StreamingResponse:
    """Of which there are always more."""

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"data: x\n\n"

    tasks.add_task(noted[name].append, "task")
    return StreamingResponse(endless(), media_type="text/event-stream")


async def fails(name: str) -> StreamingResponse:
    async def some() -> AsyncIterator[bytes]:
        yield b"part"
        await asyncio.sleep(0.01)
        raise RuntimeError(f"{name} fails")

    return StreamingResponse(some())


async def waits(name: str) -> StreamingResponse:
    """A stream that waits until somebody asks for `opens`."""

    async def some() -> AsyncIterator[bytes]:
        yield b"part"
        await gates[name].wait()

    gates[name] = asyncio.Event()
    return StreamingResponse(some())


async def opens(name: str) -> str:
    gates[name].set()
    return "opened"


async def what_was_noted(name: str) -> list[str]:
    return noted[name]


ENDPOINTS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "async": (stream, in_async_dependency),
    "sync": (stream_sync, in_dependency),
    "file": (file, in_dependency),
    "dated": (dated, in_dependency),
    "events": (events, in_async_dependency),
    "fails": (fails, in_async_dependency),
    "waits": (waits, in_async_dependency),
}


def service(prefix: str, *methods: str) -> FastAPI:
    """A service below `prefix`, whose streams declare these methods."""
    app = FastAPI()
    for kind, (endpoint, dependency) in ENDPOINTS.items():
        app.add_api_route(
            f"{prefix}/{kind}/{{name}}/", endpoint, methods=list(methods), dependencies=[Depends(dependency)]
        )
    app.add_api_route(prefix + "/opens/{name}/", opens)
    app.add_api_route(prefix + "/noted/{name}/", what_was_noted)
    return app


def bridged() -> FastAPI:
    """Asked GET for a HEAD by the gateway."""
    return service("/bridged", "GET")


def declared() -> FastAPI:
    """Asked HEAD itself."""
    return service("/declared", "GET", "HEAD")


def passed() -> BaseHTTPMiddleware:
    """With a middleware of its own around."""
    return BaseHTTPMiddleware(service("/passed", "GET"), dispatch=lambda request, call_next: call_next(request))


def kept() -> FastAPI:
    """On one thread."""
    return service("/kept", "GET")


def plain() -> FastAPI:
    """Without the project's middleware."""
    return service("/plain", "GET")


def far() -> FastAPI:
    """In another process, which is handed a HEAD as it is."""
    return service("/far", "GET", "HEAD")
