"""Asking the suppliers, all at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypedDict
from urllib.parse import quote as quote_path

import httpx
from fastapi import Depends, FastAPI, Request

from newsvc.quotes.schemas import Failure, Quote

__all__ = ["SuppliersClient", "ask_all", "lifespan"]


class State(TypedDict):
    """What lives as long as the service."""

    suppliers: httpx.AsyncClient


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[State]:
    """Keep one client, and so its connections, for as long as the service runs."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
    async with httpx.AsyncClient(limits=limits) as client:
        yield {"suppliers": client}


async def _client(request: Request) -> httpx.AsyncClient:
    client: httpx.AsyncClient = request.state.suppliers
    return client


SuppliersClient = Annotated[httpx.AsyncClient, Depends(_client)]


async def ask_all(
    client: httpx.AsyncClient, suppliers: Mapping[str, str], sku: str, seconds: float
) -> tuple[list[Quote], list[Failure]]:
    """Ask every supplier at once; return the offers, cheapest first, and who gave none.

    `seconds` is the longest wait for each step of a supplier's answer.
    """
    asked = (_ask(client, name, base_url, sku, seconds) for name, base_url in suppliers.items())
    answers = await asyncio.gather(*asked)
    quotes = [answer for answer in answers if isinstance(answer, Quote)]
    failures = [answer for answer in answers if isinstance(answer, Failure)]
    return sorted(quotes, key=lambda quote: (quote.price, quote.supplier)), failures


async def _ask(client: httpx.AsyncClient, supplier: str, base_url: str, sku: str, seconds: float) -> Quote | Failure:
    """One supplier's offer. Waits `seconds` at most for each step, and never raises for its failings."""
    try:
        response = await client.get(f"{base_url}/quotes/{quote_path(sku, safe='')}", timeout=seconds)
        response.raise_for_status()
        return _parsed(supplier, response.json())
    except httpx.TimeoutException:
        return Failure(supplier=supplier, reason="timeout")
    except httpx.HTTPStatusError:
        return Failure(supplier=supplier, reason="refused")
    except httpx.TransportError:
        return Failure(supplier=supplier, reason="unreachable")
    except (ValueError, KeyError, TypeError, InvalidOperation):
        return Failure(supplier=supplier, reason="garbled")


def _parsed(supplier: str, data: dict[str, Any]) -> Quote:
    return Quote(
        supplier=supplier,
        price=Decimal(data["price"]),
        currency=str(data["currency"]),
        delivery_days=int(data["delivery_days"]),
    )
