"""Every URL of the shop."""

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import include, path

from legacy.suppliers.views import QuotesView

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("legacy.accounts.urls")),
    path("api/quotes/<int:product_pk>/", QuotesView.as_view(), name="api-quotes"),
    path("api/", include("legacy.shop.api.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("legacy.shop.urls")),
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
