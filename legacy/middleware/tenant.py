"""Which of the shops on this site the caller wants."""

from collections.abc import Callable

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from legacy.shop.models import Tenant


class TenantMiddleware:
    """Set `request.tenant` from the `X-Tenant` header.

    Without the header it is the main shop, which costs no query. An unknown name is 404: answering
    with another shop's prices would be worse than not answering.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        slug = request.headers.get("X-Tenant")
        tenant = Tenant.main() if slug is None else Tenant.objects.filter(slug=slug).first()
        response = self.unknown() if tenant is None else self.answer(request, tenant)
        patch_vary_headers(response, ["X-Tenant"])
        return response

    def answer(self, request: HttpRequest, tenant: Tenant) -> HttpResponseBase:
        """Go on, with the shop noted on the request."""
        request.tenant = tenant  # type: ignore[attr-defined]  # read back by Tenant.of()
        return self.get_response(request)

    def unknown(self) -> HttpResponseBase:
        """Return the answer to a header that names no shop."""
        return JsonResponse({"code": "unknown_tenant", "detail": _("There is no such shop.")}, status=404)
