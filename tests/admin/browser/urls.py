"""The shop's URLs, and an AdminSite of the project's own."""

from django.contrib.admin import AdminSite
from django.urls import path

from gateway.control.admin import register
from legacy.urls import urlpatterns as shop

backstage = AdminSite(name="backstage")
backstage.site_header = "Backstage"
register(backstage)

urlpatterns = [path("backstage/", backstage.urls), *shop]
