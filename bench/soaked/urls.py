"""The part of the site that Django answers."""

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from bench.soaked.models import Note


def read(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django passes it
    """An answer without a database."""
    return JsonResponse({"read": True})


@csrf_exempt
def write(request: HttpRequest, key: str) -> JsonResponse:  # noqa: ARG001 - Django passes it
    """A row in the request's transaction."""
    Note.objects.create(key=key)
    return JsonResponse({"key": key})


urlpatterns = [path("legacy/read/", read), path("legacy/write/<key>/", write)]
