"""Close the shop without stopping the server."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _


class MaintenanceMiddleware:
    """Answer 503 to everybody but staff while `settings.MAINTENANCE_FILE` exists.

    A file, because it is one `stat` per request, works when the database is what is being
    maintained, and closes every process at once. The admin and the login stay reachable.
    """

    retry_after = "120"

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not settings.MAINTENANCE_FILE.exists() or self.is_exempt(request):
            return self.get_response(request)
        response = self.closed(request)
        response.headers["Retry-After"] = self.retry_after
        return response

    def is_exempt(self, request: HttpRequest) -> bool:
        """Whether this caller or this path gets through."""
        open_paths = (reverse("admin:index"), reverse("login"), settings.STATIC_URL)
        return request.path.startswith(open_paths) or request.user.is_staff

    def closed(self, request: HttpRequest) -> HttpResponse:
        """Return the answer for a closed shop: JSON for the API, a page for people."""
        if request.path.startswith("/api/"):
            detail = _("The shop is closed for maintenance.")
            return JsonResponse({"code": "maintenance", "detail": detail}, status=503)
        return render(request, "503.html", status=503)
