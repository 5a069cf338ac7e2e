"""Asking suppliers for their price, one after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any
from urllib.parse import quote as quote_path

import httpx


@dataclass(frozen=True, slots=True)
class Quote:
    """One supplier's offer."""

    supplier: str
    price: Decimal
    currency: str
    delivery_days: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a supplier gave no offer: `timeout`, `unreachable`, `refused` or `garbled`."""

    supplier: str
    reason: str


@cache
def http_client() -> httpx.Client:
    """Return the process's client: connections to the suppliers are kept open and shared by threads."""
    return httpx.Client(limits=httpx.Limits(max_connections=None, max_keepalive_connections=64))


def ask(supplier: str, base_url: str, sku: str, timeout: float) -> Quote | Failure:
    """Ask one supplier; waits `timeout` seconds at most for each step and never raises for its failings."""
    try:
        response = http_client().get(f"{base_url}/quotes/{quote_path(sku, safe='')}", timeout=timeout)
        response.raise_for_status()
        return _parse(supplier, response.json())
    except httpx.TimeoutException:
        return Failure(supplier, "timeout")
    except httpx.HTTPStatusError:
        return Failure(supplier, "refused")
    except httpx.TransportError:
        return Failure(supplier, "unreachable")
    except (ValueError, KeyError, TypeError, InvalidOperation):
        return Failure(supplier, "garbled")


def ask_all(suppliers: Mapping[str, str], sku: str, timeout: float) -> tuple[list[Quote], list[Failure]]:
    """Ask every supplier in turn; return the offers, cheapest first, and who gave none."""
    answers = [ask(name, base_url, sku, timeout) for name, base_url in suppliers.items()]
    quotes = [answer for answer in answers if isinstance(answer, Quote)]
    failures = [answer for answer in answers if isinstance(answer, Failure)]
    return sorted(quotes, key=lambda quote: (quote.price, quote.supplier)), failures


def _parse(supplier: str, data: dict[str, Any]) -> Quote:
    return Quote(supplier, Decimal(data["price"]), str(data["currency"]), int(data["delivery_days"]))
