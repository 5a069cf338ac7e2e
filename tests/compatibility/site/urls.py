"""The view, under every path that it is asked at: what a service claims of them is moved."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.urls import include, path

from tests.compatibility.groups import GROUPS
from tests.compatibility.rows import ROWS
from tests.compatibility.site.models import GROUP


def view(request: HttpRequest, place: str, kind: str, row: str) -> HttpResponseBase:
    """Do what the row asks for: at once, or while the answer is streamed."""
    del place
    work = ROWS[row].work
    if kind == "stream":
        from tests.compatibility.site.services import parts

        return StreamingHttpResponse(parts(work, request), content_type="application/json")
    return JsonResponse({"work": work(request)})


def plain(_request: HttpRequest, **_more: Any) -> HttpResponse:
    """What an error or a login page is here."""
    return HttpResponse("a page")


urlpatterns = [
    path("<slug:place>/<slug:kind>/<slug:row>/", view, name="view"),
    path("login/", plain, name="login"),
    *(path(prefix, include(urls)) for prefix, urls in GROUPS[GROUP].urls.items()),
]
