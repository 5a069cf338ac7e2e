"""Views and services that are slow, for what must not wait for them. "/let-go/" ends all that waits."""

from __future__ import annotations

import threading
from collections.abc import Callable

from asgiref.sync import sync_to_async
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path, re_path
from fastapi import FastAPI

office = admin.AdminSite("office")
going = threading.Event()
begun: list[str] = []


def _wait(who: str) -> None:
    begun.append(who)
    going.wait(60)


def slow_middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Waits for whom "?wait" asks for."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.META["QUERY_STRING"] == "wait":
            _wait("middleware")
        return get_response(request)

    return middleware


def slow(request: HttpRequest) -> HttpResponse:
    _wait("legacy")
    return HttpResponse("slow")


async def async_slow(request: HttpRequest) -> HttpResponse:
    await sync_to_async(_wait)("legacy")
    return HttpResponse("slow")


def quick(request: HttpRequest) -> HttpResponse:
    return HttpResponse("quick")


async def async_quick(request: HttpRequest) -> HttpResponse:
    await sync_to_async(str)("a thread")
    return HttpResponse("quick")


async def let_go(request: HttpRequest) -> JsonResponse:
    going.set()
    return JsonResponse({"begun": len(begun)})


urlpatterns = [
    path("let-go/", let_go),
    path("slow/", slow),
    path("async/slow/", async_slow),
    path("async/healthz/", async_quick),
    re_path("^healthz/?$", quick),
    path("backoffice/quick/", quick),
    path("backoffice/", admin.site.urls),
    re_path("^(quick|slow-service|plain|other)/.*$", lambda request, _: HttpResponse("legacy")),
]
urlpatterns += i18n_patterns(path("office/quick/", quick), path("office/", office.urls))


def service(prefix: str) -> FastAPI:
    """Slow and quick `def` endpoints."""
    made = FastAPI()

    @made.api_route(f"/{prefix}/slow/", methods=["GET", "POST"])
    def slow() -> str:
        _wait(prefix)
        return "slow"

    @made.api_route(f"/{prefix}/quick/", methods=["GET", "POST"])
    def quick() -> str:
        return prefix

    return made


first, other, plain, plain_other = map(service, ("slow-service", "other", "plain", "plain-other"))
