"""Sockets that are refused before they are accepted, by a service in each of its ways, and by a middleware."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from django.http import HttpRequest, HttpResponse
from fastapi import APIRouter, FastAPI, HTTPException, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse

router = APIRouter()
HEADERS = {"WWW-Authenticate": "Bearer"}


@router.websocket("/raises/")
async def raises(socket: WebSocket) -> None:
    raise HTTPException(401, "no", headers=HEADERS)


@router.websocket("/denies/")
async def denies(socket: WebSocket) -> None:
    await socket.send_denial_response(JSONResponse({"detail": "no"}, 401, headers=HEADERS))


@router.websocket("/denies-in-parts/")
async def denies_in_parts(socket: WebSocket) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b'{"detail":'
        yield b'"no"}'

    await socket.send_denial_response(StreamingResponse(parts(), 401, HEADERS, "application/json"))


@router.websocket("/closes/")
async def closes(socket: WebSocket) -> None:
    await socket.close()


@router.websocket("/accepts/")
async def accepts(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


def below(prefix: str) -> FastAPI:
    """All of them below `prefix`."""
    app = FastAPI()
    app.include_router(router, prefix=prefix)
    return app


bridged, plain = below("/bridged"), below("/plain")
statuses: list[int] = []


def refuses(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Refuses "before" or "after" the service has its say, as the query says; `statuses` are what it was answered."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.GET.get("refused") == "before":
            return HttpResponse("no", status=401)
        response = get_response(request)
        statuses.append(response.status_code)
        return HttpResponse("no", status=401) if request.GET.get("refused") == "after" else response

    return middleware
