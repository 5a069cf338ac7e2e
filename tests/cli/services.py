"""The services of these tests."""

from fastapi import FastAPI, WebSocket
from pydantic import BaseModel

from gateway.bridge import all_in_transaction
from legacy.shop.api.documentation import ERROR

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


class Lenient(BaseModel):
    """What is put into the cart; legacy takes no such quantities."""

    product: int
    quantity: int = 1


lenient = FastAPI(openapi_url=None)


@lenient.post("/api/cart/items/")
async def put(item: Lenient) -> Lenient:
    return item


async def unasked(scope: object, receive: object, send: object) -> None:
    """An ASGI application that can't be asked for its endpoints."""


# For `gateway openapi --diff`: what takes the place of the demo's DELETE /api/cart/items/{product_pk}/.
same, equal, breaking, warning, hidden = (FastAPI(openapi_url=None) for _ in range(5))
REMOVED = {"status_code": 204, "responses": {422: {"description": "never"}}}


def remove(product_pk: int) -> None:
    """Remove one product from the cart."""


def remove_for(product_pk: int, reason: str) -> None:
    """The same, with a reason."""


REFUSAL = {"description": "an error", "content": {"application/json": {"schema": ERROR}}}
DOCUMENTED = {"status_code": 204, "responses": {"default": REFUSAL}}
same.delete("/api/cart/items/{product_pk:int}/", operation_id="cart_items_destroy_2", **DOCUMENTED)(remove)
equal.delete("/api/cart/items/{product_pk:int}/", **REMOVED)(remove)
breaking.delete("/api/cart/items/{product_pk:int}/", **REMOVED)(remove_for)
warning.delete("/api/cart/items/{product_pk:int}/", **REMOVED | {"responses": {202: {}, 422: {}}})(remove)
hidden.delete("/api/cart/items/{product_pk:int}/", include_in_schema=False, **REMOVED)(remove)


def told(event: dict[str, object]) -> None:
    """A function that is a hook."""


def frozen(event: dict[str, object]) -> str:
    """One that refuses every promotion."""
    return "change freeze"
