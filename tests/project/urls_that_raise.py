"""A project of which nothing works."""

from django.http import HttpRequest, HttpResponse
from django.urls import re_path


def fails(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a secret that no caller may read")


urlpatterns = [re_path("", fails)]
