"""URLs of the timed views, next to the admin that every project has."""

from django.contrib import admin
from django.urls import path

from bench.project import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("json/", views.small_json),
    path("worker/", views.worker),
    path("orm/", views.orm),
    path("wait/", views.wait),
    path("quotes/<str:sku>/", views.quotes),
]
