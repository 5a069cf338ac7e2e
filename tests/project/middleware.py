"""Middleware of the test project."""

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
