"""How often callers may write."""

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView


class WriteThrottle(UserRateThrottle):
    """A tighter rate for requests that change something; reading is not counted."""

    scope = "write"

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count unsafe methods only."""
        return request.method in SAFE_METHODS or super().allow_request(request, view)
