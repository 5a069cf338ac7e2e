"""A project of two views, which say what they see."""

from django.http import JsonResponse
from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt

from tests.http1.services import SEEN


def seen_by_django(request, user):
    """What Django sees, by the names that the services use."""
    return JsonResponse(
        {
            "method": request.method,
            "path": request.path,
            "query": request.META["QUERY_STRING"],
            "host": request.get_host(),
            "scheme": request.scheme,
            "client": request.META.get("REMOTE_ADDR", ""),
            "user": user.get_username(),
            "body": request.body.decode("latin-1"),
            **{name: request.headers.get(name, "") for name in SEEN},
        }
    )


@csrf_exempt
def echo(request, rest):
    return seen_by_django(request, request.user)


@csrf_exempt
async def async_echo(request, rest):
    return seen_by_django(request, await request.auser())


urlpatterns = [re_path("^legacy/(?s:(.*))$", echo), re_path("^async/(?s:(.*))$", async_echo)]
