"""A project and a service that do things elsewhere than in the database: ACTS has both ways of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import requests
from django.core.cache import cache, caches
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.cache import cache_page
from fastapi import FastAPI

from gateway.bridge import DjangoRequest

URL = "https://pay.example/charge"
Act = Callable[[Any], Any]


def charge(amount: int = 1, currency: str = "EUR") -> Any:
    return requests.post(URL, json={"amount": amount, "currency": currency}, timeout=5).json()


def charge_by_httpx(_request: Any = None) -> Any:
    import httpx  # here, as a project may do it that asks seldom

    return httpx.post(URL, json={"currency": "EUR", "amount": 1}).json()


def charge_later(_request: Any = None) -> Any:
    import httpx

    async def ask() -> Any:
        async with httpx.AsyncClient() as client:
            return (await client.post(URL, json={"amount": 1, "currency": "EUR"})).json()

    return asyncio.run(ask())


def put(name: str, value: Any) -> Act:
    return lambda request: request.session.__setitem__(name, value)


def save(content: bytes) -> Act:
    return lambda _: default_storage.save("invoices/1.txt", ContentFile(content)) and None


def nothing(_request: Any) -> None:
    """What the other side does."""


# Name: what legacy does, and the service.
ACTS: dict[str, tuple[Act, Act]] = {
    "cache": (lambda _: cache.set("cart", {"n": 1}, 60), lambda _: cache.set_many({"cart": {"n": 1}}, 10)),
    "cache-value": (lambda _: cache.set("cart", {"n": 1}), lambda _: cache.set("cart", {"n": 2})),
    "cache-set": (lambda _: caches["other"].set("cart", 1), nothing),
    "cache-delete": (lambda _: cache.delete("products"), nothing),
    "session": (put("seen", [1, 2]), put("seen", [1, 2])),
    "session-value": (put("seen", [1, 2]), put("seen", [1, 3])),
    "session-name": (put("seen", 1), nothing),
    "session-end": (lambda request: request.session.flush(), nothing),
    "session-key": (lambda request: request.session.cycle_key(), nothing),
    "file": (save(b"one"), save(b"one")),
    "file-content": (save(b"one"), save(b"two")),
    "request": (lambda _: charge(), charge_by_httpx),
    "request-async": (lambda _: charge(), charge_later),
    "request-value": (lambda _: charge(1), lambda _: charge(2)),
    "request-shape": (lambda _: charge(), lambda _: requests.post(URL, json={"sum": 1}, timeout=5).json()),
    "request-more": (lambda _: charge(), lambda _: [charge(), charge()][0]),
    "request-none": (lambda _: charge(), lambda _: {"paid": True}),
    "request-unknown": (lambda _: requests.get("https://nobody.example/", timeout=5).text, nothing),
    "page": (nothing, nothing),
}


def view(request: HttpRequest, act: str) -> JsonResponse:
    return JsonResponse({"said": ACTS[act][0](request)})


urlpatterns = [path("elsewhere/page/", cache_page(60)(view), {"act": "page"}), path("elsewhere/<act>/", view)]
app = FastAPI(version="1")


@app.get("/elsewhere/page/")
def page(request: DjangoRequest) -> Any:
    made: Any = cache_page(60)(lambda _: JsonResponse({"said": None}))(request)
    return {"said": None} if made.status_code == 200 else None


@app.get("/elsewhere/{act}/")
def done(act: str, request: DjangoRequest) -> Any:
    return {"said": ACTS[act][1](request)}
