"""`Allow` goes on naming the methods that the project's own DRF view at a path still has."""

from __future__ import annotations

from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import path
from rest_framework.views import APIView

from gateway.bridge.drf.request import methods_still_there
from gateway.legacy.patterns import patterns_of


class View(APIView):
    def get(self, request):
        raise NotImplementedError


class Urls:
    urlpatterns = (path("there/", View.as_view()),)


def asked(target: str) -> HttpRequest:
    return RequestFactory().get(target)


def test_a_path_that_is_no_url_of_the_project_says_nothing_of_others():
    branch = patterns_of(Urls).branch("/there/")
    for target, methods in {"/elsewhere/": set(), "/there": set(), "/there/": {"GET", "HEAD", "OPTIONS"}}.items():
        request = asked(target)
        request.resolver_match = branch.match(target)
        assert methods_still_there(request) == methods
