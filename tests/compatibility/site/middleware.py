"""What a project adds of its own."""

from __future__ import annotations

from django.contrib.auth.middleware import RemoteUserMiddleware
from django.http import HttpRequest, HttpResponse

__all__ = ["ProxyUserMiddleware", "too_many"]


class ProxyUserMiddleware(RemoteUserMiddleware):
    """Whom the proxy names in X-Proxy-User."""

    header = "HTTP_X_PROXY_USER"


def too_many(_request: HttpRequest, _exception: Exception) -> HttpResponse:
    """For RATELIMIT_VIEW."""
    return HttpResponse("too many", status=429)
