"""The FastAPI side: a trivial endpoint, and the supplier question asked concurrently."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI, Request

from bench.supplier import NAMES, supplier_url

router = APIRouter()


@router.get("/fast/json")
async def small_json() -> dict[str, Any]:
    """Return a constant: what is timed is everything around the endpoint."""
    return {"message": "Hello, world", "items": [1, 2, 3]}


@router.get("/fast/json-def")
def small_json_on_a_thread() -> dict[str, Any]:
    """Return the same from a function that blocks."""
    return {"message": "Hello, world", "items": [1, 2, 3]}


@router.get("/json/")
async def as_legacy() -> dict[str, Any]:
    """Return what the view of Django at this path does, for mirrors."""
    return await small_json()


@router.get("/worker/")
async def worker() -> dict[str, int]:
    """Return which process answers."""
    return {"pid": os.getpid()}


@router.get("/fast/slow-orm")
async def slow_orm() -> dict[str, str]:
    """Ask Django's asynchronous ORM for what takes the database 0.2 s."""
    from django.db.models import Func, Value

    from bench.project.models import Product

    found = Product.objects.annotate(slept=Func(Value(0.2), function="bench_sleep"))
    return {"sku": (await found.afirst()).sku}


# httpx's pool compares all its connections with each other for every request; at 190 of them that costs
# five times the request itself. Many small pools cost little (encode/httpcore, connection_pool.py).
CLIENTS = 48


async def _offer(client: httpx.AsyncClient, name: str, sku: str) -> dict[str, Any]:
    response = await client.get(supplier_url(name, sku))
    response.raise_for_status()
    offer: dict[str, Any] = response.json()
    return offer


@router.get("/svc/quotes/{sku}/")
async def quotes(sku: str, request: Request) -> dict[str, Any]:
    """Ask three suppliers at the same time."""
    clients = request.app.state.suppliers
    offers = await asyncio.gather(*(_offer(next(clients), name, sku) for name in NAMES))
    return {"sku": sku, "offers": offers}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep the clients, taken in turn, for as long as the service runs."""
    verify = httpx.create_ssl_context(trust_env=False)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(verify=verify, limits=limits, timeout=30, trust_env=False)
            )
            for _ in range(CLIENTS)
        ]
        app.state.suppliers = itertools.cycle(clients)
        yield


app = FastAPI(lifespan=lifespan)
app.include_router(router)
