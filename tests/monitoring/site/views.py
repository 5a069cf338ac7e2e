import asyncio
import time

from django.contrib.auth.models import AnonymousUser
from django.http import JsonResponse, StreamingHttpResponse

from tests.monitoring.site import agents


class Known(AnonymousUser):
    """Whoever the caller says it is: what events then say of the user."""

    is_authenticated = True

    def __init__(self, name):
        self.pk = self.id = self.username = name
        self.email = f"{name}@example.com"

    def get_username(self):
        return self.username


def name_user(get_response):
    def middleware(request):
        if name := request.headers.get("X-Name"):
            request.user = request._cached_user = Known(name)
        return get_response(request)

    return middleware


def sync(request, pk):
    return JsonResponse({"pk": pk})


async def asynchronous(request, pk):
    await asyncio.sleep(0)
    return JsonResponse({"pk": pk})


def fails(request, pk):
    time.sleep(0.01)
    raise ValueError(f"legacy {pk}")


async def fails_async(request, pk):
    await asyncio.sleep(0.01)
    raise ValueError(f"legacy-async {pk}")


def stream(request, pk):
    return StreamingHttpResponse(iter([b"one", b"two"]))


def seen(request):
    """How many mirrors there were, and how many processors have piled up, as far as the agent has such a thing."""
    return JsonResponse({"processors": agents.processors(), "mirrors": len(agents.mirrors)})
