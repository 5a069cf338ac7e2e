"""Both sides of a route where somebody fails, as `fails` says: by "legacy", "service" and "middleware"."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import FileResponse, StreamingResponse
from starlette.background import BackgroundTask
from starlette.responses import Response

from gateway.shield.sides import SIDE

fails: dict[str, Callable[[], Any]] = {}


class Panic(BaseException):
    """As pyo3_runtime.PanicException, which is what a Rust extension raises when it panics."""


def _do(who: str) -> Any:
    return fails.get(who, lambda: None)()


@csrf_exempt
def view(request: HttpRequest) -> JsonResponse:
    _do("legacy")
    return JsonResponse({"side": "legacy"})


@csrf_exempt
async def async_view(request: HttpRequest) -> JsonResponse:
    _do("legacy")
    return JsonResponse({"side": "legacy"})


PART, PARTS = b"x" * 2**16, 80


def download(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(PART for _ in range(PARTS))


urlpatterns = [
    path("w/downloads/<how>/", lambda request, how: download(request)),
    path("legacy/download/", download),
    path("legacy/upload/", csrf_exempt(lambda request: JsonResponse({"size": len(request.body)}))),
]
urlpatterns += [path("w/sync/", view), path("w/loop/", view), path("w/async/", async_view), path("w/raw/", view)]
app = FastAPI()
plain = FastAPI()


@app.get("/w/downloads/{how}/")
@plain.get("/p/downloads/{how}/")
def moved_download(how: str) -> Response:
    """A download in each of the ways that Starlette has."""

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(PARTS):
            yield PART
            await asyncio.sleep(0.01)

    if how == "async":
        return StreamingResponse(parts())
    if how == "sync":
        return StreamingResponse((PART for _ in range(PARTS)), headers={"Content-Length": str(len(PART) * PARTS)})
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(PART * PARTS)
    return FileResponse(file.name, background=BackgroundTask(os.unlink, file.name))


@app.post("/w/upload/")
@plain.post("/p/upload/")
async def upload(request: Request) -> dict[str, int]:
    return {"size": len(await request.body())}


@app.websocket("/w/socket/")
@plain.websocket("/p/socket/")
async def talk(socket: WebSocket) -> None:
    await socket.accept()
    while True:
        await socket.send_text(await socket.receive_text())


@app.api_route("/w/sync/", methods=["GET", "POST"])
def sync() -> dict[str, str]:
    _do("service")
    return {"side": "service"}


@app.api_route("/w/loop/", methods=["GET", "POST"])
async def on_the_loop(request: Request) -> dict[str, str]:
    await request.body()
    _do("service")
    return {"side": "service"}


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answers or raises before the view, after it, or only around the service, as `fails` says."""

    def around(request: HttpRequest) -> HttpResponse:
        if (own := _do("before")) is not None:
            return HttpResponse(status=own)
        response = get_response(request)
        _do("after")
        if SIDE in request.scope:  # type: ignore[attr-defined]
            _do("after the service")
        return response

    return around
