"""The services of these tests."""

from fastapi import FastAPI, WebSocket

from gateway.bridge import all_in_transaction

catalog = FastAPI(openapi_url=None)


@catalog.get("/api/products/")
async def products() -> list[int]:
    return [1, 2]


@catalog.get("/api/products/{id:int}/")
async def product(id: int) -> int:  # noqa: A002 - the path names it
    return id


@catalog.websocket("/api/live")
async def live(socket: WebSocket) -> None:
    await socket.accept()


news = FastAPI(openapi_url=None)
news.add_api_route("/news/", products)  # Django has nothing there
news.add_api_websocket_route("/news/live", live)

mixed = FastAPI(openapi_url=None)
mixed.add_api_route("/api/products/", products)
mixed.add_api_route("/api/products/{id}/", product)
mixed.add_api_route("/api/news/", products)  # Django has no such page


def item() -> None:
    """An endpoint that writes."""


writing = FastAPI(openapi_url=None)
writing.post("/api/cart/items/")(all_in_transaction(item))
writing.patch("/api/cart/items/")(lambda: None)


async def unasked(scope: object, receive: object, send: object) -> None:
    """An ASGI application that can't be asked for its endpoints."""
