"""Which views can be lifted, and what the others need."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import URLPattern, path, re_path
from fastapi import FastAPI
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway.bridge.drf import NotLiftable, lift
from gateway.bridge.drf.credentials import drf


class Echo(APIView):
    def get(self, request: Any, **kwargs: Any) -> Response:
        return Response(kwargs)


@pytest.fixture
def urlconf(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Callable[..., str]:
    """The name of a URLconf with these patterns."""

    def build(*patterns: Any) -> str:
        module = ModuleType(request.node.name)  # Django keeps what it has read, by this name
        module.urlpatterns = [*patterns]  # type: ignore[attr-defined] # as Django reads it
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return module.__name__

    return build


def routes(router: Any) -> list[tuple[str, str]]:
    return [(route.path, route.name) for route in router.routes]


def test_of_two_urls_that_are_the_same_the_first_counts_as_for_django(urlconf):
    first, second = (path("same/<a>/", Echo.as_view(), name=name) for name in ("first", "second"))
    assert [name for _, name in routes(lift(Echo, urlconf=urlconf(first, second)))] == ["first"]


def test_a_brace_in_a_path_can_not_be_said_to_starlette(urlconf):
    with pytest.raises(NotLiftable, match="has a brace; lift the view with path=…"):
        lift(Echo, urlconf=urlconf(re_path(r"^a\{b\}/$", Echo.as_view())))


def decorated(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """With something in its closure that is only there later, if ever."""
    if view is None:
        later = HttpResponse()

    @wraps(view)
    def around(request: Any, **kwargs: Any) -> HttpResponse:
        return later if request is None else view(request, **kwargs)

    return around


def test_a_decorator_goes_with_the_view():
    assert routes(lift(decorated(Echo.as_view()), path="/echo/{a}/"))[0][0] == "/echo/{a}/"


def test_a_decorator_that_hides_the_view_is_to_say_what_it_wraps():
    view = Echo.as_view()

    def around(request: Any, **kwargs: Any) -> HttpResponse:
        return view(request, **kwargs)

    vars(around).update(vars(view))
    with pytest.raises(NotLiftable, match=r"say @functools\.wraps in a decorator"):
        lift(around, path="/echo/{a}/")


def test_a_lifted_route_is_shown_with_its_view_and_its_operation():
    [route] = lift(Echo, path="/echo/{a}/").routes
    assert repr(route.openapi_extra) == "OperationExtra(GET /echo/{a}/)"
    assert len(route.openapi_extra) == len([*route.openapi_extra])
    assert repr(route.dependencies[0].dependency) == f"Lifted({__name__}.Echo)"


class Own:
    """A pattern of the project's own, which is neither a route nor a regular expression."""

    converters: dict[str, object] = {}

    def match(self, path: str) -> Any:
        return ("", (), {}) if path == "own/" else None


def test_a_pattern_of_ones_own_can_not_be_said_to_starlette(urlconf):
    with pytest.raises(NotLiftable, match="is a pattern of a class of its own, Own; lift the view with path=…"):
        lift(Echo, urlconf=urlconf(URLPattern(Own(), Echo.as_view())))


def test_the_url_of_a_lifted_route_can_be_made(urlconf):
    app = FastAPI()
    app.include_router(lift(Echo, urlconf=urlconf(re_path(r"^w/(?P<word>[a-z]+)/$", Echo.as_view(), name="word"))))
    assert app.url_path_for("word", word="abc") == "/w/abc/"


def test_what_an_endpoint_says_of_its_view_is_shown():
    assert repr(drf(view=Echo, throttle_scope="echo")) == f"Credentials(view={Echo}, {{'throttle_scope': 'echo'}})"
