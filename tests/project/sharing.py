"""Both sides of a route, each of which does what a test puts into `acts`: "legacy" and "service"."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.cache import cache_page
from fastapi import BackgroundTasks, FastAPI

acts: dict[str, Callable[[], Any]] = {}
said: dict[str, list[Any]] = {"legacy": [], "service": []}


def _act(side: str) -> dict[str, Any]:
    result = acts.get(side, lambda: None)()
    said[side].append(result)
    return {"side": side, "count": len(said[side])}


async def _act_on_the_loop(side: str) -> dict[str, Any]:
    result = acts.get(side, lambda: None)()
    if asyncio.iscoroutine(result):
        result = await result
    said[side].append(result)
    return {"side": side}


def view(request: HttpRequest) -> JsonResponse:
    return JsonResponse(_act("legacy"))


async def async_view(request: HttpRequest) -> JsonResponse:
    return JsonResponse(await _act_on_the_loop("legacy"))


urlpatterns = [
    path("s/sync/", view),
    path("s/async/", async_view),
    path("s/threads/", view),
    path("s/task/", view),
    path("s/page/", cache_page(60)(view)),
]

app = FastAPI(version="1")


@app.post("/s/sync/")
@app.get("/s/sync/")
@app.get("/s/page/")
def sync() -> dict[str, Any]:
    return _act("service")


@app.get("/s/async/")
async def on_the_loop() -> dict[str, Any]:
    return await _act_on_the_loop("service")


@app.get("/s/threads/")
async def in_a_thread() -> dict[str, Any]:
    await sync_to_async(_act, thread_sensitive=True)("service")
    return {"side": "service", "thread": await asyncio.to_thread(_act, "service")}


@app.get("/s/task/")
async def task(tasks: BackgroundTasks) -> dict[str, Any]:
    tasks.add_task(_act, "service")
    return {"side": "service"}
