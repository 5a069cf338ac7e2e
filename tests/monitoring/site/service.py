import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, FastAPI, Form, WebSocket
from fastapi.responses import StreamingResponse

from tests.monitoring.site import agents

app = FastAPI()
router = APIRouter(prefix="/api")


@router.get("/sync/{pk}/")
def sync(pk: int) -> dict[str, int]:
    return {"pk": pk}


@router.get("/async/{pk}/")
async def asynchronous(pk: int) -> dict[str, int]:
    return {"pk": pk}


@router.post("/fails/{pk}/")
def fails(pk: int, word: Annotated[str, Form()] = "") -> None:
    time.sleep(0.01)
    raise ValueError(f"moved {pk}")


@router.post("/fails-async/{pk}/")
async def fails_async(pk: int, word: Annotated[str, Form()] = "") -> None:
    await asyncio.sleep(0.01)
    raise ValueError(f"moved-async {pk}")


@router.get("/stream/{pk}/")
async def stream(pk: int) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    return StreamingResponse(parts())


@router.get("/mirrored/{pk}/")
def mirrored(pk: int) -> dict[str, int]:
    agents.mirrors.append(pk)
    return {"pk": pk}


@router.websocket("/socket/{pk}/")
async def socket(websocket: WebSocket, pk: int) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


app.include_router(router)
bare = FastAPI()


@bare.get("/bare/sync/{pk}/")
def bare_sync(pk: int) -> dict[str, int]:
    return {"pk": pk}


@bare.get("/bare/async/{pk}/")
async def bare_async(pk: int) -> dict[str, int]:
    return {"pk": pk}


@bare.get("/bare/fails/{pk}/")
async def bare_fails(pk: int) -> None:
    raise ValueError(f"bare {pk}")
