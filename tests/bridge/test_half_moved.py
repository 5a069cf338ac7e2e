"""`Allow` goes on naming the methods that the project's own DRF view at a path still has."""

from __future__ import annotations

from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import path
from rest_framework.views import APIView

from gateway.bridge.drf.request import methods_still_there


class View(APIView):
    def get(self, request):
        raise NotImplementedError


class Urls:
    urlpatterns = (path("there/", View.as_view()),)


def asked(target: str) -> HttpRequest:
    request = RequestFactory().get(target)
    request.urlconf = Urls
    return request


def test_a_path_that_is_no_url_of_the_project_says_nothing_of_others():
    """Another path of the same template may be one."""
    assert methods_still_there(asked("/elsewhere/"), "/{name}/") == frozenset()
    assert methods_still_there(asked("/there/"), "/{name}/") == {"GET", "HEAD", "OPTIONS"}
