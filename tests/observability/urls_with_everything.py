"""A project with a view for every path, as single-page applications have it."""

from django.http import HttpResponse
from django.urls import re_path

urlpatterns = [re_path("", lambda request: HttpResponse("the project's"))]
