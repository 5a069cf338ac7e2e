"""The endpoint that takes the view's place: `def`, `async def`, a stream and a socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest
from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.responses import Response, StreamingResponse

from gateway.bridge import DjangoRequest, in_django
from tests.compatibility.rows import ROWS

router = APIRouter()
METHODS = ["GET", "POST"]


@router.api_route("/def/{row}/", methods=METHODS)
def blocking(row: str, request: DjangoRequest) -> Response:
    """As the view."""
    return answer(ROWS[row].work(request))


@router.api_route("/async/{row}/", methods=METHODS)
async def asynchronous(row: str, request: DjangoRequest) -> Response:
    """As the view, of which what is synchronous runs on the request's thread."""
    return answer(await in_django(ROWS[row].work, request))


@router.api_route("/stream/{row}/", methods=METHODS)
def stream(row: str, request: DjangoRequest) -> StreamingResponse:
    """As the view, while the answer is sent."""
    return StreamingResponse(parts(ROWS[row].work, request), media_type="application/json")


@router.websocket("/socket/{row}/")
async def socket(row: str, socket: WebSocket, request: DjangoRequest) -> None:
    """As the view, once for a socket."""
    await socket.accept()
    await socket.send_json({"work": await in_django(ROWS[row].work, request)})
    await socket.close()


def answer(work: Any) -> Response:
    """The bytes of Django's JsonResponse."""
    return Response(json.dumps({"work": work}), media_type="application/json")


def parts(work: Callable[[HttpRequest], Any], request: HttpRequest) -> Iterator[bytes]:
    """The answer, bit by bit."""
    yield b'{"work": '
    yield json.dumps(work(request)).encode()
    yield b"}"


def _service(name: str) -> FastAPI:
    """With the endpoints under the prefix of each of its routes."""
    service = FastAPI(openapi_url=None)
    for prefix in (f"/{name}", f"/{name}-mirrored"):
        service.include_router(router, prefix=prefix)
    return service


moved, kept = _service("moved"), _service("kept")
