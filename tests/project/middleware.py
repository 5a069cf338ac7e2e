"""Middleware of the test project."""

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.decorators import async_only_middleware


def time_zone_from_header(get_response):
    def middleware(request):
        if name := request.headers.get("X-Time-Zone"):
            timezone.activate(name)
        return get_response(request)

    return middleware


@async_only_middleware
def async_only(get_response):
    async def middleware(request):
        response = await get_response(request)
        response["X-Async-Only"] = "yes"
        return response

    return middleware


def stamp(get_response):
    def middleware(request):
        response = get_response(request)
        response["X-Stamp"] = "sync"
        return response

    return middleware


class Hooks:
    """Every hook of a middleware; headers and query parameters say what it should do."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.GET.get("short") == "whole":
            return HttpResponse("short-circuited", headers={"X-Short": "1"})
        if request.GET.get("short") == "stream":
            return StreamingHttpResponse(iter([b"short-", b"circuited"]))
        if request.GET.get("short") == "raises":
            raise RuntimeError("secret")
        request.viewed = ""
        try:
            response = self.get_response(request)
        finally:
            hooks_left.append(request.path)
        response["X-Hooks"] = "yes"
        if request.GET.get("shout"):
            response.content = response.content.upper()
        return response

    def process_view(self, request, view, args, kwargs):
        request.viewed = f"{view.__module__}.{view.__name__} {kwargs}"
        return HttpResponse("no", status=403) if request.GET.get("short") == "view" else None

    def process_exception(self, request, exception):
        return HttpResponse(f"caught {type(exception).__name__}") if request.GET.get("catch") else None


hooks_left: list[str] = []


def not_used(get_response):
    raise MiddlewareNotUsed("not today")
